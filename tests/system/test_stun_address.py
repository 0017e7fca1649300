# SPDX-License-Identifier: Apache-2.0
"""Addresses of the option `interface` that a STUN server tells, as behind a 1:1 NAT."""
import contextlib
import socket
import struct
import subprocess
import threading

import pytest

import rtp
import stun
from daemon import BINARY, Daemon
from test_signals import wait_for


class Server:
    """Answers Binding requests with an address of the test's choice."""

    def __init__(self):
        self.told, self.deaf_for, self.heard = "203.0.113.5", 0, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.name = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        while True:
            data, source = self.socket.recvfrom(2048)
            if data == b"end":
                return
            self.heard += 1
            if self.heard <= self.deaf_for:
                continue
            _, transaction, _ = stun.parse(data)
            ip = struct.unpack("!I", socket.inet_aton(self.told))[0] ^ stun.COOKIE
            value = struct.pack("!BBHI", 0, 1, source[1] ^ stun.COOKIE >> 16, ip)
            self.socket.sendto(stun.message(stun.BINDING_SUCCESS, [(stun.XOR_MAPPED, value)], transaction), source)

    def close(self):
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as teller:
            teller.sendto(b"end", self.socket.getsockname())
        self.thread.join()
        self.socket.close()


@pytest.fixture
def server():
    one = Server()
    yield one
    one.close()


def shown(daemon, phones, call):
    """The address of the relay in an offer to a phone."""
    sdp = daemon.ng.offer(call, phones().sdp())
    daemon.ng.request(command="delete", call_id=call, flags=["fast"])
    return rtp.media_address(sdp)[0]


def test_what_the_server_sees_is_advertised(start, phones, server):
    server.deaf_for = 1  # the first packet is lost
    daemon = start(interface=f"pub/127.0.0.1!stun:{server.name}")
    assert shown(daemon, phones, "told") == "203.0.113.5"
    assert server.heard == 2
    assert f"address=127.0.0.1 advertised=203.0.113.5 told-by={server.name}" in daemon.log()


def test_it_may_come_by_the_environment(start, phones, server):
    daemon = start(environment={"MEDIAFERRY_INTERFACE": f"127.0.0.1!stun:{server.name}"}, interface=None)
    assert shown(daemon, phones, "told") == "203.0.113.5"


def test_a_second_relay_may_be_the_server(start, phones):
    daemon = start(interface=f"127.0.0.2!stun:127.0.0.1:{start().stun_port}")
    assert shown(daemon, phones, "told") == "127.0.0.2"


def test_it_asks_again_when_told_to_reload(start, phones, server):
    daemon = start(interface=f"127.0.0.1!stun:{server.name}")
    server.told = "203.0.113.99"
    daemon.process.send_signal(1)
    wait_for(daemon, "event=interface-moved name=default address=127.0.0.1 advertised=203.0.113.99 was=203.0.113.5")
    assert shown(daemon, phones, "moved") == "203.0.113.99"
    server.deaf_for = server.heard + 10
    daemon.process.send_signal(1)
    wait_for(daemon, "event=interface-unknown address=127.0.0.1")
    assert shown(daemon, phones, "as-before") == "203.0.113.99"
    assert daemon.log().count("event=interface-moved") == 1


def test_without_an_answer_it_does_not_start(server):
    server.deaf_for = 100
    for option, why in ((f"127.0.0.1!stun:{server.name}", f"the STUN server {server.name} does not answer"),
                        ("127.0.0.1!stun:", "no HOST[:PORT] after 'stun:'")):
        done = subprocess.run([BINARY, "--config-file=none", f"--interface={option}"], capture_output=True, text=True,
                              timeout=20, check=False)
        assert done.returncode == 2 and "option 'interface'" in done.stderr and why in done.stderr


def test_the_check_shows_it(server):
    done = subprocess.run([BINARY, "--config-file=none", "--check-config", f"--interface=127.0.0.1!stun:{server.name}"],
                          capture_output=True, text=True, timeout=20, check=True)
    assert "interface default: 127.0.0.1, advertised as 203.0.113.5" in done.stdout


def test_it_ends_while_it_asks(server):
    daemon = Daemon(interface=f"127.0.0.1!stun:{server.name}")
    server.deaf_for = 100
    daemon.process.send_signal(1)
    wait_for(daemon, "event=reload")
    daemon.stop()
