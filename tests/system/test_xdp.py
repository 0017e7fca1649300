# SPDX-License-Identifier: Apache-2.0
"""Media by XDP, as its users know it: calls of all kinds and TURN in a network of cables, and what frames look like."""
import asyncio
import os
import struct
import time

import pytest

import frames
import rtp
import turn_message as m
from test_quality import FAR_S, NEAR_S, PlainLeg, exchange_reports
from test_sdes import SecureCall
from test_turn_data import receive_with_class, send_with_class, want_class
from test_webrtc import TO_BROWSER, TO_PBX, Browser, talk
from xdp_fixtures import PEERS, needs_xdp
from xdp_network import RELAY, RELAY6
from xdp_relay import channel_both_ways, settle_turn

pytestmark = needs_xdp


# Calls


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("other", ["near", "far"])
def test_plain_calls_go_by_xdp(xdp, between, other, family):
    between(xdp, "near", other, family).by_xdp()


def test_from_ipv6_to_ipv4(xdp, between):
    between(xdp, "near", "far", 6, 4, address_family="IP4").by_xdp()


def test_the_log_tells_what_is_used(xdp):
    assert xdp.packet_io()[0] == "xdp"
    assert xdp.net.link("relay")["xdp"]["mode"] == 1, "attached in the driver"


@pytest.mark.parametrize("size", [0, 1, 5, 17, 18, 1200])
def test_payloads_of_any_size_arrive_as_they_are(xdp, between, size):
    call = between(xdp, "near", "far")
    call.by_xdp(10, payload=os.urandom(size))


def test_rtcp_goes_by_xdp(xdp, between):
    call = between(xdp, "near", "far")
    call.settle()
    report = rtp.sender_report(0xA)
    with xdp.carries(10, 10):
        for _ in range(10):
            call.a.rtcp.sendto(report, (call.a_to[0], call.a_to[1] + 1))
            assert call.b.rtcp.recvfrom(2048) == (report, (call.b_to[0], call.b_to[1] + 1))


def test_srtp_goes_by_xdp(xdp, phone_in, between):
    between(xdp, "near", "far").settle()  # the ways are known now
    spaces = iter(("near", "far"))
    c = SecureCall(xdp.ng, "xdp-sdes", lambda: phone_in(next(spaces)), "AES_CM_128_HMAC_SHA1_80")
    with xdp.carries(40, 40):
        for seq in range(65530, 65550):
            sent = rtp.packet(seq, ssrc=0xA)
            c.a.send(c.a_to, sent)
            assert c.rx.unprotect(c.b.receive()[0]) == sent
            c.b.send(c.b_to, c.tx.protect(sent))
            assert c.a.receive()[0] == sent


def test_browsers_go_by_xdp(net, xdp, phone_in):
    """ICE, DTLS and SRTP in frames, and RTP to the phone behind a gateway."""
    phone = phone_in("far")

    async def scenario():
        browser = Browser()
        to_phone = xdp.ng.offer("xdp-web", await browser.offer(), **TO_PBX)
        await browser.take_answer(xdp.ng.answer("xdp-web", phone.sdp("0"), **TO_BROWSER))
        assert await browser.connected()
        await talk(browser, phone, rtp.media_address(to_phone), 5)
        with xdp.carries(40, 40):
            heard = await talk(browser, phone, rtp.media_address(to_phone), 25)
        assert any(len(set(p["payload"])) > 1 for p in heard), "silence"
        assert browser.loudness() > 5000
        await browser.peer.close()

    before = xdp.carried()
    with net.inside("near"):
        asyncio.run(scenario())
    assert xdp.ng.query("xdp-web")["totals"]["RTP"]["errors"] == 0
    assert xdp.carried().received - before.received > 60
    xdp.ng.delete("xdp-web")


def test_reports_tell_the_time_of_arrival(xdp, between):
    """Stamps of frames and of sockets are of one clock: round trips are as long as they were."""
    call = between(xdp, "near", "far")
    call.settle()
    a, b = PlainLeg(call.a), PlainLeg(call.b)
    a.to, b.to = call.a_to, call.b_to
    for seq in range(1, 6):
        a.send(rtp.packet(seq, ssrc=0xA))
        b.send(rtp.packet(seq, ssrc=0xB))
        a.receive(), b.receive()
    block = {"fraction": 26, "lost": 7, "highest": 5, "jitter": 160}
    with xdp.carries(12, 10):
        for options in ({}, block, block):
            exchange_reports(a, b, options)
            time.sleep(0.4)
    worst = xdp.ng.query(call.name)["SSRC"][str(0xA)]["lowest MOS"]
    assert worst["packet loss"] == 10 and worst["jitter"] == 20
    assert NEAR_S * 1e6 <= worst["round-trip time leg"] < (NEAR_S + 0.1) * 1e6
    assert (NEAR_S + FAR_S) * 1e6 <= worst["round-trip time"] < (NEAR_S + FAR_S + 0.2) * 1e6


