# SPDX-License-Identifier: Apache-2.0
"""XDP while the network changes: neighbours, gateways, routes, MTUs, rules and links. Media goes on, or comes back."""
import contextlib
import itertools
import random
import socket
import subprocess
import time

import pytest

import frames
import rtp
import xdp_network
from ng import NgClient
from xdp_fixtures import needs_xdp
from xdp_network import FAR, FAR6, GATE1, GATE2, GATE2_6, NEAR, NEAR6, RELAY, RELAY_NETS

pytestmark = needs_xdp
CONFIRM_S = 5  # a packet of each destination takes the kernel's way so often, and makes it look at the neighbour
# How the kernel is to find out soon that a neighbour is gone: reachable for 1.1 to 3.3 s; then a packet makes it ask 3
# times, after a second.
IMPATIENT = {"base_reachable_time_ms": 2200, "delay_first_probe_time": 1, "retrans_time_ms": 200}
NARROW = 1280


@pytest.fixture
def net(xdp_is_there):
    """One for each test: they do not leave it as it was."""
    with xdp_network.network() as made:
        yield made


@pytest.fixture
def xdp(start_xdp):
    return start_xdp()


def neighbours(net, **settings):
    for family in ("ipv4", "ipv6"):
        net.sysctl("relay", **{f"net__{family}__neigh__eth0__{name}": value for name, value in settings.items()})


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("other", ["near", "far"])
def test_nothing_is_lost_while_the_neighbour_is_not_known(net, xdp, between, other, family):
    """The kernel keeps what waits for an answer; then frames follow."""
    call = between(xdp, "near", other, family)
    call.settle()
    for _ in range(5):
        net.forget("relay")
        numbers = list(itertools.islice(call.seq, 20))
        for seq in numbers:
            call.a.send(call.a_to, rtp.packet(seq))
        assert sorted(rtp.parse(call.b.receive()[0])["seq"] for _ in numbers) == numbers
    call.by_xdp()


@contextlib.contextmanager
def twin_of(net, call, family=4):
    """Another machine with B's address and port; it does not tell."""
    host, size, sort = (NEAR, 24, socket.AF_INET) if family == 4 else (NEAR6, 64, socket.AF_INET6)
    net.ip("near", "addr", "del", f"{host}/{size}", "dev", "eth0")
    net.address("twin", f"{host}/{size}")
    with net.inside("twin"), socket.socket(sort, socket.SOCK_DGRAM) as twin:
        twin.bind((host, call.b.port))
        yield twin


def announce(net):
    """Gratuitous ARP of `twin` for the address of `near`."""
    with net.inside("twin"):
        wire = frames.Wire(b"\xff" * 6)
    ip = socket.inet_aton(NEAR)
    wire.send(0x0806, b"\0\x01\x08\0\x06\x04\0\x01" + wire.own + ip + bytes(6) + ip)
    wire.close()


def test_a_neighbour_that_tells_its_new_mac_address(net, xdp, between):
    call = between(xdp, "far", "near")
    call.settle()
    time.sleep(1)  # the kernel believes no change sooner (neigh/locktime)
    with twin_of(net, call) as twin:
        announce(net)
        assert call.heard_again(1, twin) < 0.5
        before = xdp.carried()
        assert len(call.speak(call.a, call.a_to, twin, 1, 50)) == 50
        assert xdp.carried().sent - before.sent >= 45


def idle_for_the_kernel(net, call):
    """B hears frames for so long that the kernel thinks that it has nothing to do with it any more."""
    deadline = time.monotonic() + CONFIRM_S
    while net.neighbour_state("relay", call.b.host) != "STALE":
        assert time.monotonic() < deadline
        call.speak(call.a, call.a_to, call.b, 0.2)


@pytest.mark.parametrize("family", [4, 6])
def test_a_neighbour_that_does_not_tell(net, xdp, between, family):
    """What takes the kernel's way makes it ask: the old one does not answer, the new one does."""
    neighbours(net, **IMPATIENT)
    call = between(xdp, "far", "near", family)
    call.settle()
    idle_for_the_kernel(net, call)
    with twin_of(net, call, family) as twin:
        call.heard_again(CONFIRM_S + 1 + 1 + 2, twin)
        before = xdp.carried()
        assert len(call.speak(call.a, call.a_to, twin, 2, 80)) == 80
        assert xdp.carried().sent - before.sent >= 60


def test_the_packet_that_is_owed_to_the_kernel_does_not_disturb(net, xdp, between):
    call = between(xdp, "far", "near")
    call.settle()
    before = xdp.metrics()
    numbers = [seq for _, seq in call.speak(call.a, call.a_to, call.b, CONFIRM_S + 1)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) and len(numbers) > 100 * CONFIRM_S
    owed = 'xdp_socket_packets_total{reason="confirm"}'
    assert 1 <= xdp.metrics()[owed] - before[owed] <= 2


