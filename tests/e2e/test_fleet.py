# SPDX-License-Identifier: Apache-2.0
"""The relay is killed in the middle of calls, and another one goes on with them: browsers and PBX notice a moment of
silence, and Kamailio nothing at all."""

import pytest

from . import calls, turn
from .baresip import ANSWERS
from .fleet import SHARED, FleetWorld
from .relay import KIND

pytestmark = pytest.mark.skipif(KIND != "mediaferry", reason="only mediaferry is one of several")


@pytest.fixture(scope="module")
def fleet_world(_stale, tmp_path_factory):
    made = FleetWorld(tmp_path_factory.mktemp("fleet"))
    yield made
    made.stop()


@pytest.fixture
def world(fleet_world):
    fleet_world.begin()
    yield fleet_world
    fleet_world.end()
    assert not fleet_world.faults(), "the relay dropped packets of a sound call"


def descriptions(phone):
    return phone.history()["descriptions"]


def assert_goes_on(world, phone):
    """Both are heard at the other relay, and nobody was told anything."""
    said, invites = descriptions(phone), calls.invites(world)
    dead = world.fail_over()
    calls.assert_talking(world, phone)
    calls.assert_transport(phone)
    assert descriptions(phone) == said and calls.invites(world) == invites
    assert "event=dtls-connected" not in world.relay.log(world.log_marks[world.relay])
    return dead


def test_browser_calls_pbx(world):
    alice = world.phone("alice")
    alice.call(ANSWERS)
    calls.assert_talking(world, alice)
    calls.assert_transport(alice, SHARED)
    assert_goes_on(world, alice)

    alice.hold()
    calls.assert_silent(world, alice)
    alice.unhold()
    calls.assert_talking(world, alice)
    alice.hangup()
    world.pbx.wait_for("CALL_CLOSED", since=world.mark)
    calls.assert_freed(world, alice)


def test_pbx_calls_browser(world):
    """And both relays die, one after the other."""
    alice = world.phone("alice")
    calls.pbx_calls(world, alice)
    calls.assert_talking(world, alice)
    dead = assert_goes_on(world, alice)
    dead.again()
    world.unsettle()
    assert_goes_on(world, alice)

    world.pbx.hangup()
    calls.assert_ended(alice)
    calls.assert_freed(world, alice)


def test_two_browsers(world):
    alice, bob = world.phone("alice"), world.phone("bob")
    alice.call("bob", video=True)
    calls.assert_rings(bob)
    bob.answer(video=True)
    calls.assert_phone_hears(alice, bob.hz)
    calls.assert_phone_hears(bob, alice.hz)
    world.fail_over()
    calls.assert_phone_hears(alice, bob.hz)
    calls.assert_phone_hears(bob, alice.hz)
    calls.assert_phone_sees(alice)
    calls.assert_phone_sees(bob)
    bob.hangup()
    calls.assert_ended(alice)
    calls.assert_freed(world, alice)


def test_browser_that_reaches_nothing_but_turn(world):
    """Its allocation comes over with the call that is behind it."""
    alice = world.phone("alice")
    alice.call(ANSWERS, **turn.only(turn.WAYS["udp"]))
    calls.assert_talking(world, alice)
    assert_goes_on(world, alice)
    alice.hangup()
    world.pbx.wait_for("CALL_CLOSED", since=world.mark)
    calls.assert_freed(world, alice)


def test_a_relay_that_is_shut_down_hands_its_calls_over(world):
    alice = world.phone("alice")
    alice.call(ANSWERS)
    calls.assert_talking(world, alice)
    said = descriptions(alice)
    world.hand_over()
    calls.assert_talking(world, alice)
    assert descriptions(alice) == said
    alice.hangup()
    world.pbx.wait_for("CALL_CLOSED", since=world.mark)
    calls.assert_freed(world, alice)
