# SPDX-License-Identifier: Apache-2.0
"""A small SIP endpoint for what baresip 1.0 cannot do: sound before the answer (183 with SDP and
a tone at once) and calls whose INVITE carries no SDP.
"""

import re
import socket
import threading
import time

from . import tones

PACKET_S = 0.02
SIP_PORT = 5060
RTP_PORT = 12000
TAG = "endpoint"

SDP = """\
v=0
o=- 1 1 IN IP4 {address}
s=-
c=IN IP4 {address}
t=0 0
m=audio {port} RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=sendrecv
"""


def _headers(message, name):
    return re.findall(rf"^{name}: *(.*?)\r$", message, re.M | re.I)


def _media_address(message):
    host = re.search(r"^c=IN IP4 ([\d.]+)", message, re.M)[1]
    port = re.search(r"^m=audio (\d+)", message, re.M)[1]
    return host, int(port)


class Endpoint:
    """One call at a time, on address:5060; `requests` lists the methods it was sent."""

    name = "endpoint"

    def __init__(self, namespace, address, hz):
        self.address = address
        self.hz = hz
        self.forget()
        self.stopped = False
        self.sip = self._open(namespace, SIP_PORT)
        self.rtp = self._open(namespace, RTP_PORT)
        self.threads = [threading.Thread(target=loop, daemon=True)
                        for loop in (self._serve, self._speak)]
        for thread in self.threads:
            thread.start()

    def _open(self, namespace, port):
        opened = namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((self.address, port))
        opened.settimeout(0.2)
        return opened

    def forget(self):
        """Drops its call, if any, without a word."""
        self.requests = []
        self.invite = None
        self.dialog = None
        self.listener = None

    # A call to it: rings with sound at once, and waits for answer()

    def answer(self):
        self._reply(self.invite, "200 OK", with_sdp=True)

    # A call by it: the far side's offer comes with its 200

    def call_without_sdp(self, user, proxy):
        self.proxy = (proxy, SIP_PORT)
        self.call_id = f"late-{time.monotonic_ns()}"
        self._request("INVITE", f"sip:{user}@{proxy}", f"<sip:{user}@{proxy}>", [])

    def hangup(self):
        self._request("BYE", *self.dialog)

    def _serve(self):
        while not self.stopped:
            try:
                data, self.proxy = self.sip.recvfrom(65535)
            except TimeoutError:
                continue
            self._dispatch(data.decode())

    def _dispatch(self, message):
        method = message.split(" ", 1)[0]
        self.requests.append(method)
        if method == "SIP/2.0":
            self._on_reply(message)
        elif method == "INVITE":
            self._on_invite(message)
        elif method == "CANCEL":
            self._reply(message, "200 OK")
            self._reply(self.invite, "487 Request Terminated")
            self.listener = None
        elif method in ("BYE", "OPTIONS"):
            self._reply(message, "200 OK")
            if method == "BYE":
                self.listener = None

    def _on_invite(self, message):
        self.invite = message
        self.listener = _media_address(message)
        self._reply(message, "183 Session Progress", with_sdp=True)

    def _on_reply(self, message):
        if "INVITE" not in _headers(message, "CSeq")[0] or " 200 " not in message[:20]:
            return
        contact = re.search(r"<(.*?)>", _headers(message, "Contact")[0])[1]
        routes = list(reversed(_headers(message, "Record-Route")))
        self.dialog = (contact, _headers(message, "To")[0], routes)
        self.listener = _media_address(message)
        self._request("ACK", *self.dialog, with_sdp=True)

    def _request(self, method, uri, to, routes, with_sdp=False):
        lines = [f"{method} {uri} SIP/2.0",
                 f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{time.monotonic_ns()}",
                 *(f"Route: {route}" for route in routes),
                 f"From: <sip:{TAG}@{self.address}>;tag={TAG}",
                 f"To: {to}",
                 f"Call-ID: {self.call_id}",
                 f"CSeq: {2 if method == 'BYE' else 1} {method}",
                 "Max-Forwards: 70"]
        self._send(lines, with_sdp)

    def _reply(self, request, status, with_sdp=False):
        to = _headers(request, "To")[0]
        lines = [f"SIP/2.0 {status}"]
        for name in ("Via", "Record-Route", "From", "Call-ID", "CSeq"):
            lines += [f"{name}: {value}" for value in _headers(request, name)]
        lines += [f"To: {to}" if ";tag=" in to else f"To: {to};tag={TAG}"]
        self._send(lines, with_sdp)

    def _send(self, lines, with_sdp):
        body = ""
        lines = [*lines, f"Contact: <sip:{TAG}@{self.address}:{SIP_PORT}>"]
        if with_sdp:
            body = SDP.format(address=self.address, port=RTP_PORT).replace("\n", "\r\n")
            lines += ["Content-Type: application/sdp"]
        lines += [f"Content-Length: {len(body)}", "", body]
        self.sip.sendto("\r\n".join(lines).encode(), self.proxy)

    def _speak(self):
        packets = tones.packets(self.hz, ssrc=0x65326531)
        due = time.monotonic()
        while not self.stopped:
            due += PACKET_S
            time.sleep(max(0, due - time.monotonic()))
            listener = self.listener
            if listener:
                self.rtp.sendto(next(packets), listener)

    def stop(self):
        self.stopped = True
        for thread in self.threads:
            thread.join()
        self.sip.close()
        self.rtp.close()
