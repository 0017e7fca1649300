# SPDX-License-Identifier: Apache-2.0
"""Calls between a browser and the PBX: who calls, who hangs up, and calls that never begin."""

from . import calls
from .baresip import ANSWERS, RINGS
from .processes import eventually
from .world import PUBLIC

# An INVITE beyond this is no longer sent over UDP by many (RFC 3261, section 18.1.1).
LARGEST_INVITE = 1300


def test_browser_calls_pbx_and_hangs_up(world):
    alice = world.phone("alice")
    alice.call(ANSWERS)
    calls.assert_talking(world, alice)
    calls.assert_clean(world, alice, remote=PUBLIC)

    alice.hangup()
    world.pbx.wait_for("CALL_CLOSED", since=world.mark)
    calls.assert_freed(world, alice)


def test_browser_calls_pbx_which_hangs_up(world):
    alice = world.phone("alice")
    alice.call(ANSWERS)
    calls.assert_talking(world, alice)
    calls.assert_clean(world, alice, remote=PUBLIC)

    world.pbx.hangup()
    assert calls.assert_ended(alice) == "remote: Terminated"
    calls.assert_freed(world, alice)


def test_pbx_calls_browser_and_hangs_up(world):
    alice = world.phone("alice")
    calls.pbx_calls(world, alice)
    calls.assert_talking(world, alice)
    calls.assert_clean(world, alice, remote=PUBLIC)

    world.pbx.hangup()
    assert calls.assert_ended(alice) == "remote: Terminated"
    calls.assert_freed(world, alice)


def test_pbx_calls_browser_which_hangs_up(world):
    alice = world.phone("alice")
    calls.pbx_calls(world, alice)
    calls.assert_talking(world, alice)
    calls.assert_clean(world, alice, remote=PUBLIC)

    alice.hangup()
    world.pbx.wait_for("CALL_CLOSED", since=world.mark)
    calls.assert_freed(world, alice)


def test_caller_gives_up(world):
    alice = world.phone("alice")
    alice.call(RINGS)
    world.pbx.wait_for("CALL_INCOMING", since=world.mark)
    eventually(lambda: alice.saw("progress"), "alice hears it ring")

    alice.hangup()
    world.pbx.wait_for("CALL_CLOSED", since=world.mark)
    assert calls.assert_ended(alice, "failed") == "local: Canceled"
    calls.assert_freed(world, alice)


def test_pbx_refuses(world):
    alice = world.phone("alice")
    alice.call(RINGS)
    world.pbx.wait_for("CALL_INCOMING", since=world.mark)

    world.pbx.hangup()
    assert calls.assert_ended(alice, "failed").startswith("remote: ")
    calls.assert_freed(world, alice)


def test_browser_refuses(world):
    alice = world.phone("alice")
    world.pbx.dial(f"sip:alice@{calls.INSIDE}")
    calls.assert_rings(alice)

    alice.hangup(code=486)
    world.pbx.wait_for("CALL_CLOSED", since=world.mark)
    calls.assert_freed(world, alice)


def test_invite_to_the_pbx_stays_small(world):
    alice = world.phone("alice")
    alice.call(RINGS)
    world.pbx.wait_for("CALL_INCOMING", since=world.mark)
    alice.hangup()
    calls.assert_ended(alice, "failed")
    assert max(d.size for d in calls.invites(world)) < LARGEST_INVITE
