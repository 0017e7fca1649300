# SPDX-License-Identifier: Apache-2.0
"""What a server uses, and what the load tells of its packets."""
import json
import math
import pathlib
import select
import statistics
import subprocess
import time

LOST_PERCENT_MAX = 0.1  # of a rate that still counts as "without loss"
IDLE_PERCENT = 70       # a server that is less busy than this has not reached its limit
LOWEST_RATE = 100       # packets/s at which the search gives up


class BenchError(Exception):
    """Something that was to be measured could not be."""


def _of_threads(pid, read):
    """The sum of what `read` finds in the folder of each thread."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += read(task)
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread has just ended
    return total


def cpu_ns(pid):
    """Processor time of all threads. The scheduler's own account: the times in /proc/PID/stat have ticks of 10 ms."""
    return _of_threads(pid, lambda task: int((task / "schedstat").read_text().split()[0]))


def wakeups(pid):
    """How often its threads have waited for something."""
    return _of_threads(pid, lambda task: int(
        (task / "status").read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0]))


def kernel_datagrams(pid):
    """How many have come to sockets of its network namespace."""
    names, values = (line.split()[1:] for line in pathlib.Path(f"/proc/{pid}/net/snmp").read_text().splitlines()
                     if line.startswith("Udp: "))
    return int(values[names.index("InDatagrams")])


def memory_kib(pid):
    """Resident memory, and this process's share of it (Pss)."""
    fields = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, value = line.partition(":")
        fields[name] = int(value.split()[0])
    return {"rss": fields["Rss"], "pss": fields["Pss"]}


class Load:
    """mediaferry-load: a line of command in, a line of JSON out."""

    def __init__(self, namespace, cpus, command):
        self.process = namespace.start(command, cpus, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._rest = b""

    def tell(self, *lines):
        try:
            self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        except BrokenPipeError as error:
            raise BenchError(f"the load has ended: {self._last_words()}") from error

    def reply(self, seconds=30):
        """Its next line; an error that it reports is raised."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise BenchError(f"the load says nothing for {seconds} s")
            piece = self.process.stdout.read(65536)
            if not piece:
                raise BenchError(f"the load has ended: {self._last_words()}")
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        told = json.loads(line)
        if "error" in told:
            raise BenchError(f"load: {told['error']}")
        return told

    def ask(self, line, seconds=30):
        self.tell(line)
        return self.reply(seconds)

    def _last_words(self):
        return (self._rest or b"without a word").decode(errors="replace").strip()

    def close(self):
        """Ends it; returns its exit code."""
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        return self.process.returncode


def run(load, pid, command, seconds):
    """One measurement: the load's figures and the server's processor time for each packet that came through."""
    cpu, waited, by_kernel = cpu_ns(pid), wakeups(pid), kernel_datagrams(pid)
    told = load.ask(command, seconds + 30)
    found = figures(told, cpu_ns(pid) - cpu)
    sent = max(told["all_sent"], 1)
    return {**found, "wakeups_per_packet": (wakeups(pid) - waited) / sent,
            "by_kernel_percent": 100 * (kernel_datagrams(pid) - by_kernel) / sent}


def figures(told, used_ns):
    """What the load's own sockets have dropped is no loss of the server. Its processor time is that of the whole
    command, with packets before and after the ones that are counted."""
    lost = max(told["lost"] - told["own_drops"], 0)
    us_per_packet = used_ns / 1e3 / max(told["all_sent"] - lost, 1)
    through = (told["sent"] - lost) / told["seconds"]
    return {
        "us_per_packet": us_per_packet,
        "lost_percent": 100 * lost / max(told["sent"], 1),
        "sent_per_s": told["sent"] / told["seconds"],
        "packets_per_s": through,
        "busy_percent": us_per_packet * through / 1e4,
        **{f"{name}_us": value for name, value in told["delay_us"].items()},
        **{name: told[name] for name in ("duplicates", "wrong", "own_drops", "late_us_p99")},
        **{f"handshakes_{name}": told["storm"][name] for name in ("done", "failed") if "storm" in told},
    }


def holds(figure):
    return figure["lost_percent"] <= LOST_PERCENT_MAX


def is_short(figure, rate):
    """Whether the load itself could not send that much."""
    return figure["sent_per_s"] < 0.97 * rate


def _attempt(attempt, rate):
    """Once more when packets are lost though the server has time left: something else was in the way."""
    figure = attempt(rate)
    if not holds(figure) and figure["busy_percent"] < IDLE_PERCENT:
        figure = attempt(rate)
    return figure


def highest(attempt, start, fine):
    """The highest rate without loss: doubling, then bisecting, until the next higher rate that was too much is nearer
    than the factor `fine`. `attempt(rate)` gives figures.

    Returns the figures of the best attempt. `at_least` is 1 when the load gave out before the server did: it could not
    send more, or more got lost while the server had time left."""
    good, bad, rate, busy = None, None, start, 100
    while bad is None or good is None or bad / good[0] > fine:
        figure = _attempt(attempt, rate)
        if holds(figure):
            good = (rate, figure)
            if is_short(figure, rate):
                break
        else:
            bad, busy = rate, figure["busy_percent"]
        if bad is None:
            rate *= 2
        elif good is None:
            rate /= 2
            if rate < LOWEST_RATE:
                raise BenchError(f"loses packets even at {bad:.0f}/s")
        else:
            rate = math.sqrt(good[0] * bad)
    rate, figure = good
    at_least = is_short(figure, rate) or busy < IDLE_PERCENT
    return {**figure, "highest": figure["packets_per_s"], "at_least": int(at_least)}


def percentile(values, percent):
    """The smallest of them that so many of them do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def medians(rounds):
    """{row: {server: {metric: value}}} of several rounds as one, with the median of each number."""
    merged = {}
    for one in rounds:
        for row, servers in one.items():
            for server, metrics in servers.items():
                for metric, value in metrics.items():
                    merged.setdefault(row, {}).setdefault(server, {}).setdefault(metric, []).append(value)
    return {row: {server: {metric: statistics.median(values) for metric, values in metrics.items()}
                  for server, metrics in servers.items()} for row, servers in merged.items()}
