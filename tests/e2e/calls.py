# SPDX-License-Identifier: Apache-2.0
"""What every scenario asks of a call: sound on each side, no loss, nothing left afterwards."""

import time

from . import rtp, tones
from .processes import eventually
from .world import INSIDE

# A tone must keep on for this long before it counts as heard.
STEADY_S = 1.0
AUDIBLE_DB = -60
FFT_TOLERANCE_HZ = 15
ENOUGH_FRAMES = 20
MOST_LATE_PACKETS = 5


def hears(phone, hz):
    """Whether the phone's page hears that tone, above all others, just now."""
    heard = phone.hear()
    return (heard["hz"] is not None and heard["db"] > AUDIBLE_DB
            and abs(heard["hz"] - hz) < FFT_TOLERANCE_HZ)


def leg_packets(world, pbx, seconds=STEADY_S):
    """The RTP packets the PBX received in the last `seconds`."""
    recent = world.wire.since(time.monotonic() - seconds)
    return rtp.received(recent, pbx.address)


def pbx_hears(world, pbx, hz):
    samples = rtp.sound(leg_packets(world, pbx))
    return (len(samples) > 0.8 * STEADY_S * tones.RATE
            and tones.loudness(samples) > 300 and tones.share(samples, hz) > 0.9)


def _describe_leg(world, pbx):
    samples = rtp.sound(leg_packets(world, pbx))
    shares = {hz: round(tones.share(samples, hz), 2) for hz in (520, 670, 850)}
    return f"{len(samples)} samples, loudness {tones.loudness(samples):.0f}, shares {shares}"


def assert_phone_hears(phone, hz, timeout=10):
    """The tone is heard, and heard again a while later."""
    for _ in range(2):
        eventually(lambda: hears(phone, hz),
                   lambda: f"{phone.user} hears {hz} Hz, but {phone.hear()}, {phone.stats()}",
                   timeout)
        time.sleep(STEADY_S / 2)


def assert_pbx_hears(world, pbx, hz, timeout=10):
    eventually(lambda: pbx_hears(world, pbx, hz),
               lambda: f"{pbx.name} hears {hz} Hz, but {_describe_leg(world, pbx)}", timeout)


def frames_decoded(phone):
    return sum(s.get("framesDecoded", 0) for s in phone.stats()["inbound"] if s["kind"] == "video")


def assert_phone_sees(phone):
    eventually(lambda: frames_decoded(phone) > ENOUGH_FRAMES,
               lambda: f"{phone.user} sees, but {phone.stats()}", timeout=15)


def assert_talking(world, phone, pbx=None):
    """Both ends of a call between a browser and the PBX hear each other."""
    pbx = pbx or world.pbx
    assert_phone_hears(phone, pbx.hz)
    assert_pbx_hears(world, pbx, phone.hz)


def assert_silent(world, phone, pbx=None):
    """Neither end hears the other, and it stays so."""
    pbx = pbx or world.pbx
    for _ in range(2):
        eventually(lambda: not hears(phone, pbx.hz), f"{phone.user} hears no PBX")
        eventually(lambda: tones.loudness(rtp.sound(leg_packets(world, pbx))) < 50,
                   f"{pbx.name} hears nothing")
        time.sleep(STEADY_S / 2)


def assert_transport(phone, remote=None):
    """Every transport of the phone is encrypted and has a working pair."""
    def connected():
        transports = phone.stats()["transports"]
        return transports and all(
            t["dtlsState"] == "connected" and t["pair"] and t["pair"]["works"]
            for t in transports)
    eventually(connected, lambda: f"transports connected, but {phone.stats()['transports']}")
    if remote:
        for transport in phone.stats()["transports"]:
            assert transport["pair"]["remote"]["address"] == remote


def late_packets(world):
    """How many packets the relay kept back because a party went on with its voice for a
    moment after the hold was agreed: on a busy machine some do."""
    counted = world.dropped("not_sending") + world.dropped("not_receiving")
    assert counted <= MOST_LATE_PACKETS, f"{counted} packets came while on hold"
    return counted


def assert_browser_lost_nothing(phone, at_least=40, but=0):
    for stream in phone.stats()["inbound"]:
        if stream["packetsReceived"] == 0:
            continue
        assert stream["packetsReceived"] >= at_least, stream
        assert stream["packetsLost"] <= but, stream


def assert_pbx_lost_nothing(world, pbx=None, at_least=40, but=0):
    packets = rtp.received(world.wire.since(world.mark), (pbx or world.pbx).address)
    assert len(packets) >= at_least
    assert rtp.lost(packets) <= but, "sequence numbers missing at the PBX"
    assert not any(p.has_extension for p in packets), "header extension sent to the PBX"


def assert_clean(world, phone, pbx=None, remote=None, but=0):
    """Nothing is lost, `but` so many packets at most."""
    assert_transport(phone, remote)
    assert_browser_lost_nothing(phone, but=but)
    assert_pbx_lost_nothing(world, pbx, but=but)


def pbx_calls(world, phone, **options):
    """The PBX calls and the phone's user picks up."""
    world.pbx.dial(f"sip:{phone.user}@{INSIDE}")
    assert_rings(phone)
    phone.answer(**options)


def assert_rings(phone):
    eventually(lambda: phone.saw("new") == "remote", f"{phone.user} rings")


def assert_ended(phone, event="ended"):
    """The call is over; gives who ended it and why."""
    eventually(lambda: phone.saw(event), lambda: f"{event}, but {phone.history()['events']}")
    return phone.saw(event)


def invites(world):
    """The INVITEs between Kamailio and the PBXes."""
    sip = [d for d in world.wire.since(world.mark) if d.is_sip]
    return [d for d in sip if d.payload.startswith(b"INVITE ")]


def assert_freed(world, phone=None):
    """The relay knows no call and holds no port any more."""
    eventually(lambda: not world.relay.calls(), lambda: f"no calls, but {world.relay.calls()}")
    eventually(lambda: not world.relay.open_ports(),
               lambda: f"ports freed, but {world.relay.open_ports()}")
    if phone:
        reply = world.relay.query(phone.history()["callId"])
        assert reply["result"] == "error", reply
