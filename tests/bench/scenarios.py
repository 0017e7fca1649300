# SPDX-License-Identifier: Apache-2.0
"""What is measured: a table of scenarios, each a generator of rows: their names and figures.

Peers go first, so that a scenario can load mediaferry with what the peer could just bear.
"""
import dataclasses
import time
from collections.abc import Callable
from functools import partial

from . import fleet, session
from .report import PEERS
from .session import AUDIO, RTP_HEADER, TALKERS

VIDEO = 1200 - RTP_HEADER   # a full packet of video
BEYOND = 1.5                # of the peer's highest rate: there must be no loss yet
STORM_PER_S = 200           # handshakes
SETTLE_S = 1                # until memory is counted: what is done with is freed a little later
HANDSHAKE_SETTLE_S = 12     # the same of handshakes, whose state is kept until no repetition is to be expected
VIDEO_PT = "pt=96"


@dataclasses.dataclass(frozen=True)
class Settings:
    rate: int = 50000           # packets/s in all
    streams: int = 300
    seconds: int = 4            # of a measurement
    step_seconds: int = 2       # of a step of the search for the highest rate
    is_searching: bool = True   # for the highest rate
    fine: float = 1.06          # how near the search comes to it
    calls: int = 2000           # for set-up and memory
    browsers: int = 2000
    many: tuple = (3000, 8000)  # streams
    idle: int = 4000            # allocations
    spoofed: int = 100000       # forged sources
    shared: int = 1000          # calls in Redis
    steady_seconds: int = 60    # in which each of them is written again
    # The scenarios in which XDP takes part: those of packets, not those of signalling.
    xdp: tuple = ("plain", "srtp", "webrtc", "video", "streams", "storm", "workers", "turn", "attack")
    is_searching_xdp: bool = True


FULL = Settings()
QUICK = dataclasses.replace(FULL, seconds=1, step_seconds=1, fine=1.2, calls=1000, browsers=400, many=(8000,),
                            idle=2000, spoofed=20000, shared=400, xdp=("plain", "srtp", "turn"), is_searching_xdp=False)


def _of_peer(bench, row, metric):
    """The best of the peers' figures, or None; the bare loop is no peer."""
    found = [figures[metric] for name, figures in bench.results.get(row, {}).items() if name in PEERS]
    return max(found, default=None)


def _limits(bench, kind, one, row, what):
    """The highest rate, and for mediaferry whether it loses nothing where the peer has long given up."""
    if not bench.settings.is_searching or (kind.is_xdp and not bench.settings.is_searching_xdp):
        return
    yield f"{row}-highest", one.highest(what)
    peer = _of_peer(bench, f"{row}-highest", "highest")
    if kind.is_ours and peer is not None:
        yield f"{row}-beyond", one.run(BEYOND * peer, bench.settings.seconds, what)


def plain(bench, kind):
    with session.media(bench, kind) as one:
        one.set_up("plain", bench.settings.streams)
        yield "plain", one.talk()
        for row, figures in _limits(bench, kind, one, "plain", AUDIO):
            yield row, figures
            if row == "plain-highest" and kind.name not in PEERS:
                yield "plain-saturated", one.run(BEYOND * figures["highest"], bench.settings.step_seconds, AUDIO)


def srtp(bench, kind):
    with session.media(bench, kind) as one:
        one.set_up("sdes", bench.settings.streams)
        yield "srtp-in", one.talk(sender="a")
        yield "srtp-out", one.talk(sender="b")
        yield from _limits(bench, kind, one, "srtp", AUDIO)


def webrtc(bench, kind):
    with session.media(bench, kind) as one:
        ready = one.set_up("webrtc", bench.settings.streams)
        yield "webrtc", {**one.talk(), "handshake_us": ready["handshake_us_p50"]}


