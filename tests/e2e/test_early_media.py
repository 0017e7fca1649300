# SPDX-License-Identifier: Apache-2.0
"""Sound before the answer: 183 with SDP, alone and in a forked call."""

import pytest

from . import calls
from .kamailio import RING_GROUP
from .processes import eventually
from .world import ENDPOINT, SECOND_PBX


@pytest.fixture
def speaking_world(world):
    """The small endpoint takes the place of the PBX; a ring group rings the second PBX too."""
    world.kamailio.restart(pbxes=[ENDPOINT, SECOND_PBX])
    yield world
    world.kamailio.restart()


def test_early_media_is_heard_before_the_answer(speaking_world):
    alice = speaking_world.phone("alice")
    alice.call("announcement")
    calls.assert_phone_hears(alice, speaking_world.endpoint.hz)
    assert alice.saw("accepted") is None

    speaking_world.endpoint.answer()
    eventually(lambda: alice.saw("accepted"), "accepted")
    calls.assert_talking(speaking_world, alice, speaking_world.endpoint)
    calls.assert_clean(speaking_world, alice, speaking_world.endpoint)

    alice.hangup()
    calls.assert_freed(speaking_world, alice)


def test_early_media_of_one_branch_and_answer_of_another(speaking_world):
    alice = speaking_world.phone("alice")
    alice.call(RING_GROUP)
    speaking_world.second_pbx.wait_for("CALL_INCOMING", since=speaking_world.mark)
    calls.assert_phone_hears(alice, speaking_world.endpoint.hz)

    speaking_world.second_pbx.accept()
    eventually(lambda: "CANCEL" in speaking_world.endpoint.requests, "first branch cancelled")
    calls.assert_talking(speaking_world, alice, speaking_world.second_pbx)
    calls.assert_clean(speaking_world, alice, speaking_world.second_pbx)

    alice.hangup()
    calls.assert_freed(speaking_world, alice)
