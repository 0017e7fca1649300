# SPDX-License-Identifier: Apache-2.0
"""Calls between a browser and the PBX, and how they end."""

import pytest

from . import calls
from .baresip import ANSWERS
from .processes import eventually
from .world import PUBLIC


def test_browser_calls_pbx(world):
    alice = world.phone("alice")
    alice.call(ANSWERS)
    calls.assert_talking(world, alice)
    calls.assert_clean(world, alice, remote=PUBLIC)

    alice.hangup()
    world.pbx.wait_for("CALL_CLOSED", since=world.mark)
    calls.assert_freed(world, alice)
