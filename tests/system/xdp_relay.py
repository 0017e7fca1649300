# SPDX-License-Identifier: Apache-2.0
"""A relay that is to use XDP in the network of xdp_network.py, what it counts, and calls between phones there."""
import collections
import contextlib
import itertools
import re
import time

import rtp
from daemon import free_port
from turn_admin import TOKEN, Admin
from turn_server import LIMITS_OFF, TurnServer
from xdp_network import ALL, ALL6, RELAY, RELAY6

EACH_S = 0.01  # between packets of a steady talk
# Media takes XDP once the way to the other end is known, and its first packet makes that known.
SETTLE_S = 3
# That many packets of some tens may take the kernel's way: the one that each destination is owed in 5 s.
BY_KERNEL = 4

Carried = collections.namedtuple("Carried", "received sent")


class XdpRelay:
    """Media on both addresses, TURN on those of `ips`. Attributes it has not itself are the server's."""

    def __init__(self, net, *options, io="xdp", turn=(), ips=(RELAY, RELAY6), **keys):
        self.net = net
        with net.inside("relay"):
            port = free_port()
            self.server = TurnServer(
                *LIMITS_OFF, f"allowed-peer-ip={ALL}", f"allowed-peer-ip={ALL6}", *turn, ips=ips,
                defaults=False, interface=f"{RELAY};{RELAY6}",
                daemon_options=[f"--packet-io={io}", f"--listen-admin=127.0.0.1:{port}", f"--admin-token={TOKEN}",
                                *options], **keys)
        self.admin, self.is_stopped = Admin(port), False

    def __getattr__(self, name):
        return getattr(self.server, name)

    def stop(self, **keys):
        """May be done twice."""
        if not self.is_stopped:
            self.is_stopped = True
            self.server.stop(**keys)

    def metrics(self):
        """{name, with its labels: value}"""
        with self.net.inside("relay"):
            text = self.admin.get("/metrics")
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name.removeprefix("mediaferry_"): float(value) for name, _, value in lines}

    def metric(self, name):
        """The sum over its labels."""
        return sum(value for key, value in self.metrics().items() if key.partition("{")[0] == name)

    def carried(self):
        """Packets that have gone by XDP."""
        now = self.metrics()
        return Carried(now["xdp_received_packets_total"], now["xdp_sent_packets_total"])

    @contextlib.contextmanager
    def carries(self, received, sent, by_kernel=BY_KERNEL):
        """In here so many packets are received and sent, nearly all of them by XDP."""
        before = self.carried()
        yield
        after = self.carried()
        assert after.received - before.received >= received - by_kernel, (before, after, self.metrics())
        assert after.sent - before.sent >= sent - by_kernel, (before, after, self.metrics())

    def packet_io(self):
        """(back end, why) as its log tells."""
        return re.search(r'event=packet-io use=(\S+) why="?([^"\n]*)', self.log()).groups()


class Call:
    """A plain call between phones; `a` called."""

    numbers = itertools.count()

    def __init__(self, relay, a, b, **offering):
        self.relay, self.a, self.b, self.seq = relay, a, b, itertools.count(1)
        self.name = f"xdp-{next(self.numbers)}"
        self.b_to = rtp.media_address(relay.ng.offer(self.name, a.sdp(), **offering))
        self.a_to = rtp.media_address(relay.ng.answer(self.name, b.sdp()))

    def ends(self):
        return ((self.a, self.a_to, self.b), (self.b, self.b_to, self.a))

    def both_ways(self, count=30, payload=b"\xd5" * 160):
        """Each packet arrives, once, unchanged and from where it is to come from."""
        for _ in range(count):
            for speaker, to, listener in self.ends():
                sent = rtp.packet(next(self.seq), payload=payload)
                speaker.send(to, sent)
                came_from = self.b_to if listener is self.b else self.a_to
                assert listener.receive() == (sent, (*came_from, 0, 0) if ":" in came_from[0] else came_from)
        assert self.a.hears_nothing(0.01) and self.b.hears_nothing(0.01)

    def settle(self):
        """Talks until both ways go by XDP."""
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline:
            before = self.relay.carried()
            self.both_ways(5)
            after = self.relay.carried()
            if after.received - before.received == 10 and after.sent - before.sent >= 9:
                return
            time.sleep(0.05)
        raise AssertionError(f"media does not go by XDP: {self.relay.metrics()}\n{self.relay.log()[-3000:]}")

    def by_xdp(self, count=30, **keys):
        self.settle()
        with self.relay.carries(2 * count, 2 * count):
            self.both_ways(count, **keys)

    def speak(self, speaker, to, listener, seconds, enough=None):
        """`speaker` speaks steadily; [(seconds since the beginning, sequence number)] of what `listener` heard. Ends
        early when it has heard `enough`."""
        began, heard, numbers = time.monotonic(), [], set()
        sock = getattr(listener, "rtp", listener)
        sock.setblocking(False)
        next_at = began
        while (now := time.monotonic()) < began + seconds and (enough is None or len(heard) < enough):
            if now >= next_at:
                number = next(self.seq) & 0xFFFF
                numbers.add(number)
                with contextlib.suppress(OSError):  # its own link is down
                    speaker.send(to, rtp.packet(number))
                next_at += EACH_S
            with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
                number = rtp.parse(sock.recv(4096))["seq"]
                if number in numbers:
                    heard.append((time.monotonic() - began, number))
                continue
            time.sleep(0.001)
        sock.settimeout(0.05)
        with contextlib.suppress(TimeoutError, ConnectionRefusedError):  # what is still on its way
            while True:
                sock.recv(4096)
        return heard

    def heard_again(self, within, listener=None, count=10):
        """A speaks until B, or whoever is in its place, has heard `count`; after how many seconds it did."""
        heard = self.speak(self.a, self.a_to, listener or self.b, within, count)
        assert len(heard) == count, f"heard {len(heard)} in {within} s: {self.relay.metrics()}"
        return heard[0][0]

    def xdp_again(self, within):
        """A speaks until what goes to B goes by XDP."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            before = self.relay.carried()
            self.speak(self.a, self.a_to, self.b, 0.2)
            if self.relay.carried().sent - before.sent >= 15:
                return
        raise AssertionError(f"not by XDP again: {self.relay.metrics()}\n{self.relay.log()[-3000:]}")


def channel_both_ways(client, peer, count, size=160):
    for n in range(count):
        text = b"%d" % n + bytes(size)
        client.send_channel(0x4000, text)
        assert peer.receive() == (text, client.relayed)
        peer.send(client.relayed, text)
        assert client.receive() == (0x4000, text)


def settle_turn(client, peer):
    for _ in range(5):
        channel_both_ways(client, peer, 1)
        time.sleep(0.1)
