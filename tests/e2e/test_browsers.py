# SPDX-License-Identifier: Apache-2.0
"""Two browsers through the relay: encrypted on both sides."""

from . import calls
from .processes import eventually
from .world import PUBLIC

ENOUGH_FRAMES = 20


def connect(world, **options):
    alice, bob = world.phone("alice"), world.phone("bob")
    alice.call("bob", **options)
    calls.assert_rings(bob)
    bob.answer(**options)
    return alice, bob


def assert_hear_each_other(alice, bob):
    calls.assert_phone_hears(alice, bob.hz)
    calls.assert_phone_hears(bob, alice.hz)
    for phone in (alice, bob):
        calls.assert_transport(phone, remote=PUBLIC)
        calls.assert_browser_lost_nothing(phone)


def test_audio(world):
    alice, bob = connect(world)
    assert_hear_each_other(alice, bob)

    bob.hangup()
    calls.assert_ended(alice)
    calls.assert_freed(world, alice)


def frames_decoded(phone):
    return sum(s.get("framesDecoded", 0) for s in phone.stats()["inbound"] if s["kind"] == "video")


def test_audio_and_video(world):
    alice, bob = connect(world, video=True)
    for phone in (alice, bob):
        eventually(lambda phone=phone: frames_decoded(phone) > ENOUGH_FRAMES,
                   lambda phone=phone: f"{phone.user} sees, but {phone.stats()}", timeout=15)
    assert_hear_each_other(alice, bob)

    alice.hangup()
    calls.assert_ended(bob)
    calls.assert_freed(world, alice)
