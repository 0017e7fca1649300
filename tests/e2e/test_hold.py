# SPDX-License-Identifier: Apache-2.0
"""Hold and resume by re-INVITE, from either side of calls in either direction."""

import pytest

from . import calls
from .baresip import ANSWERS
from .processes import eventually


def browser_calls(world, phone):
    phone.call(ANSWERS)


DIRECTIONS = pytest.mark.parametrize(
    "begin", [browser_calls, calls.pbx_calls], ids=["browser-called", "pbx-called"])


def relay_ports(world):
    """The relay's ports that the PBX was sent media from."""
    return {d.source[1] for d in world.wire.since(world.mark)
            if d.target[0] == world.pbx.address and d.is_rtp}


@DIRECTIONS
def test_browser_holds(world, begin):
    alice = world.phone("alice")
    begin(world, alice)
    calls.assert_talking(world, alice)

    alice.hold()
    calls.assert_silent(world, alice)
    alice.unhold()
    calls.assert_talking(world, alice)

    calls.assert_clean(world, alice, but=calls.late_packets(world))
    assert len(relay_ports(world)) == 1, "ports are kept over re-INVITEs"
    alice.hangup()
    calls.assert_freed(world, alice)


@DIRECTIONS
def test_pbx_holds(world, begin):
    alice = world.phone("alice")
    begin(world, alice)
    calls.assert_talking(world, alice)

    world.pbx.hold()
    eventually(lambda: alice.saw("hold") == "remote", "alice is held")
    calls.assert_silent(world, alice)
    world.pbx.resume()
    eventually(lambda: alice.saw("unhold") == "remote", "alice is back")
    calls.assert_talking(world, alice)

    calls.assert_clean(world, alice, but=calls.late_packets(world))
    assert len(relay_ports(world)) == 1, "ports are kept over re-INVITEs"
    world.pbx.hangup()
    calls.assert_freed(world, alice)