def longest_silence(heard):
    times = [0, *(at for at, _ in heard)]
    return max(later - earlier for earlier, later in zip(times, times[1:]))


@pytest.mark.parametrize("family", [4, 6])
def test_a_new_gateway_is_used_at_once(net, xdp, between, family):
    call = between(xdp, "near", "far", family)
    call.settle()
    net.run("gate2", "ping", "-c1", FAR if family == 4 else FAR6)  # it knows the way
    net.routes(GATE2, GATE2_6)
    before = net.received("gate1"), net.received("gate2")
    heard = call.speak(call.a, call.a_to, call.b, 1)
    assert longest_silence(heard) < 0.3 and len(heard) >= 90
    assert net.received("gate2") - before[1] >= 90 and net.received("gate1") - before[0] < 30
    call.xdp_again(3)


def test_no_route(net, xdp, between):
    """The kernel says why a packet cannot go; when there is a route again, frames follow."""
    call = between(xdp, "near", "far")
    call.settle()
    before = xdp.metrics()
    net.ip("relay", "route", "del", "default")
    assert len(call.speak(call.a, call.a_to, call.b, 0.5)) < 5
    refused = 'dropped_packets_total{reason="send_failed"}'
    assert xdp.metrics()[refused] - before[refused] >= 20
    net.routes()
    assert call.heard_again(3) < 1.5
    call.xdp_again(3)


def test_a_rule_for_another_way(net, xdp, between):
    """Policy routing by source address."""
    call = between(xdp, "near", "far")
    call.settle()
    net.ip("relay", "route", "add", "default", "via", GATE2, "table", "7")
    net.ip("relay", "rule", "add", "from", RELAY, "table", "7")
    call.xdp_again(3)
    before = net.received("gate2")
    assert len(call.speak(call.a, call.a_to, call.b, 1)) >= 90
    assert net.received("gate2") - before >= 90


@pytest.mark.parametrize("family", [4, 6])
def test_a_narrow_link_behind_the_gateway(net, xdp, between, family):
    """The gateway says "too big" of packets that were sent as frames, or splits them."""
    call = between(xdp, "near", "far", family)
    call.settle()
    for space in ("gate1", "far"):
        net.ip(space, "link", "set", "gate1", "mtu", str(NARROW))
    long = bytes(1400)
    heard, began = False, time.monotonic()
    while not heard and time.monotonic() < began + 3:
        call.a.send(call.a_to, rtp.packet(next(call.seq), payload=long))
        heard = not call.b.hears_nothing(0.1)
    assert heard
    call.both_ways(10, payload=long)
    call.by_xdp(payload=bytes(NARROW - 48 - 12))


def test_another_mtu_of_the_route(net, xdp, between):
    call = between(xdp, "near", "near")
    call.settle()
    route = ("route", "replace", "10.98.1.0/24", "dev", "eth0", "proto", "kernel", "scope", "link", "src", RELAY)
    net.ip("relay", *route, "mtu", "1200")
    before = xdp.carried()
    call.both_ways(5, payload=bytes(1200))
    assert xdp.carried().sent == before.sent
    net.ip("relay", *route)
    call.by_xdp(payload=bytes(1200))


RULES = """
table inet guard {{
    chain in {{
        type filter hook input priority 0;
        iifname "eth0" udp dport 20000-59999 drop
        iifname "eth0" udp dport {ng} drop
        iifname "eth0" tcp dport {admin} drop
    }}
}}
"""


def answers(net, ng):
    with net.inside("near"):
        client = NgClient((RELAY, ng), timeout=0.5)
    try:
        return client.request(command="ping")["result"] == "pong"
    except TimeoutError:
        return False
    finally:
        client.close()


def connects(net, port):
    with net.inside("near"):
        try:
            socket.create_connection((RELAY, port), 0.5).close()
            return True
        except TimeoutError:
            return False


def test_the_firewall_is_gone_past_by_media_and_by_nothing_else(net, start_xdp, between):
    ng, admin = 2323, 2424
    relay = start_xdp(f"--listen-ng={RELAY}:{ng}", f"--listen-admin={RELAY}:{admin}")
    call = between(relay, "near", "far")
    call.settle()
    assert answers(net, ng) and connects(net, admin)
    net.run("relay", "nft", "-f", "-", text=RULES.format(ng=ng, admin=admin))
    call.by_xdp()
    assert not answers(net, ng) and not connects(net, admin)
    net.run("relay", "nft", "delete", "table", "inet", "guard")
    assert answers(net, ng) and connects(net, admin)


