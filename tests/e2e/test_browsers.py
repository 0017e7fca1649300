# SPDX-License-Identifier: Apache-2.0
"""Two browsers through the relay: encrypted on both sides."""

import pytest

from . import calls
from .processes import eventually
from .world import PUBLIC

ENOUGH_BITRATE = 600_000


def connect(world, bundlePolicy="balanced", **options):
    alice, bob = world.phone("alice"), world.phone("bob")
    alice.call("bob", bundlePolicy=bundlePolicy, **options)
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


def bitrate(phone):
    """What Chromium thinks it may send."""
    return max(t["pair"].get("bitrate", 0) for t in phone.stats()["transports"])


@pytest.mark.parametrize("bundle", ["balanced", "max-bundle"])
def test_audio_and_video(world, bundle):
    alice, bob = connect(world, video=True, bundlePolicy=bundle)
    for phone in (alice, bob):
        calls.assert_phone_sees(phone)
        # Starts at 300 kbit/s and grows by the other browser's feedback.
        eventually(lambda phone=phone: bitrate(phone) > ENOUGH_BITRATE,
                   lambda phone=phone: f"{phone.user} speeds up, but {phone.stats()}")
    assert_hear_each_other(alice, bob)

    alice.hangup()
    calls.assert_ended(bob)
    calls.assert_freed(world, alice)
