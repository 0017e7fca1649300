# SPDX-License-Identifier: Apache-2.0
"""Where media goes when there is no ICE: what each way of learning makes of sources the SDP did not name."""
import time

import pytest

import rtp

WINDOW_S = 3.2


class Scene:
    """A call in which A's packets may come from the phone its SDP names, or from another."""

    def __init__(self, ng, call, phones, **keys):
        self.ng, self.call, self.keys = ng, call, keys
        self.named, self.other, self.b = phones(), phones(), phones()
        self.seq = 0
        self.b_to = rtp.media_address(ng.offer(call, self.named.sdp(), **keys))
        self.a_to = rtp.media_address(ng.answer(call, self.b.sdp(), **keys))

    def passes(self, phone):
        """Does a packet from this phone reach B?"""
        self.seq += 1
        phone.send(self.a_to, rtp.packet(self.seq, ssrc=0xA))
        try:
            return rtp.parse(self.b.receive(0.3)[0])["seq"] == self.seq
        except TimeoutError:
            return False

    def hearer(self):
        """Which of A's phones gets what B sends."""
        self.b.send(self.b_to, rtp.packet(1, ssrc=0xB))
        for phone in (self.named, self.other):
            if not phone.hears_nothing(0.2):
                return phone
        return None


@pytest.fixture
def scene(ng, call, phones):
    def make(mode=None, *flags):
        keys = {"flags": list(flags), **({"endpoint-learning": mode} if mode else {})}
        return Scene(ng, call, phones, **keys)

    return make


def test_off_sends_where_the_sdp_says_and_nowhere_else(scene):
    s = scene("off")
    assert s.passes(s.other) and s.hearer() is s.named


def test_immediate_settles_on_the_first_source(scene):
    s = scene("immediate")
    assert s.passes(s.other) and s.hearer() is s.other
    assert s.passes(s.named) and s.hearer() is s.other


def test_delayed_follows_until_the_window_is_over(scene):
    s = scene("delayed")
    assert s.passes(s.other) and s.hearer() is s.other
    assert s.passes(s.named) and s.hearer() is s.named
    time.sleep(WINDOW_S)
    assert s.passes(s.other) and s.hearer() is s.other
    assert s.passes(s.named) and s.hearer() is s.other


def test_heuristic_prefers_the_source_that_the_sdp_names(scene):
    s = scene()  # it is the default
    assert s.passes(s.other) and s.hearer() is s.other
    assert s.passes(s.named) and s.hearer() is s.named
    assert s.passes(s.other) and s.hearer() is s.named


def test_heuristic_settles_on_the_best_it_saw(scene):
    s = scene("heuristic", "strict-source")
    assert s.passes(s.other) and s.hearer() is s.other
    time.sleep(WINDOW_S)
    assert not s.passes(s.named) and s.hearer() is s.other


def test_strict_source_refuses_a_worse_source_already_while_learning(scene):
    s = scene("heuristic", "strict-source")
    assert s.passes(s.named)
    assert not s.passes(s.other) and s.hearer() is s.named


def test_media_handover_follows_whoever_sends(scene):
    s = scene("immediate", "media-handover")
    assert s.passes(s.named) and s.hearer() is s.named
    assert s.passes(s.other) and s.hearer() is s.other
    assert s.passes(s.named) and s.hearer() is s.named


def test_asymmetric_never_moves(scene):
    s = scene("immediate", "asymmetric")
    assert s.passes(s.other) and s.hearer() is s.named


def test_a_reinvite_opens_the_window_again(scene):
    s = scene("immediate")
    assert s.passes(s.other) and s.hearer() is s.other
    s.ng.command("offer", call_id=s.call, from_tag="A", to_tag="B", sdp=s.named.sdp(), **s.keys)
    s.ng.answer(s.call, s.b.sdp(), **s.keys)
    assert s.hearer() is s.other  # what was learned stays in use ...
    assert s.passes(s.named) and s.hearer() is s.named  # ... until something better shows up


def test_a_reinvite_can_make_it_asymmetric(scene):
    s = scene("immediate")
    assert s.passes(s.other) and s.hearer() is s.other
    keys = {"flags": ["asymmetric"]}
    s.ng.command("offer", call_id=s.call, from_tag="A", to_tag="B", sdp=s.named.sdp(), **keys)
    s.ng.answer(s.call, s.b.sdp(), **keys)
    assert s.hearer() is s.named


def test_rtcp_is_learned_by_itself(ng, call, phones):
    a, real, b = phones(), phones(), phones()
    b_to = rtp.media_address(ng.offer(call, a.sdp()))
    a_to = rtp.media_address(ng.answer(call, b.sdp()))
    real.rtcp.sendto(rtp.sender_report(0xA), (a_to[0], a_to[1] + 1))
    assert b.rtcp.recv(2048) == rtp.sender_report(0xA)
    b.rtcp.sendto(rtp.sender_report(0xB), (b_to[0], b_to[1] + 1))
    assert real.rtcp.recv(2048) == rtp.sender_report(0xB)
    b.send(b_to, rtp.packet(1, ssrc=0xB))
    assert rtp.parse(a.receive()[0])["seq"] == 1  # RTP was not moved by it


def test_a_moved_peer_means_a_new_port_unless_it_latches(ng, call, phones):
    a, moved, b = phones(), phones(), phones()
    first = rtp.media_address(ng.offer(call, a.sdp()))
    ng.answer(call, b.sdp())
    again = {"call_id": call, "from_tag": "A", "to_tag": "B"}
    second = rtp.media_address(ng.command("offer", sdp=moved.sdp(), **again)["sdp"])
    assert second != first
    ng.answer(call, b.sdp())
    third = rtp.media_address(ng.command("offer", sdp=a.sdp(), flags=["port-latching"], **again)["sdp"])
    assert third == second
    ng.answer(call, b.sdp())
    b.send(third, rtp.packet(5, ssrc=0xB))
    assert rtp.parse(a.receive()[0])["seq"] == 5


def test_the_source_of_the_sip_message_counts_when_asked_for(ng, call, phones):
    """A phone behind NAT writes an address of its home network."""
    a, b = phones(), phones()
    source = {"flags": ["SIP-source-address"], "received-from": ["IP4", "127.0.0.1"]}
    b_to = rtp.media_address(ng.offer(call, a.sdp(address="10.255.0.9"), **source))
    ng.answer(call, b.sdp(address="10.255.0.8"), **source)
    b.send(b_to, rtp.packet(3, ssrc=0xB))
    assert rtp.parse(a.receive()[0])["seq"] == 3