# TURN


@pytest.mark.parametrize("peer_family", PEERS)
@pytest.mark.parametrize("ip", [RELAY, RELAY6])
def test_channels_go_by_xdp(xdp, turn_ends, ip, peer_family):
    client, peer = turn_ends(xdp, peer_family, ip)
    settle_turn(client, peer)
    with xdp.carries(60, 60):
        channel_both_ways(client, peer, 30)


def test_a_client_over_tcp_has_a_peer_by_xdp(xdp, turn_ends):
    client, peer = turn_ends(xdp, way="tcp")
    settle_turn(client, peer)
    with xdp.carries(30, 30):
        channel_both_ways(client, peer, 30)


@pytest.mark.parametrize("peer_family", PEERS)
def test_dscp_and_ecn_go_along_both_ways(xdp, turn_ends, peer_family):
    client, peer = turn_ends(xdp, peer_family)
    settle_turn(client, peer)
    want_class(peer.socket)
    want_class(client.transport.socket)
    with xdp.carries(12, 12):
        for value in (46 << 2, 46 << 2 | 1, 46 << 2 | 2, 46 << 2 | 3, 0, 10 << 2):
            send_with_class(client.transport.socket, None, m.channel_data(0x4000, b"out"), value)
            assert receive_with_class(peer.socket) == (b"out", value)
            send_with_class(peer.socket, client.relayed, b"in", value)
            assert receive_with_class(client.transport.socket) == (m.channel_data(0x4000, b"in"), value)


# What a packet looks like


@pytest.fixture
def wire(net):
    """Frames as if the phone A had sent them: its namespace's device, bound to the relay's."""
    with net.inside("near"):
        made = frames.Wire(frames.mac(net.link("relay")["address"]))
    yield made
    made.close()


def ends_of(call):
    return (call.a.host, call.a.port), call.a_to


def heard_payload(call):
    return call.b.receive(1)[0]


def test_frames_with_a_wrong_checksum_are_dropped_and_counted(xdp, between, wire):
    call = between(xdp, "near", "far")
    call.settle()
    (source, to), packet, before = ends_of(call), rtp.packet(7), xdp.metrics()
    wire.send(frames.IP4, frames.ip4(source, to, frames.udp(source, to, packet)))
    assert heard_payload(call) == packet
    wire.send(frames.IP4, frames.ip4(source, to, frames.udp(source, to, packet, sum_by=lambda _: 0)))
    assert heard_payload(call) == packet, "none is allowed"
    for wrong in (lambda right: right ^ 1, lambda right: right ^ 0x8000, lambda right: ~right & 0xFFFF):
        wire.send(frames.IP4, frames.ip4(source, to, frames.udp(source, to, packet, sum_by=wrong)))
    wire.send(frames.IP4, frames.ip4(source, to, frames.udp(source, to, packet), sum_by=lambda right: right ^ 1))
    assert call.b.hears_nothing()
    name = 'dropped_packets_total{reason="frame_checksum"}'
    assert 3 <= xdp.metrics()[name] - before[name] <= 4  # that of the IP header may be the kernel's to drop


def test_ipv6_frames_need_a_checksum(xdp, between, wire):
    call = between(xdp, "near", "far", 6)
    call.settle()
    (source, to), packet = ends_of(call), rtp.packet(7)
    wire.send(frames.IP6, frames.ip6(source, to, frames.udp(source, to, packet)))
    assert heard_payload(call) == packet
    for wrong in (lambda _: 0, lambda right: right ^ 1):
        wire.send(frames.IP6, frames.ip6(source, to, frames.udp(source, to, packet, sum_by=wrong)))
    assert call.b.hears_nothing()


def test_padding_of_short_frames_is_no_payload(xdp, between, wire):
    call = between(xdp, "near", "far")
    call.settle()
    (source, to), packet = ends_of(call), rtp.packet(7, payload=b"")
    with xdp.carries(1, 1, by_kernel=0):
        wire.send(frames.IP4, frames.ip4(source, to, frames.udp(source, to, packet)), padding=b"\xff" * 6)
        assert heard_payload(call) == packet


NOPS = b"\x01" * 4
DESTINATION_OPTIONS = struct.pack("!BBBB4x", 17, 0, 1, 4)  # an extension header: UDP follows


