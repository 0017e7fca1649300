# SPDX-License-Identifier: Apache-2.0
"""What it costs to share calls through Redis, and how long a takeover takes.

Everything is measured without Redis too: what sharing costs is the difference.
"""
import contextlib
import re
import signal
import time
from functools import partial

from . import measure, net, redis, servers, session
from .measure import BenchError
from .session import AUDIO

SETTLE_S = 0.5    # for what a server does after its last reply, where no Redis tells that it is done
JOIN_S = 10
LEASE_S, DOUBT_S = 3, 2   # a node takes none for dead that was not away so long after the node itself began
TALK_S, TAKEOVER_S = 2, 10  # before the kill; all in all
PACKETS_PER_S = 25        # that each phone of a takeover sends: how exact a gap is
ALONE_S = 10              # that silent calls are watched of which nothing is written
EVER_S = 3600             # that silent calls live


@contextlib.contextmanager
def _sharing(bench, is_sharing):
    """A Redis, or None."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(redis.running(bench.load_side, bench.redis_cpus)) if is_sharing else None


def _wait_joined(server):
    """Its log says so; that of a peer need not."""
    deadline = time.monotonic() + JOIN_S
    while server.kind.is_ours and "event=fleet-joined" not in server.said():
        if time.monotonic() > deadline:
            raise BenchError(f"the server does not come to share its calls: {server.said()[-500:].strip()}")
        time.sleep(0.05)


class _Sharer:
    """A server that shares its calls, or does not, and the meters of both it and Redis."""

    def __init__(self, one, found):
        self.one, self.redis = one, found
        if found:
            _wait_joined(one.server)
        self.since()

    def settle(self):
        if self.redis:
            self.redis.wait_quiet()
        else:
            time.sleep(SETTLE_S)

    def since(self):
        """From now on."""
        self.began, self.cpu = time.monotonic(), self.one.cpu_ns()
        self.asked = self.redis and self.redis.account()

    def cpu_us(self, count):
        """That it has used for each of so many."""
        return (self.one.cpu_ns() - self.cpu) / 1e3 / count

    def of_redis(self, count):
        """What Redis was asked for each of so many."""
        if not self.redis:
            return {}
        asked = self.redis.account() - self.asked
        return {"redis_commands": asked.commands / count, "redis_bytes": asked.bytes / count,
                "redis_us": asked.cpu_ns / 1e3 / count}

    def of_time(self):
        """What both have used in each second."""
        seconds = time.monotonic() - self.began
        used = {"idle_percent": self.cpu_us(seconds) / 1e4}
        if self.redis:
            told = self.of_redis(seconds)
            used |= {"redis_commands_per_s": told["redis_commands"], "redis_kb_per_s": told["redis_bytes"] / 1e3,
                     "redis_percent": told["redis_us"] / 1e4}
        return used


@contextlib.contextmanager
def _sharer(bench, kind, is_sharing, *options):
    with _sharing(bench, is_sharing) as found, \
            session.media(bench, kind, options=[*options, *([found.option] if found else [])]) as one:
        yield _Sharer(one, found)


def _timed(name, ask, calls):
    """Asks for each call; percentiles of the time to the reply."""
    took = []
    for call in calls:
        began = time.perf_counter()
        ask(call)
        took.append(1e6 * (time.perf_counter() - began))
    return {f"{name}_p50_us": measure.percentile(took, 50), f"{name}_p99_us": measure.percentile(took, 99)}


def _lives(sharer, name, count):
    """Calls that are all offered, then all answered, as somebody has to pick up the telephone; and hung up."""
    one, ng = sharer.one, sharer.one.server.ng
    one.connect(one.calls.set_up(name, 10))
    sharer.settle()
    calls = one.calls.new(name, count)
    sharer.since()
    figures = _timed("offer", lambda call: call.offer(ng), calls)
    figures |= _timed("answer", lambda call: call.answer(ng), calls)
    sharer.settle()
    figures["setup_us"] = sharer.cpu_us(count)
    one.connect([line for call in calls for line in call.lines()])
    sharer.settle()
    if name == "webrtc":
        figures["handshake_cpu_us"] = sharer.cpu_us(count) - figures["setup_us"]
    figures |= sharer.of_redis(count)
    sharer.since()
    one.calls.delete(count)
    sharer.settle()
    return {**figures, "delete_us": sharer.cpu_us(count)}


def adopted(said):
    """(records, ms) of all that the log tells to be taken over."""
    found = [tuple(map(int, pair)) for pair in re.findall(r"event=taken-over node=\S+ records=(\d+) ms=(\d+)", said)]
    return sum(records for records, _ in found), sum(ms for _, ms in found)


def gaps(told, lease_left_ms):
    """What the phones have heard, or rather not. `beyond` the end of the lease, before which nobody may do anything."""
    gap = told["gap_us"]
    if gap["silent"]:
        raise BenchError(f"{gap['silent']} of {gap['flows']} phones hear nothing after the takeover")
    longest = gap["max"] / 1e3
    if longest < lease_left_ms:
        raise BenchError(f"the load was late: a gap of {longest:.0f} ms, but the lease had {lease_left_ms} ms left")
    return {"gap_p50_ms": gap["p50"] / 1e3, "gap_max_ms": longest, "gap_beyond_ms": longest - lease_left_ms}


def _kill_and_move(one, found, address, to, rate):
    """Phones talk, their node dies, its address comes to the other; what they have heard."""
    one.load.tell(f"run {rate} {TAKEOVER_S} {AUDIO} from=b")
    time.sleep(TALK_S)
    one.server.kill()
    lease_left_ms = int(found.ask("pttl mediaferry:lease:a"))
    address.move(to, net.STANDBY)
    return gaps(one.load.reply(TAKEOVER_S + 30), lease_left_ms)


def _takeover(bench, kind):
    """Half of the calls are of browsers, whose keys and ICE go on."""
    count = bench.settings.shared
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(_sharing(bench, True))
        spare = stack.enter_context(net.standby(bench.load_side))
        address = net.MovingAddress(bench.load_side)
        address.move(bench.server_side, net.SERVER)
        stack.callback(address.move, None, None)
        start = partial(servers.media_server, spare, kind, bench.server_cpus(1), address=net.MOVING)
        other = stack.enter_context(start(options=[found.option, "--node-name=b"]))
        _wait_joined(other)
        joined = time.monotonic()
        one = stack.enter_context(session.media(bench, kind, address=net.MOVING, ends_with=-signal.SIGKILL,
                                                options=[found.option, "--node-name=a"]))
        _wait_joined(one.server)
        one.connect(one.calls.set_up("plain", count // 2) + one.calls.set_up("webrtc", count - count // 2))
        found.wait_quiet()
        time.sleep(max(0, joined + LEASE_S + DOUBT_S - time.monotonic()))
        rate = min(bench.settings.rate, PACKETS_PER_S * count)
        figures = _kill_and_move(one, found, address, spare, rate)
        records, ms = adopted(other.said())
        if records != count:
            raise BenchError(f"{records} of {count} calls were taken over: {other.said()[-500:].strip()}")
        return {**figures, "takeover_ms": ms, "taken": records}


def fleet(bench, kind):
    """The whole of a call with and without Redis; a takeover."""
    for name, count in (("plain", bench.settings.shared), ("webrtc", bench.settings.shared // 2)):
        for row, is_sharing in ((f"fleet-{name}-alone", False), (f"fleet-{name}", True)):
            with _sharer(bench, kind, is_sharing) as sharer:
                yield row, _lives(sharer, name, count)
    if kind.is_ours:
        yield "fleet-takeover", _takeover(bench, kind)


def steady(bench, kind):
    """Calls that are there, all of them silent, for as long as it takes to write each of them again once."""
    for row, is_sharing in (("fleet-steady-alone", False), ("fleet-steady", True)):
        with _sharer(bench, kind, is_sharing, f"--timeout={EVER_S}", f"--silent-timeout={EVER_S}") as sharer:
            sharer.one.connect(sharer.one.calls.set_up("plain", bench.settings.shared))
            sharer.settle()
            sharer.since()
            time.sleep(bench.settings.steady_seconds if is_sharing else ALONE_S)
            yield row, sharer.of_time()
