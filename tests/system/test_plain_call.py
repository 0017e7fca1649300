# SPDX-License-Identifier: Apache-2.0
"""Two phones with plain RTP: offer, answer, audio both ways, hold, delete."""
import pytest

import rtp
from ng import NgError


def connect(ng, call, a, b, **keys):
    """Offer and answer; gives the addresses that each phone sends to."""
    to_b = ng.offer(call, a.sdp(), **keys)
    to_a = ng.answer(call, b.sdp())
    return rtp.media_address(to_a), rtp.media_address(to_b)


def test_audio_passes_both_ways_unchanged(ng, call, phones):
    a, b = phones(), phones()
    a_sends_to, b_sends_to = connect(ng, call, a, b)
    for seq in range(5):
        sent = rtp.packet(seq, ssrc=0xA, payload=bytes([seq]) * 160)
        a.send(a_sends_to, sent)
        heard, source = b.receive()
        assert heard == sent
        assert source == b_sends_to
        sent = rtp.packet(1000 + seq, ssrc=0xB)
        b.send(b_sends_to, sent)
        heard, source = a.receive()
        assert heard == sent
        assert source == a_sends_to


def test_ports_are_an_even_pair_and_rtcp_passes(ng, call, phones):
    a, b = phones(), phones()
    (host, a_port), (_, b_port) = connect(ng, call, a, b)
    assert a_port % 2 == 0 and b_port % 2 == 0
    report = rtp.sender_report(0xA)
    a.rtcp.sendto(report, (host, a_port + 1))
    assert b.rtcp.recvfrom(2048) == (report, (host, b_port + 1))


def test_static_payloads_get_an_rtpmap_and_sections_their_own_address(ng, call, phones):
    out = ng.offer(call, phones().sdp())
    assert "a=rtpmap:0 PCMU/8000" in out.splitlines()
    head, _, section = out.partition("m=audio")
    assert "c=" not in head and "c=IN IP4 127.0.0.1" in section
    assert "a=sendrecv" in section


def test_reinvite_keeps_the_ports(ng, call, phones):
    a, b = phones(), phones()
    before = connect(ng, call, a, b)
    to_b = ng.command("offer", call_id=call, from_tag="A", to_tag="B", sdp=a.sdp(attributes=["a=sendonly"]))["sdp"]
    assert rtp.media_address(to_b) == before[1]
    assert "a=sendonly" in to_b
    to_a = ng.answer(call, b.sdp(attributes=["a=recvonly"]))
    assert rtp.media_address(to_a) == before[0]
    assert "a=recvonly" in to_a


def test_a_held_party_gets_no_media(ng, call, phones):
    a, b = phones(), phones()
    connect(ng, call, a, b)
    to_b = ng.command("offer", call_id=call, from_tag="A", to_tag="B", sdp=a.sdp(attributes=["a=sendonly"]))["sdp"]
    to_a = ng.answer(call, b.sdp(attributes=["a=recvonly"]))
    b.send(rtp.media_address(to_b), rtp.packet(1, ssrc=0xB))
    assert a.hears_nothing()
    a.send(rtp.media_address(to_a), rtp.packet(1, ssrc=0xA))
    assert rtp.parse(b.receive()[0])["ssrc"] == 0xA


def test_a_resumed_party_hears_at_once(ng, call, phones):
    """The called side may speak when it has the offer, before its answer passes here (RFC 3264, 5.1)."""
    a, b = phones(), phones()
    connect(ng, call, a, b)
    again = {"call_id": call, "from_tag": "A", "to_tag": "B"}
    to_b = ng.command("offer", sdp=a.sdp(attributes=["a=sendonly"]), **again)["sdp"]
    b.send(rtp.media_address(to_b), rtp.packet(1, ssrc=0xB))
    a.receive()  # on its way while the hold is asked for
    ng.answer(call, b.sdp(attributes=["a=recvonly"]))
    b.send(rtp.media_address(to_b), rtp.packet(2, ssrc=0xB))
    assert a.hears_nothing()
    to_b = ng.command("offer", sdp=a.sdp(), **again)["sdp"]
    b.send(rtp.media_address(to_b), rtp.packet(3, ssrc=0xB))
    assert rtp.parse(a.receive()[0])["seq"] == 3
    ng.answer(call, b.sdp())
    b.send(rtp.media_address(to_b), rtp.packet(4, ssrc=0xB))
    assert rtp.parse(a.receive()[0])["seq"] == 4


