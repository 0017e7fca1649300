# SPDX-License-Identifier: Apache-2.0
"""A call that rings at two PBXes at once and is answered by the second."""

import pytest

from . import calls
from .kamailio import RING_GROUP


@pytest.fixture(params=[False, True], ids=["one-session", "session-per-branch"])
def forking_world(world, request):
    """With and without `via-branch` in the flags."""
    if request.param:
        world.kamailio.restart(media_per_branch=True)
    yield world
    if request.param:
        world.kamailio.restart()


def test_second_branch_answers(forking_world):
    world = forking_world
    alice = world.phone("alice")
    alice.call(RING_GROUP)
    for pbx in (world.pbx, world.second_pbx):
        pbx.wait_for("CALL_INCOMING", since=world.mark)

    world.second_pbx.accept()
    world.pbx.wait_for("CALL_CLOSED", since=world.mark)
    calls.assert_talking(world, alice, world.second_pbx)
    calls.assert_clean(world, alice, world.second_pbx)

    alice.hangup()
    world.second_pbx.wait_for("CALL_CLOSED", since=world.mark)
    calls.assert_freed(world, alice)
