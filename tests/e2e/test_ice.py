# SPDX-License-Identifier: Apache-2.0
"""What browsers ask of ICE beyond a plain call: BUNDLE policies, restarts, IPv6."""

from . import calls
from .baresip import ANSWERS
from .world import PUBLIC, PUBLIC6


def bundle_groups(description):
    return [line for line in description["sdp"].splitlines() if line.startswith("a=group:BUNDLE")]


def test_max_bundle_policy(world):
    alice = world.phone("alice")
    alice.call(ANSWERS, bundlePolicy="max-bundle")
    calls.assert_talking(world, alice)
    calls.assert_clean(world, alice, remote=PUBLIC)

    answer = [d for d in alice.history()["descriptions"] if d["from"] == "remote"][-1]
    assert bundle_groups(answer) == ["a=group:BUNDLE 0"]
    alice.hangup()
    calls.assert_freed(world, alice)


def test_max_bundle_policy_of_a_called_browser(world):
    alice = world.phone("alice")
    calls.pbx_calls(world, alice, bundlePolicy="max-bundle")
    calls.assert_talking(world, alice)
    calls.assert_clean(world, alice, remote=PUBLIC)
    world.pbx.hangup()
    calls.assert_freed(world, alice)


def test_ice_restart(world):
    alice = world.phone("alice")
    alice.call(ANSWERS)
    calls.assert_talking(world, alice)

    alice.restart_ice()
    calls.assert_talking(world, alice)
    calls.assert_clean(world, alice, remote=PUBLIC)

    ours = [d["sdp"] for d in alice.history()["descriptions"] if d["from"] == "remote"]
    names = [line for sdp in ours for line in sdp.splitlines() if line.startswith("a=ice-ufrag:")]
    assert len(names) == 2 and names[0] != names[1], "the relay restarts its side too"
    alice.hangup()
    calls.assert_freed(world, alice)


def test_ipv6_browser_calls_ipv4_pbx(world):
    carol = world.phone("carol")
    carol.call(ANSWERS)
    calls.assert_talking(world, carol)
    calls.assert_clean(world, carol, remote=PUBLIC6)
    carol.hangup()
    calls.assert_freed(world, carol)


def test_ipv4_pbx_calls_ipv6_browser(world):
    carol = world.phone("carol")
    calls.pbx_calls(world, carol)
    calls.assert_talking(world, carol)
    calls.assert_clean(world, carol, remote=PUBLIC6)
    world.pbx.hangup()
    calls.assert_freed(world, carol)
