# SPDX-License-Identifier: Apache-2.0
"""TURN servers for the tests: the relay itself, or coturn as an oracle with TURN_ORACLE=coturn.

Options are given by coturn's names without dashes ("user-quota=2"), as both take them.
"""
import datetime
import ipaddress
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from daemon import Daemon, free_port

ORACLE = os.environ.get("TURN_ORACLE") == "coturn"
REALM = "example.org"
USERS = {"alice": "wonderland", "bob": "builder"}

# A test of what coturn 4.6 does otherwise, or not at all.
ours_alone = pytest.mark.skipif(ORACLE, reason="coturn differs")

LIMITS_OFF = ["unauthorized-ratelimit-rps=0", "binding-ratelimit-rps=0", "max-new-peers=0"]
LOOPBACK = ["allowed-peer-ip=127.0.0.0/8", "allowed-peer-ip=::1"]


def certificate(folder, name="turn.example.org"):
    """Paths of a new self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.SubjectAlternativeName(names), False).sign(key, hashes.SHA256()))
    cert, pkey = pathlib.Path(folder, f"{name}.crt"), pathlib.Path(folder, f"{name}.key")
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pkey.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))
    return str(cert), str(pkey)


def free_block(size, host="127.0.0.1"):
    """The first of `size` UDP ports in a row, an even one, where none is in use now."""
    while True:
        first = random.randrange(10000, 19000, 2)
        sockets = []
        try:
            for port in range(first, first + size):
                sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                sockets[-1].bind((host, port))
            return first
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()


def names_of(options):
    return {option.partition("=")[0] for option in options}


class OurServer(Daemon):
    """The relay with its TURN side on."""

    def __init__(self, options, ports, ips, daemon_options=(), in_file=None, **keys):
        del ports
        options = [f"listening-ip={ip}" for ip in ips] + options
        if in_file:
            self.config_file, self.options = pathlib.Path(in_file), options
            self.write_file(options)
            port = next(option for option in options if option.startswith("listening-port="))
            super().__init__(f"--turn-{port}", *daemon_options, config=in_file, **keys)
        else:
            super().__init__(*(f"--turn-{option}" for option in options), *daemon_options, **keys)

    def write_file(self, options):
        lines = [option if "=" in option else f"{option}=true" for option in options]
        self.config_file.write_text("\n".join(["[mediaferry]", "[turn]", *lines, ""]))

    def reload(self, change):
        """Writes the file with other options and asks to have it read; `change` makes new options of the old."""
        self.options = change(self.options)
        self.write_file(self.options)
        self.process.send_signal(signal.SIGHUP)


class Coturn:
    """Debian's turnserver on the same ports with the same options, those it does not know left out."""

    UNKNOWN = {"unauthorized-ratelimit-rps", "binding-ratelimit-rps", "max-new-peers", "max-pps", "strict-expiry",
               "allowed-peer-ip", "rfc5780", "proxy-protocol"}

    def __init__(self, options, ports, ips, daemon_options=(), **_keys):
        del daemon_options
        known = [option for option in options if option.partition("=")[0] not in self.UNKNOWN]
        known += [f"listening-ip={ip}" for ip in ips] + [f"relay-ip={ip}" for ip in ips]
        if "static-auth-secret" in names_of(options):
            known.append("use-auth-secret")
        else:
            known.append("lt-cred-mech")
        if "tls-listening-port" not in names_of(options):
            known += ["no-tls", "no-dtls"]
        if "rfc5780" not in names_of(options):
            known.append("no-rfc5780")
        self.log_file = tempfile.NamedTemporaryFile(prefix="coturn-", suffix=".log", delete=False)
        self.folder = tempfile.TemporaryDirectory(prefix="coturn-")
        command = ["turnserver", "-n", "--no-cli", "--allow-loopback-peers", "--no-software-attribute",
                   "--no-stun-backward-compatibility", "--response-origin-only-with-rfc5780",
                   "--relay-threads=1", "--log-file=stdout", "--simple-log",
                   f"--userdb={self.folder.name}/db", f"--pidfile={self.folder.name}/pid",
                   *(f"--{option}" for option in known)]
        self.process = subprocess.Popen(command, stdout=self.log_file, stderr=self.log_file)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket(socket.AF_INET6 if ":" in ips[0] else socket.AF_INET) as probe:
                if probe.connect_ex((ips[0], ports[0])) == 0:
                    time.sleep(0.1)
                    return
            time.sleep(0.05)
        raise RuntimeError("coturn did not start:\n" + self.log())

    log = Daemon.log
    alive = Daemon.alive
    descriptors = Daemon.descriptors
    resident_kib = Daemon.resident_kib

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.unlink(self.log_file.name)
        self.folder.cleanup()


class TurnServer:
    """A running server and where it is; attributes it has not itself are the process's."""

    def __init__(self, *options, ips=("127.0.0.1",), users=True, cert=None, block=None, defaults=True, **keys):
        self.ips, self.port = ips, self._port(ips)
        all_options = [f"listening-port={self.port}", *options]
        if defaults:
            all_options += [one for one in LIMITS_OFF if not one.partition("=")[0] in names_of(options)] + LOOPBACK
        if "realm" not in names_of(options):
            all_options.append(f"realm={REALM}")
        if users:
            all_options += [f"user={user}:{password}" for user, password in USERS.items()]
        self.tls_port = None
        if cert:
            self.tls_port = self._port(ips)
            all_options.append(f"tls-listening-port={self.tls_port}")
            for one in cert if isinstance(cert, list) else [cert]:
                all_options += [f"cert={one[0]}", f"pkey={one[1]}"]
        self.min_port = free_block(block) if block else 50000
        self.max_port = self.min_port + block - 1 if block else 59999
        all_options += [f"min-port={self.min_port}", f"max-port={self.max_port}"]
        self.process = (Coturn if ORACLE else OurServer)(all_options, (self.port, self.tls_port), ips, **keys)

    @staticmethod
    def _port(ips):
        """A port free for UDP and TCP on the addresses, its successor too: RFC 5780 uses that."""
        while True:
            port = free_port()
            sockets = []
            try:
                for ip in ips:
                    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                        for number in (port, port + 1):
                            sockets.append(socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, kind))
                            sockets[-1].bind((ip, number))
                return port
            except OSError:
                continue
            finally:
                for one in sockets:
                    one.close()

    def __getattr__(self, name):
        return getattr(self.process, name)

    def address(self, transport="udp", ip=None):
        return ip or self.ips[0], self.tls_port if transport in ("tls", "dtls") else self.port
