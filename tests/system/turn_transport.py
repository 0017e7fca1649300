# SPDX-License-Identifier: Apache-2.0
"""The four ways to a TURN server. Each gives whole messages and takes bytes as they are."""
import contextlib
import select
import socket
import ssl
import struct
import time

from OpenSSL import SSL


def family_of(address):
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def frame_length(head):
    """Bytes of the message on a stream that begins with these four (RFC 8656, 3.7 and 12.5)."""
    kind, length = struct.unpack("!HH", head)
    return 20 + length if kind < 0x4000 else 4 + length + (-length % 4)


class Udp:
    name, reliable = "udp", False

    def __init__(self, server, source=None):
        self.socket = socket.socket(family_of(server), socket.SOCK_DGRAM)
        if source:
            self.socket.bind(source)
        self.socket.connect(server)
        self.server = server

    @property
    def local(self):
        return self.socket.getsockname()[:2]

    def send(self, data):
        self.socket.send(data)

    def receive(self, timeout=3.0):
        """One message, or None when there is none in time."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(65535)
        except (TimeoutError, ConnectionRefusedError):
            return None

    def close(self):
        self.socket.close()


class Tcp:
    name, reliable = "tcp", True

    def __init__(self, server, source=None):
        self.socket = socket.create_connection(server, 5, source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server, self.buffer, self.ended = server, b"", False

    @property
    def local(self):
        return self.socket.getsockname()[:2]

    def send(self, data):
        self.socket.settimeout(10)
        self.socket.sendall(data)

    def _more(self, timeout):
        """More bytes into the buffer; False at the end of the stream or of the time."""
        self.socket.settimeout(max(timeout, 0.001))
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError:
            data = b""
        self.ended = not data
        self.buffer += data
        return bool(data)

    def receive(self, timeout=3.0):
        deadline = time.monotonic() + timeout
        while True:
            if len(self.buffer) >= 4 and len(self.buffer) >= frame_length(self.buffer[:4]):
                size = frame_length(self.buffer[:4])
                data, self.buffer = self.buffer[:size], self.buffer[size:]
                return data
            if self.ended or not self._more(deadline - time.monotonic()):
                return None

    def receive_raw(self, size, timeout=10.0):
        """Bytes of a data connection (RFC 6062): exactly so many, or fewer at its end."""
        deadline = time.monotonic() + timeout
        while len(self.buffer) < size and self._more(deadline - time.monotonic()):
            pass
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def closed(self, timeout=3.0):
        """True when the server ends the connection in time; what it still sends is thrown away."""
        deadline = time.monotonic() + timeout
        while not self.ended and time.monotonic() < deadline:
            self._more(deadline - time.monotonic())
            self.buffer = b""
        return self.ended

    def close(self):
        self.socket.close()


def tls_context(alpn=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


class Tls(Tcp):
    name = "tls"

    def __init__(self, server, source=None, alpn=None, server_name=None):
        super().__init__(server, source)
        self.socket = tls_context(alpn).wrap_socket(self.socket, server_hostname=server_name)


def records(flight):
    """The DTLS records of what a memory BIO held: each may travel in a datagram of its own."""
    while flight:
        size = 13 + struct.unpack("!H", flight[11:13])[0]
        yield flight[:size]
        flight = flight[size:]


def dtls_connection():
    context = SSL.Context(SSL.DTLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE, lambda *_: True)
    connection = SSL.Connection(context, None)
    connection.set_ciphertext_mtu(1400)
    connection.set_connect_state()
    return connection


class Dtls(Udp):
    name = "dtls"

    def __init__(self, server, source=None, patience=5):
        super().__init__(server, source)
        self.connection, self.flight = dtls_connection(), []
        deadline = time.monotonic() + patience
        while not self._step(self.connection.do_handshake):
            if time.monotonic() > deadline:
                raise TimeoutError("no DTLS handshake")
            if not self._feed(1):
                self._repeat()

    def _flush(self):
        try:
            self.flight = list(records(self.connection.bio_read(65535)))
        except SSL.WantReadError:
            return
        self._repeat()

    def _repeat(self):
        for record in self.flight:
            super().send(record)

    def _step(self, action):
        try:
            action()
            return True
        except SSL.WantReadError:
            return False
        finally:
            self._flush()

    def _feed(self, timeout):
        data = super().receive(timeout)
        if data:
            self.connection.bio_write(data)
        return data

    def send(self, data):
        self.connection.send(data)
        self._flush()

    def receive(self, timeout=3.0):
        deadline = time.monotonic() + timeout
        while True:
            try:
                return self.connection.recv(65535)
            except SSL.WantReadError:
                if not self._feed(max(deadline - time.monotonic(), 0.001)):
                    return None
            except (SSL.ZeroReturnError, SSL.Error):
                return None

    def closed(self, timeout=3.0):
        """True when the server says close_notify or a fatal alert in time."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                self.connection.recv(65535)
            except SSL.WantReadError:
                self._feed(max(deadline - time.monotonic(), 0.001))
            except (SSL.ZeroReturnError, SSL.Error):
                return True
        return False

    def close(self):
        """Says close_notify, when the socket is still there."""
        with contextlib.suppress(SSL.Error, OSError):
            self.connection.shutdown()
            self._flush()
        super().close()


TRANSPORTS = {one.name: one for one in (Udp, Tcp, Tls, Dtls)}


def readable(sock, timeout):
    return bool(select.select([sock], [], [], timeout)[0])
