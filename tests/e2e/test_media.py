# SPDX-License-Identifier: Apache-2.0
"""What travels beside the voice, and calls side by side."""

from . import calls, rtp
from .baresip import ANSWERS
from .processes import eventually
from .world import INSIDE, PUBLIC

TELEPHONE_EVENT = 126  # the 8 kHz one in Chromium's offers


def test_rtcp_goes_both_ways(world):
    alice = world.phone("alice")
    alice.call(ANSWERS)
    calls.assert_talking(world, alice)

    def reports():
        return [d for d in world.wire.since(world.mark)
                if d.target[0] == world.pbx.address and d.is_rtcp]
    first = eventually(reports, "an RTCP report at the PBX", timeout=15)[0]
    media = rtp.received(world.wire.since(world.mark), world.pbx.address)[0]
    assert first.target[1] == media.target[1] + 1, "RTCP goes to the port beside RTP's"

    # Chromium shows what the PBX reports about the browser's stream, if it names its SSRC.
    seen = eventually(lambda: alice.stats()["remoteInbound"], "a report about alice", timeout=15)
    assert seen[0]["packetsLost"] == 0
    alice.hangup()


def test_digits_reach_the_pbx(world):
    alice = world.phone("alice")
    alice.call(ANSWERS)
    calls.assert_talking(world, alice)

    alice.send_digits("42")
    for digit in "42":
        eventually(lambda digit=digit: digit in digits_at_pbx(world), f"digit {digit}")
    calls.assert_talking(world, alice)
    alice.hangup()


def digits_at_pbx(world):
    """The events among the RTP packets the PBX received, by their code (RFC 4733, section 3.2)."""
    packets = rtp.received(world.wire.since(world.mark), world.pbx.address)
    codes = {p.payload[0] for p in packets if p.payload_type == TELEPHONE_EVENT}
    return "".join(sorted("0123456789*#ABCD"[code] for code in codes))


def test_calls_side_by_side_do_not_mix(world):
    alice, bob = world.phone("alice"), world.phone("bob")
    alice.call(ANSWERS)
    world.second_pbx.dial(f"sip:bob@{INSIDE}")
    calls.assert_rings(bob)
    bob.answer()

    calls.assert_talking(world, alice, world.pbx)
    calls.assert_talking(world, bob, world.second_pbx)
    calls.assert_clean(world, alice, world.pbx, remote=PUBLIC)
    calls.assert_clean(world, bob, world.second_pbx, remote=PUBLIC)

    alice.hangup()
    calls.assert_ended(alice)
    calls.assert_talking(world, bob, world.second_pbx)
    bob.hangup()
    calls.assert_freed(world, bob)