@pytest.mark.parametrize("family", [4, 6])
def test_what_is_not_plain_takes_the_kernels_way(xdp, between, wire, family):
    """IP options, extension headers and fragments made by hand, at once and the last first."""
    call = between(xdp, "near", "far", family)
    call.settle()
    (source, to), packet = ends_of(call), rtp.packet(7)
    datagram = frames.udp(source, to, packet)
    before = xdp.carried()
    if family == 4:
        wire.send(frames.IP4, frames.ip4(source, to, datagram, options=NOPS))
        assert heard_payload(call) == packet
        first = frames.ip4(source, to, datagram[:64], fragment=0x2000)
        last = frames.ip4(source, to, datagram[64:], fragment=64 // 8)
    else:
        wire.send(frames.IP6, frames.ip6(source, to, datagram, next_header=60, extension=DESTINATION_OPTIONS))
        assert heard_payload(call) == packet
        first = frames.ip6(source, to, datagram[:64], next_header=44, extension=struct.pack("!BBHI", 17, 0, 1, 7))
        last = frames.ip6(source, to, datagram[64:], next_header=44, extension=struct.pack("!BBHI", 17, 0, 64, 7))
    for one, other in ((first, last), (last, first)):
        wire.send(frames.IP4 if family == 4 else frames.IP6, one)
        wire.send(frames.IP4 if family == 4 else frames.IP6, other)
        assert heard_payload(call) == packet
    assert xdp.carried().received == before.received


@pytest.mark.parametrize("family", [4, 6])
def test_what_is_longer_than_the_mtu_goes_in_fragments(xdp, between, family):
    call = between(xdp, "near", "far", family)
    call.settle()
    before = xdp.metrics()
    call.both_ways(5, payload=bytes(1700))
    now = xdp.metrics()
    assert now["xdp_received_packets_total"] == before["xdp_received_packets_total"]
    assert now["xdp_sent_packets_total"] == before["xdp_sent_packets_total"]
    call.by_xdp(10)


# What is longer may have to be split on its way, which the kernel alone hears of (1280), or by this machine (1500).
@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("family, headers", [(4, 28), (6, 48)])
def test_the_longest_media_packet_of_one_frame(xdp, between, family, headers, over):
    call = between(xdp, "near", "near", family)
    call.settle()
    before = xdp.carried()
    call.both_ways(3, payload=bytes(1280 - headers - 12 + over))
    assert xdp.carried().sent - before.sent == (0 if over else 6)


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("family, headers", [(4, 28), (6, 48)])
def test_the_longest_relayed_packet_of_one_frame(xdp, turn_ends, family, headers, over):
    client, peer = turn_ends(xdp, family)
    settle_turn(client, peer)
    before = xdp.carried()
    for _ in range(3):
        client.send_channel(0x4000, bytes(1500 - headers + over))
        assert peer.receive() == (bytes(1500 - headers + over), client.relayed)
    assert xdp.carried().sent - before.sent == (0 if over else 3)


# Garbage


def garbage(source, to, packet):
    """Frames that are wrong in each way once, most of them for a port of the relay."""
    datagram = frames.udp(source, to, packet)
    kind, header = (frames.IP4, frames.ip4) if ":" not in to[0] else (frames.IP6, frames.ip6)
    sound = header(source, to, datagram)
    yield from ((kind, sound[:size]) for size in range(len(sound)))
    yield from ((kind, sound[:at] + bytes([sound[at] ^ bit]) + sound[at + 1:])
                for at in range(48) for bit in (1, 0x10, 0x80, 0xFF))
    yield from ((kind, header(source, to, frames.udp(source, to, packet, length=length)))
                for length in (0, 7, 8, 9, len(datagram) - 1, len(datagram) + 1, 0xFFFF))
    if kind == frames.IP4:
        yield from ((kind, header(source, to, datagram, total=total)) for total in (0, 19, 20, 27, 28, 29, 0xFFFF))
        yield from ((kind, header(source, to, datagram, version=version)) for version in (0, 5, 6, 15))
        yield from ((kind, header(source, to, datagram, options=NOPS * words)) for words in range(1, 11))
        yield from ((kind, header((bad, source[1]), to, datagram)) for bad in ("0.0.0.0", "127.0.0.1", "224.0.0.1",
                                                                               "255.255.255.255", to[0]))
    else:
        yield from ((kind, header(source, to, datagram, length=length)) for length in (0, 7, 8, 9, 0xFFFF))
        yield from ((kind, header((bad, source[1]), to, datagram)) for bad in ("::", "::1", "ff02::1", to[0]))
    yield from ((other, sound) for other in (0, 0x0806, 0x8100, 0x88A8, 0xFFFF, frames.IP4 ^ frames.IP6 ^ kind))


@pytest.mark.parametrize("family", [4, 6])
def test_a_storm_of_garbage(xdp, between, wire, family):
    """Nothing of it comes out wrong, and the call goes on."""
    call = between(xdp, "near", "far", family)
    call.settle()
    (source, to), packet = ends_of(call), rtp.packet(7)
    for kind, broken in garbage(source, to, packet):
        wire.send(kind, broken)
    for _ in range(500):
        wire.send_raw(os.urandom(14 + os.urandom(1)[0]))
        wire.send(frames.IP4, os.urandom(60))
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not call.b.hears_nothing(0.2):
        pass  # what was changed in the payload, or not in what counts
    assert xdp.alive()
    call.by_xdp(10)