def test_called_side_can_offer_too(ng, call, phones):
    a, b = phones(), phones()
    before = connect(ng, call, a, b)
    to_a = ng.command("offer", call_id=call, from_tag="B", to_tag="A", sdp=b.sdp())["sdp"]
    assert rtp.media_address(to_a) == before[0]
    to_b = ng.command("answer", call_id=call, from_tag="B", to_tag="A", sdp=a.sdp())["sdp"]
    assert rtp.media_address(to_b) == before[1]


def test_query_counts_what_passed(ng, call, phones):
    a, b = phones(), phones()
    a_sends_to, _ = connect(ng, call, a, b)
    for seq in range(7):
        a.send(a_sends_to, rtp.packet(seq, ssrc=0xA))
        b.receive()
    reply = ng.query(call)
    assert reply["totals"]["RTP"]["packets"] == 7
    assert reply["totals"]["RTP"]["bytes"] == 7 * 172
    streams = reply["tags"]["A"]["medias"][0]["streams"]
    assert streams[0]["stats"]["packets"] == 7
    assert streams[0]["endpoint"]["port"] == a.port
    assert reply["tags"]["B"]["medias"][0]["streams"][0]["stats_out"]["packets"] == 7


def test_delete_tells_the_totals_and_frees_the_ports(ng, call, phones):
    a, b = phones(), phones()
    a_sends_to, _ = connect(ng, call, a, b)
    a.send(a_sends_to, rtp.packet(1))
    b.receive()
    reply = ng.delete(call)
    assert reply["totals"]["RTP"]["packets"] == 1
    assert call not in ng.calls()
    with pytest.raises(NgError, match="^Unknown call-id$"):
        ng.query(call)
    a.send(a_sends_to, rtp.packet(2))
    assert b.hears_nothing()


def test_learns_the_real_source_behind_nat(ng, call, phones):
    """The SDP names an address that nobody sends from: media goes to where packets come from."""
    a, b, real = phones(), phones(), phones()
    a_sends_to, b_sends_to = connect(ng, call, a, b)
    real.send(a_sends_to, rtp.packet(1, ssrc=0xA))
    b.receive()
    b.send(b_sends_to, rtp.packet(1, ssrc=0xB))
    assert rtp.parse(real.receive()[0])["ssrc"] == 0xB


def test_strict_source_refuses_a_second_sender(start, phones):
    relay = start("--endpoint-learning=immediate")
    a, b, stranger = phones(), phones(), phones()
    to_b = relay.ng.offer("strict", a.sdp(), flags=["strict-source"])
    to_a = relay.ng.answer("strict", b.sdp(), flags=["strict-source"])
    a.send(rtp.media_address(to_a), rtp.packet(1, ssrc=0xA))
    b.receive()
    stranger.send(rtp.media_address(to_a), rtp.packet(2, ssrc=0xE))
    assert b.hears_nothing()
    a.send(rtp.media_address(to_a), rtp.packet(3, ssrc=0xA))
    assert rtp.parse(b.receive()[0])["seq"] == 3
    assert to_b


def test_ipv6_to_ipv4(start, phones):
    relay = start(interface="v6/::1;v4/127.0.0.1")
    a, b = phones("::1"), phones()
    to_b = relay.ng.offer("six", a.sdp(), direction=["v6", "v4"], address_family="IP4")
    to_a = relay.ng.answer("six", b.sdp())
    assert "c=IN IP4 127.0.0.1" in to_b and "c=IN IP6 ::1" in to_a
    a.send(rtp.media_address(to_a), rtp.packet(1, ssrc=0xA))
    assert rtp.parse(b.receive()[0])["ssrc"] == 0xA
    b.send(rtp.media_address(to_b), rtp.packet(1, ssrc=0xB))
    assert rtp.parse(a.receive()[0])["ssrc"] == 0xB


def test_a_silent_call_is_ended(start, phones):
    relay = start("--timeout=2")
    a, b = phones(), phones()
    relay.ng.offer("silent", a.sdp())
    relay.ng.answer("silent", b.sdp())
    assert relay.ng.calls() == ["silent"]
    import time
    deadline = time.monotonic() + 15
    while relay.ng.calls() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert relay.ng.calls() == []
    assert "silent" in relay.log() and "timeout" in relay.log()