def test_the_interface_goes_down_and_up_again(net, xdp, between):
    call = between(xdp, "near", "near")
    call.settle()
    net.ip("relay", "link", "set", "eth0", "down")
    assert not call.speak(call.a, call.a_to, call.b, 0.5)
    assert xdp.ng.request(command="ping")["result"] == "pong"
    net.ip("relay", "link", "set", "eth0", "up")
    call.heard_again(3)
    call.xdp_again(3)
    call.both_ways()


def test_the_interface_has_another_mac_address(net, xdp, between):
    call = between(xdp, "near", "near")
    call.settle()
    net.ip("relay", "link", "set", "eth0", "address", "02:00:00:00:77:01")
    net.forget("near")
    call.heard_again(3)
    call.by_xdp()


def test_the_interface_is_removed_and_comes_back(net, xdp, between):
    """It is another one then, and the kernel's."""
    call = between(xdp, "near", "near")
    call.settle()
    net.ip("relay", "link", "del", "eth0")
    assert not call.speak(call.a, call.a_to, call.b, 0.5)
    assert xdp.ng.request(command="ping")["result"] == "pong"
    net.plug("relay", *RELAY_NETS)
    net.forget("near")
    call.heard_again(5)
    call.both_ways()
    assert between(xdp, "near", "near")


def test_two_interfaces(net, start_xdp, between):
    """A call in by one and out by the other, which is not on the switch."""
    net.ip("relay", "link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", net.names["twin"])
    for space, address in (("relay", "10.97.0.1/24"), ("twin", "10.97.0.2/24")):
        net.address(space, address, device="eth1")
        net.ip(space, "link", "set", "eth1", "up")
    relay = start_xdp("--interface=outside/10.97.0.1", f"--interface=inside/{RELAY}")
    assert net.link("relay", "eth1")["xdp"] and net.link("relay")["xdp"]
    with net.inside("twin"):
        b = rtp.Phone("10.97.0.2")
    try:
        call = between(relay, "near", b, direction=["inside", "outside"])
        call.by_xdp()
        net.ip("relay", "link", "del", "eth1")
        between(relay, "near", "far", direction=["inside", "inside"]).by_xdp()
    finally:
        b.close()


def test_a_phone_on_the_relays_own_machine(net, xdp, between):
    """What is local never meets the interface."""
    with net.inside("relay"):
        phone = rtp.Phone(RELAY)
    try:
        call = between(xdp, "near", phone)
        call.both_ways(20)
        before = xdp.metrics()
        call.both_ways(20)
        now = xdp.metrics()
        assert now["xdp_sent_packets_total"] - before["xdp_sent_packets_total"] >= 18
        local = 'xdp_socket_packets_total{reason="local"}'
        assert now[local] - before[local] >= 18
    finally:
        phone.close()


def restless(net):
    """Things that happen to a network, each undone by the next of its kind."""
    gates, macs, mtus = itertools.cycle([GATE1, GATE2]), itertools.count(1), itertools.cycle([1400, 1500])
    rules, links = itertools.cycle(["add", "del"]), itertools.cycle(["down", "up"])
    return [
        lambda: net.forget("relay"),
        lambda: net.ip("relay", "route", "replace", "default", "via", next(gates)),
        lambda: net.ip("relay", "link", "set", "eth0", "mtu", str(next(mtus))),
        lambda: net.ip("relay", "rule", next(rules), "from", "192.0.2.1", "table", "main"),
        lambda: net.ip("near", "link", "set", "eth0", "address", f"02:00:00:00:00:{next(macs):02x}"),
        lambda: net.ip("gate1", "link", "set", "eth0", next(links)),
        lambda: net.run("relay", "sh", "-c", "ip link set eth0 down; ip link set eth0 up"),
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_restless_network(net, xdp, between, seed):
    """Whatever the order of things, media goes by XDP when there is rest again."""
    chance = random.Random(seed)
    net.sysctl("relay", net__ipv6__conf__eth0__keep_addr_on_down=1)
    calls = [between(xdp, "near", "far"), between(xdp, "far", "near"), between(xdp, "near", "near", 6)]
    for call in calls:
        call.settle()
    happenings = restless(net)
    for _ in range(40):
        with contextlib.suppress(subprocess.CalledProcessError):  # no route while the interface is down
            chance.choice(happenings)()
        call = chance.choice(calls)
        call.speak(call.a, call.a_to, call.b, 0.05)
    assert xdp.alive() and xdp.ng.request(command="ping")["result"] == "pong"
    for space in ("relay", "gate1"):
        net.ip(space, "link", "set", "eth0", "mtu", "1500", "up")
    net.routes()
    net.forget("relay", "near", "gate1", "gate2")
    for call in calls:
        call.heard_again(5)
        call.xdp_again(5)
        call.by_xdp()
