# SPDX-License-Identifier: Apache-2.0
"""Browsers that reach nothing but a TURN port: calls relayed to media ports of the same process."""

import pytest

from . import calls, turn
from .baresip import ANSWERS
from .capture import Capture
from .processes import eventually
from .relay import KIND, WEBRTC_PORT
from .relayed import (
    assert_only_port, assert_relayed, assert_released, assert_sound, assert_stays_inside, firewall)
from .world import PUBLIC

pytestmark = pytest.mark.skipif(KIND != "mediaferry", reason="only mediaferry serves TURN")

EACH_WAY = pytest.mark.parametrize("way", turn.WAYS.values(), ids=turn.WAYS)
UDP, TLS = turn.WAYS["udp"], turn.WAYS["tls"]


@EACH_WAY
def test_browser_calls_pbx(world, way):
    alice = world.phone("alice")
    with firewall(world, "alice", way) as wall:
        alice.call(ANSWERS, **turn.only(way))
        assert_sound(world, alice, way)
        assert_only_port(wall)

        alice.hangup()
        world.pbx.wait_for("CALL_CLOSED", since=world.mark)
        assert_released(world, alice)


@EACH_WAY
def test_pbx_calls_browser(world, way):
    alice = world.phone("alice")
    with firewall(world, "alice", way) as wall:
        calls.pbx_calls(world, alice, **turn.only(way))
        assert_sound(world, alice, way)
        assert_only_port(wall)

        world.pbx.hangup()
        calls.assert_ended(alice)
        assert_released(world, alice)


def test_turn_is_the_way_round_a_firewall(world):
    """A browser that may use all candidates finds the one that works, with what
    /turn-credentials gives to a web backend."""
    alice = world.phone("alice")
    attempts = Capture(world.clients["alice"], "eth0")
    with firewall(world, "alice", TLS) as wall:
        alice.call(ANSWERS, **world.relay.admin.credentials("alice"))
        assert_sound(world, alice, TLS)
        assert wall.packets("refused") > 0
    attempts.stop()

    def reached(capture):
        return {d.target for d in capture.since(world.mark) if d.target[0] == PUBLIC}
    media_ports = {(PUBLIC, WEBRTC_PORT), (PUBLIC, WEBRTC_PORT + 1)}
    assert reached(attempts) & media_ports, "the browser tried the direct way"
    assert not reached(world.outside)
    alice.hangup()
    assert_released(world, alice)


def test_ipv6_browser_over_an_ipv4_relayed_address(world):
    carol = world.phone("carol")
    with firewall(world, "carol", TLS) as wall:
        carol.call(ANSWERS, **turn.only(TLS))
        assert_sound(world, carol, TLS)
        assert_only_port(wall)
    carol.hangup()
    assert_released(world, carol)


def test_two_browsers_with_video(world):
    ways = {"alice": TLS, "bob": UDP}
    alice, bob = (world.phone(name) for name in ways)
    alice.call("bob", video=True, **turn.only(TLS))
    calls.assert_rings(bob)
    bob.answer(video=True, **turn.only(UDP))
    for phone, other in ((alice, bob), (bob, alice)):
        calls.assert_phone_sees(phone)
        calls.assert_phone_hears(phone, other.hz)
        calls.assert_browser_lost_nothing(phone)
        assert_relayed(phone, ways[phone.user])
    assert_stays_inside(world)
    alice.hangup()
    calls.assert_ended(bob)
    assert_released(world, alice)


def crosses(world, phone):
    """Whether relayed address and media port belong to two workers."""
    media_port = phone.stats()["transports"][0]["pair"]["remote"]["port"]
    return world.relay.allocations()[0]["worker"] != media_port - WEBRTC_PORT


@pytest.mark.parametrize("wanted", [False, True], ids=["one", "two"])
def test_relay_and_media_port_on_workers(world, wanted):
    """The kernel chooses the worker of the relay."""
    alice = world.phone("alice")
    for _ in range(20):
        world.begin()
        alice.call(ANSWERS, **turn.only(UDP))
        calls.assert_transport(alice)
        if crosses(world, alice) == wanted:
            break
        alice.hangup()
        assert_released(world, alice)
    else:
        pytest.fail("the kernel never chose that")
    assert_sound(world, alice, UDP)
    alice.hangup()
    assert_released(world, alice)


@pytest.fixture
def one_worker(world):
    world.relay.restart(threads=1)
    world.begin()
    yield world
    world.relay.restart()
    world.begin()


def test_the_only_worker(one_worker):
    alice = one_worker.phone("alice")
    alice.call(ANSWERS, **turn.only(UDP))
    assert_sound(one_worker, alice, UDP)
    alice.hangup()
    assert_released(one_worker, alice)


@pytest.fixture
def reloads(world):
    yield world.relay
    world.relay.admin.undrain()
    world.relay.reload(world.relay_config())


def refusals(gathered):
    """The errors that the page was told of, when there was no candidate."""
    assert not gathered["candidates"], gathered
    return {error["errorCode"] for error in gathered["errors"]}


def test_call_outlives_reload_and_drain(world, reloads):
    alice = world.phone("alice")
    alice.call(ANSWERS, **turn.only(TLS))
    assert_sound(world, alice, TLS)

    reloads.reload(world.relay_config(static_auth_secret="another"))
    assert refusals(alice.gather(**turn.only(TLS))) == {401}
    assert alice.gather(**turn.only(TLS, secret="another"))["candidates"]
    reloads.admin.drain()
    assert refusals(alice.gather(**turn.only(TLS, secret="another"))) == {403}

    assert_sound(world, alice, TLS)
    alice.hangup()
    assert_released(world, alice)


def test_call_outlives_lifetime_and_nonce(world, reloads):
    """The browser renews both; it does so after half of the lifetime."""
    reloads.reload(world.relay_config(max_allocate_lifetime=4, stale_nonce=1))
    alice = world.phone("alice")
    alice.call(ANSWERS, **turn.only(UDP))
    assert_sound(world, alice, UDP)
    challenges = world.counted("turn_challenges_total")

    eventually(lambda: world.relay.allocations()[0]["age"] > 4, "4 s go by")
    assert_sound(world, alice, UDP)
    assert world.counted("turn_challenges_total") > challenges
    assert world.counted("turn_allocations_expired_total") == 0
    alice.hangup()
    assert_released(world, alice)


def wrong_password(server):
    return {**server, "credential": "guessed"}


def expired(server):
    return {**server, **turn.credentials("alice", valid_s=-60)}


@EACH_WAY
@pytest.mark.parametrize("spoil", [wrong_password, expired])
def test_wrong_credentials(world, way, spoil):
    alice = world.phone("alice")
    servers = [spoil(turn.server(way))]
    told = alice.gather(iceServers=servers, iceTransportPolicy="relay")
    assert refusals(told) == {401}
    assert told["errors"][0]["url"] == way.url()
    assert world.counted("turn_allocations_made_total") == 0


def test_wrong_certificate(world):
    """That the calls above verify it: by another name of the same server there is no candidate."""
    alice = world.phone("alice")
    assert refusals(alice.gather(**turn.only(TLS, host=PUBLIC))) == {701}
