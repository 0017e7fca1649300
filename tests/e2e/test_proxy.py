# SPDX-License-Identifier: Apache-2.0
"""What the Kamailio configuration that ships does beside media."""

import pytest

from . import calls
from .backend import FORBIDDEN_NUMBER, USERS
from .baresip import ANSWERS
from .world import PBX

NOBODY = "10.20.0.29"


def test_wrong_password_is_refused(world):
    with pytest.raises(RuntimeError, match="register: Authentication Error"):
        world.phone("bob", password="wrong")


def test_forbidden_call_never_reaches_the_relay(world):
    alice = world.phone("alice")
    alice.call(FORBIDDEN_NUMBER)
    assert calls.assert_ended(alice, "failed") == "remote: Rejected"
    assert not calls.invites(world)
    assert not any(b"command5:offer" in d.payload for d in world.ng_messages())


def test_pbx_sees_the_number_the_backend_names(world):
    alice = world.phone("alice")
    alice.call(ANSWERS)
    calls.assert_talking(world, alice)
    assert f"From: <sip:{USERS['alice']}@".encode() in calls.invites(world)[0].payload
    asked = [path for path, query in world.backend.requests if query.get("user") == "alice"]
    assert asked.count("/ha1") <= 1, "the secret is kept for a while"
    alice.hangup()


def test_call_goes_to_the_next_pbx_when_the_first_is_dead(world):
    world.kamailio.restart(pbxes=[NOBODY, PBX])
    try:
        alice = world.phone("alice")
        alice.call(ANSWERS)
        world.pbx.wait_for("CALL_ESTABLISHED", since=world.mark, timeout=15)
        calls.assert_talking(world, alice)
        calls.assert_clean(world, alice)
        alice.hangup()
        calls.assert_freed(world, alice)
    finally:
        world.kamailio.restart()
