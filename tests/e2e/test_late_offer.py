# SPDX-License-Identifier: Apache-2.0
"""An INVITE without SDP: the browser offers in its 200, the PBX answers in its ACK."""

import pytest

from . import calls
from .world import ENDPOINT, INSIDE, PBX


@pytest.fixture
def late_world(world):
    """Calls are taken from the small endpoint as well."""
    world.kamailio.restart(pbxes=[PBX, ENDPOINT])
    yield world
    world.kamailio.restart()


def test_pbx_calls_browser_without_an_offer(late_world):
    alice = late_world.phone("alice")
    late_world.endpoint.call_without_sdp("alice", INSIDE)
    calls.assert_rings(alice)
    alice.answer()
    calls.assert_talking(late_world, alice, late_world.endpoint)
    calls.assert_clean(late_world, alice, late_world.endpoint)

    late_world.endpoint.hangup()
    calls.assert_ended(alice)
    calls.assert_freed(late_world, alice)
