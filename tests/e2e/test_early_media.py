# SPDX-License-Identifier: Apache-2.0
"""Sound before the answer: 183 with SDP, alone and in a forked call."""

import pytest

from . import calls
from .kamailio import RING_GROUP
from .processes import eventually
from .world import ANNOUNCER, SECOND_PBX


@pytest.fixture
def announced(world):
    """The announcer takes the place of the PBX; a ring group rings the second PBX too."""
    world.kamailio.restart(pbxes=[ANNOUNCER, SECOND_PBX])
    yield world
    world.kamailio.restart()


def test_early_media_is_heard_before_the_answer(announced):
    alice = announced.phone("alice")
    alice.call("announcement")
    calls.assert_phone_hears(alice, announced.announcer.hz)
    assert alice.saw("accepted") is None

    announced.announcer.answer()
    eventually(lambda: alice.saw("accepted"), "accepted")
    calls.assert_talking(announced, alice, announced.announcer)
    calls.assert_clean(announced, alice, announced.announcer)

    alice.hangup()
    calls.assert_freed(announced, alice)


def test_early_media_of_one_branch_and_answer_of_another(announced):
    alice = announced.phone("alice")
    alice.call(RING_GROUP)
    announced.second_pbx.wait_for("CALL_INCOMING", since=announced.mark)
    calls.assert_phone_hears(alice, announced.announcer.hz)

    announced.second_pbx.accept()
    eventually(lambda: "CANCEL" in announced.announcer.requests, "the first branch is cancelled")
    calls.assert_talking(announced, alice, announced.second_pbx)
    calls.assert_clean(announced, alice, announced.second_pbx)

    alice.hangup()
    calls.assert_freed(announced, alice)
