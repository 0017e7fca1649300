# SPDX-License-Identifier: Apache-2.0
"""A server, a load against it, and what is asked of both."""
import contextlib
import pathlib
import time

from . import measure, net, servers
from .calls import FIRST_PORT, Calls

SET_UP_S = 120
AUDIO = 160  # bytes of 20 ms of G.711, after the RTP header
RTP_HEADER = 12
TALKERS, VOICE = 50, 50  # who feel an attack, and what each of them says: packets/s


class Session:
    """What every session can do: measure one rate, or look for the highest."""

    def __init__(self, bench, server, load):
        self.bench, self.server, self.load, self.settings = bench, server, load, bench.settings

    def cpu_ns(self):
        return measure.cpu_ns(self.server.pid)

    def memory_kib(self):
        return measure.memory_kib(self.server.pid)

    def run(self, rate, seconds, what):
        """`what`: the words of the load's command after its rate and time."""
        return measure.run(self.load, self.server.pid, f"run {rate:.0f} {seconds} {what}", seconds)

    def highest(self, what):
        seconds = self.settings.step_seconds
        return measure.highest(lambda rate: self.run(rate, seconds, what), self.settings.rate, self.settings.fine)


class MediaSession(Session):
    """Calls on a media server; on the bare loop flows that come back to their senders."""

    def __init__(self, bench, server, load):
        super().__init__(bench, server, load)
        self.calls = Calls(server.ng, load.ask("fingerprint")["fingerprint"])

    def set_up(self, kind, streams):
        """Streams that talk to each other in pairs, ready to be measured."""
        if self.server.ng is None:
            lines = [f"flow a{n} {net.LOAD} {FIRST_PORT + n} {net.SERVER} {servers.BARE_PORT + n} plain"
                     for n in range(streams)]
        else:
            lines = self.calls.set_up(kind, streams // 2)
        return self.connect(lines)

    def connect(self, lines):
        self.load.tell(*lines)
        return self.load.ask("ready?", SET_UP_S)

    def talk(self, rate=None, payload=AUDIO, sender=None):
        """A steady load; `sender` a or b: only the phones of that name speak."""
        what = f"{payload} from={sender}" if sender else str(payload)
        return self.run(rate or self.settings.rate, self.settings.seconds, what)

    def storm(self, per_second, lines):
        """A steady load while these flows have their handshakes."""
        path = pathlib.Path(self.bench.folder) / "storm"
        path.write_text("".join(f"{line}\n" for line in lines))
        self.load.tell(f"storm {per_second} {self.settings.seconds} {path}")
        return self.talk()


class TurnSession(Session):
    """TURN clients and their peers."""

    def clients(self, count):
        """Allocations with a permission and a channel, ready to be measured."""
        return self.load.ask(f"clients {count}", SET_UP_S)

    def hold(self, count):
        """Idle allocations."""
        return self.load.ask(f"hold {count}", SET_UP_S)

    def churn(self, seconds):
        """Allocations that are given back as soon as they are made."""
        return self.load.ask(f"churn 256 {seconds}", seconds + SET_UP_S)

    def spoof(self, count, is_signed):
        """One Allocate from each of `count` sources that do not hear the answer."""
        return self.load.ask(f"spoof {count} 40000 {is_signed}", SET_UP_S)

    def talk(self, method, way):
        """A steady load; `method`: channel or indication, `way`: to-peer, to-client or both."""
        return self.run(self.settings.rate, self.settings.seconds, f"{AUDIO + RTP_HEADER} {method} {way}")

    def voice(self):
        """Of TALKERS clients; with a flood beside it, what the server uses tells nothing of a packet."""
        figures = self.run(TALKERS * VOICE, self.settings.seconds, f"{AUDIO + RTP_HEADER} channel both")
        del figures["us_per_packet"], figures["busy_percent"]
        return figures

    def voice_flooded(self, sources):
        """The same while somebody floods the server with requests from so many sources."""
        with turn_load(self.bench) as flood:
            flood.tell(f"flood {sources} {self.settings.seconds + 1}")
            time.sleep(0.5)
            figures = self.voice()
            return {**figures, "flood_per_s": flood.reply()["per_s"]}


@contextlib.contextmanager
def _load(bench, *words):
    load = measure.Load(bench.load_side, bench.load_cpus, [bench.load_program, *words])
    try:
        yield load
    except BaseException:
        load.close()
        raise
    if (code := load.close()) != 0:
        raise measure.BenchError(f"the load has ended with {code}")


@contextlib.contextmanager
def media(bench, kind, workers=1, **how):
    """`how`: address, options and end of servers.media_server()."""
    with servers.media_server(bench.server_side, kind, bench.server_cpus(workers), workers, **how) as server, \
            _load(bench, "media") as load:
        yield MediaSession(bench, server, load)


@contextlib.contextmanager
def turn(bench, kind):
    with servers.turn_server(bench.server_side, kind, bench.server_cpus(1)) as server, turn_load(bench) as load:
        load.ask("ready?")
        yield TurnSession(bench, server, load)


def turn_load(bench):
    """One more load against the same server, of clients that it has not seen."""
    bench.first_client += 200000
    return _load(bench, "turn", net.SERVER, servers.TURN_PORT, net.LOAD, bench.first_client)
