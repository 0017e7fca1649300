# SPDX-License-Identifier: Apache-2.0
"""A browser behind address translation, an edge behind 1:1 translation that advertises its public
address."""

import pytest

from . import calls, turn
from .baresip import ANSWERS
from .relay import KIND
from .relayed import assert_only_port, assert_released, assert_sound, firewall
from .world import EDGE_PRIVATE, PUBLIC, SECOND_MAPPING


def assert_only_public_addresses(phone):
    theirs = [d["sdp"] for d in phone.history()["descriptions"] if d["from"] == "remote"]
    assert theirs and all(PUBLIC in sdp and EDGE_PRIVATE not in sdp for sdp in theirs)


def test_browser_calls(nat_world):
    alice = nat_world.phone("alice")
    alice.call(ANSWERS)
    calls.assert_talking(nat_world, alice)
    calls.assert_clean(nat_world, alice, remote=PUBLIC)
    assert_only_public_addresses(alice)
    alice.hangup()
    calls.assert_freed(nat_world, alice)


def test_pbx_calls(nat_world):
    alice = nat_world.phone("alice")
    calls.pbx_calls(nat_world, alice)
    calls.assert_talking(nat_world, alice)
    calls.assert_clean(nat_world, alice, remote=PUBLIC)
    assert_only_public_addresses(alice)
    nat_world.pbx.hangup()
    calls.assert_freed(nat_world, alice)


@pytest.mark.skipif(KIND != "mediaferry", reason="only mediaferry serves TURN")
@pytest.mark.parametrize("name", ["udp", "tls"])
def test_browser_calls_over_turn(nat_world, name):
    """Relayed address and media port find each other by addresses that neither is bound to."""
    alice, way = nat_world.phone("alice"), turn.WAYS[name]
    with firewall(nat_world, "alice", way) as wall:
        alice.call(ANSWERS, **turn.only(way))
        assert_sound(nat_world, alice, way)
        assert_only_port(wall)
    assert_only_public_addresses(alice)
    ours = [d["sdp"] for d in alice.history()["descriptions"] if d["from"] == "local"]
    assert f" {PUBLIC} " in ours[0] and EDGE_PRIVATE not in ours[0]
    alice.hangup()
    assert_released(nat_world, alice)


def test_media_follows_the_browser_to_another_address(nat_world):
    """The router maps the browser's UDP to another address and port; nobody signals anything."""
    alice = nat_world.phone("alice")
    alice.call(ANSWERS)
    calls.assert_talking(nat_world, alice)
    before = nat_world.browser_endpoints()
    signalled = len(alice.history()["descriptions"])

    nat_world.map_clients(SECOND_MAPPING, "62000-62999", zone=2)
    calls.assert_talking(nat_world, alice)
    after = nat_world.browser_endpoints()
    assert {host for host, _ in after} == {SECOND_MAPPING} and not before & after
    calls.assert_transport(alice, remote=PUBLIC)
    assert len(alice.history()["descriptions"]) == signalled

    alice.hangup()
    calls.assert_freed(nat_world, alice)