def video(bench, kind):
    with session.media(bench, kind) as one:
        one.set_up("video", 20)
        yield "video", one.talk(rate=bench.settings.rate // 2, payload=f"{VIDEO} {VIDEO_PT}")


def streams(bench, kind):
    """The same rate from more and more of them, and 50 packets/s from each."""
    for count in (bench.settings.streams, *bench.settings.many):
        with session.media(bench, kind) as one:
            one.set_up("plain", count)
            yield f"streams-{count}", one.talk()
            if count <= 3000:
                yield f"streams-{count}-at-50", one.talk(rate=50 * count)


def storm(bench, kind):
    """Delay of media while browsers have their handshakes."""
    with session.media(bench, kind) as one:
        one.set_up("plain", bench.settings.streams)
        yield "storm-quiet", one.talk()
        lines = one.calls.set_up("webrtc", STORM_PER_S * bench.settings.seconds)
        yield "storm", one.storm(STORM_PER_S, lines[::2])


def workers(bench, kind):
    """Two workers with twice the load of one. Of little meaning with less than three processors."""
    for count in (1, 2):
        with session.media(bench, kind, workers=count) as one:
            one.set_up("plain", count * bench.settings.streams)
            yield f"workers-{count}", one.talk(rate=count * bench.settings.rate * 4 // 5)


class _Meter:
    """What a server uses from now on."""

    def __init__(self, one):
        self.one, self.memory, self.cpu = one, one.memory_kib(), one.cpu_ns()

    def cpu_us(self):
        return (self.one.cpu_ns() - self.cpu) / 1e3

    def grown_kib(self):
        return {name: now - self.memory[name] for name, now in self.one.memory_kib().items()}

    def memory_of_each(self, count, settle=SETTLE_S):
        """Of `count` things that were made since."""
        time.sleep(settle)
        return {"count": count, **{f"{name}_kib": kib / count for name, kib in self.grown_kib().items()}}


def _made(one, make, count):
    """What each of `count` things costs that `make(count)` makes."""
    make(10)  # what is made once is made now
    meter = _Meter(one)
    make(count)
    used = meter.cpu_us() / count
    return {"setup_us": used, "per_s": 1e6 / used, **meter.memory_of_each(count)}


def _browsers(one, count):
    """As _made(), with the handshakes told apart from offer and answer."""
    one.connect(one.calls.set_up("webrtc", 10))
    meter = _Meter(one)
    lines = one.calls.set_up("webrtc", count)
    signalled = meter.cpu_us() / count
    one.connect(lines)
    used = meter.cpu_us() / count
    return {"setup_us": signalled, "per_s": 1e6 / used, "handshake_cpu_us": used - signalled,
            **meter.memory_of_each(count, HANDSHAKE_SETTLE_S)}


def calls(bench, kind):
    """Offer and answer; with browsers also the ICE checks and the handshake."""
    for name in ("plain", "sdes"):
        with session.media(bench, kind) as one:
            yield f"calls-{name}", _made(one, partial(one.calls.set_up, name), bench.settings.calls)
    with session.media(bench, kind) as one:
        yield "calls-webrtc", _browsers(one, bench.settings.browsers)


def turn(bench, kind):
    with session.turn(bench, kind) as one:
        one.clients(bench.settings.streams)
        for method in ("channel", "indication"):
            for way in ("to-peer", "to-client"):
                yield f"{method}-{way}", one.talk(method, way)
        yield from _limits(bench, kind, one, "channel", f"{AUDIO + RTP_HEADER} channel both")


def allocations(bench, kind):
    """Allocations made and held, made with a channel, and made and given back."""
    with session.turn(bench, kind) as one:
        yield "allocations", _made(one, one.hold, bench.settings.idle)
        meter = _Meter(one)
        told = one.churn(bench.settings.seconds)
        yield "churn", {"churn_us": meter.cpu_us() / max(told["made"], 1), "churn_per_s": told["per_s"],
                        "repeated_percent": 100 * told["repeated"] / max(told["requests"], 1)}
    with session.turn(bench, kind) as one:
        yield "allocations-channel", _made(one, one.clients, bench.settings.idle)


def attack(bench, kind):
    """Requests of forged sources: what they cost and leave behind, and what the calls of others feel."""
    for name, is_signed in (("bare", 0), ("signed", 1)):
        with session.turn(bench, kind) as one:
            one.clients(10)
            meter = _Meter(one)
            one.spoof(bench.settings.spoofed, is_signed)
            time.sleep(SETTLE_S)
            yield f"spoofed-{name}", {"forged_us": meter.cpu_us() / bench.settings.spoofed,
                                      "grown_kib": meter.grown_kib()["rss"]}
    with session.turn(bench, kind) as one:
        one.clients(TALKERS)
        yield "flood-none", one.voice()
        yield "flood-1", one.voice_flooded(1)
        yield "flood-50000", one.voice_flooded(50000)


@dataclasses.dataclass(frozen=True)
class Scenario:
    measure: Callable
    side: str           # media or turn
    peers: tuple = ()   # beside mediaferry
    needs_redis: bool = False
    by_default: bool = True


SCENARIOS = {
    "plain": Scenario(plain, "media", ("bare loop", "rtpengine")),
    "srtp": Scenario(srtp, "media", ("rtpengine",)),
    "webrtc": Scenario(webrtc, "media", ("rtpengine",)),
    "video": Scenario(video, "media", ("rtpengine",)),
    "streams": Scenario(streams, "media"),
    "storm": Scenario(storm, "media", ("rtpengine",)),
    "workers": Scenario(workers, "media"),
    "calls": Scenario(calls, "media", ("rtpengine",)),
    "turn": Scenario(turn, "turn", ("coturn",)),
    "allocations": Scenario(allocations, "turn", ("coturn",)),
    "attack": Scenario(attack, "turn", ("coturn",)),
    "fleet": Scenario(fleet.fleet, "media", ("rtpengine",), needs_redis=True),
    "fleet-steady": Scenario(fleet.steady, "media", ("rtpengine",), needs_redis=True, by_default=False),
}
