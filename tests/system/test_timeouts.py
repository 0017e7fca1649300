# SPDX-License-Identifier: Apache-2.0
"""Calls that nobody ends, and deletes that take effect later."""
import time

import rtp


def lives(relay, call, seconds):
    """How long the call is listed, up to so many seconds; more than that when it stays."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if call not in relay.ng.calls():
            return time.monotonic() - begun
        time.sleep(0.1)
    return seconds + 1


def test_an_offer_without_answer_ends(start, phones):
    relay = start("--offer-timeout=2", "--timeout=60")
    relay.ng.offer("offered", phones().sdp())
    assert 1 <= lives(relay, "offered", 8) <= 6
    assert "reason=offer-timeout" in relay.log()


def test_a_call_ends_at_its_final_timeout_whatever_flows(start, phones):
    relay = start("--final-timeout=3")
    a, b = phones(), phones()
    relay.ng.offer("final", a.sdp())
    to_a = rtp.media_address(relay.ng.answer("final", b.sdp()))
    begun, seq = time.monotonic(), 0
    while "final" in relay.ng.calls() and time.monotonic() - begun < 10:
        a.send(to_a, rtp.packet(seq))
        seq += 1
        time.sleep(0.1)
    assert 2 <= time.monotonic() - begun <= 7
    assert "reason=final-timeout" in relay.log()


def test_media_of_one_side_keeps_a_call(start, phones):
    relay = start("--timeout=2")
    a, b = phones(), phones()
    relay.ng.offer("one", a.sdp())
    to_a = rtp.media_address(relay.ng.answer("one", b.sdp()))
    for seq in range(50):
        a.send(to_a, rtp.packet(seq))
        time.sleep(0.1)
    assert relay.ng.calls() == ["one"]
    assert 1 <= lives(relay, "one", 8) <= 6


def test_a_held_call_has_the_silent_timeout(start, phones):
    relay = start("--timeout=2", "--silent-timeout=6")
    a, b = phones(), phones()
    relay.ng.offer("held", a.sdp())
    relay.ng.answer("held", b.sdp())
    relay.ng.command("offer", call_id="held", from_tag="A", to_tag="B", sdp=a.sdp(attributes=["a=inactive"]))
    relay.ng.answer("held", b.sdp(attributes=["a=inactive"]))
    assert 5 <= lives(relay, "held", 12) <= 10


def test_a_deleted_call_lives_on_for_the_delay(start, phones):
    relay = start("--delete-delay=3")
    a, b = phones(), phones()
    relay.ng.offer("late", a.sdp())
    to_a = rtp.media_address(relay.ng.answer("late", b.sdp()))
    assert relay.ng.delete("late")["result"] == "ok"
    a.send(to_a, rtp.packet(1))
    assert rtp.parse(b.receive()[0])["seq"] == 1  # what is still on its way arrives
    assert 2 <= lives(relay, "late", 8) <= 6
    a.send(to_a, rtp.packet(2))
    assert b.hears_nothing()


def test_a_new_offer_takes_a_delete_back(start, phones):
    relay = start("--delete-delay=2")
    a, b = phones(), phones()
    relay.ng.offer("again", a.sdp())
    relay.ng.answer("again", b.sdp())
    relay.ng.delete("again")
    relay.ng.offer("again", a.sdp())
    to_a = rtp.media_address(relay.ng.answer("again", b.sdp()))
    assert lives(relay, "again", 4) > 4
    a.send(to_a, rtp.packet(3))
    assert rtp.parse(b.receive()[0])["seq"] == 3
    relay.ng.delete("again", **{"delete-delay": 0})
    assert relay.ng.calls() == []
