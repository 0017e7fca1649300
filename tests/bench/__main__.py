# SPDX-License-Identifier: Apache-2.0
"""mediaferry-bench: measures mediaferry beside Debian's rtpengine and coturn under the same loads.

Each server runs in a network namespace on one processor, the load in another namespace on another one, a veth pair
between them. Needs root. Read the ratios, not the numbers: machines differ and are noisy.
"""
import argparse
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import signal
import sys
import tempfile
import time

from . import chart, measure, net, redis, report, scenarios, servers
from .measure import BenchError


BY_KERNEL_MAX = 5  # percent of the packets: XDP is what is measured under its name


class Bench:
    """Where it is measured, with what, and what was found: results[row][server][metric]."""

    def __init__(self, settings, load_program, folder, namespaces):
        self.settings, self.load_program, self.folder = settings, load_program, folder
        self.server_side, self.load_side = namespaces
        self.first_client = 0
        self.results, self.failures, self.is_interrupted = {}, [], False
        self._cpus = sorted(os.sched_getaffinity(0))

    def server_cpus(self, workers):
        return set(self._cpus[:workers])

    @property
    def load_cpus(self):
        """Those that no server needs; of two, the second."""
        return {self._cpus[-1]}

    @property
    def redis_cpus(self):
        """Those between both; of two, that of the load."""
        return set(self._cpus[1:-1]) or self.load_cpus

    def measure(self, name, kind):
        """One scenario on one server. A peer may try twice: rtpengine may not recover when it was kept waiting long."""
        started = time.monotonic()
        why = self._try(name, kind)
        if why and not kind.is_ours:
            why = self._try(name, kind)
        if why:
            self.failures.append((name, kind.name, why))
        told = f"FAILED: {why}" if why else f"{time.monotonic() - started:.0f} s"
        print(f"{name}: {kind.name}: {told}", file=sys.stderr, flush=True)

    def _try(self, name, kind):
        """Why it failed; empty when it did not."""
        try:
            for row, figures in scenarios.SCENARIOS[name].measure(self, kind):
                if kind.is_xdp and figures.get("by_kernel_percent", 0) > BY_KERNEL_MAX:
                    raise BenchError(f"{row}: {figures['by_kernel_percent']:.0f} % of the packets took sockets")
                self.results.setdefault(row, {})[kind.name] = figures
        except (BenchError, OSError) as error:
            return str(error) or type(error).__name__
        return ""


def measure_round(bench, names, ours, peers):
    """All scenarios once; the peers of each go first."""
    bench.results = {}
    for name in names:
        wanted = scenarios.SCENARIOS[name].peers
        for kind in (*(kind for kind in peers if kind.name in wanted), *ours):
            if not kind.is_xdp or name in bench.settings.xdp:
                bench.measure(name, kind)


def measure_all(bench, names, ours, peers, rounds):
    """The medians of so many rounds; of what there is when it is interrupted."""
    done = []
    try:
        for number in range(rounds):
            measure_round(bench, names, ours, peers)
            done.append(bench.results)
            if rounds > 1:
                print(f"round {number + 1} of {rounds} is done", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        bench.is_interrupted = True
        done.append(bench.results)
    return report.complete(measure.medians(done))


def find_load(program):
    """mediaferry-load beside the program in its build directory, or where it is installed."""
    folder = pathlib.Path(program).resolve().parent
    for path in (folder / "mediaferry-load", folder / "tests/bench/load/mediaferry-load",
                 folder.parent / "libexec/mediaferry/mediaferry-load"):
        if path.exists():
            return path
    return None


def find_mediaferry():
    """That of the same build or installation as this package."""
    here = pathlib.Path(__file__).resolve().parents[2]
    candidates = [here / "build/mediaferry", here.parent / "bin/mediaferry", pathlib.Path("/usr/bin/mediaferry")]
    return next((path for path in candidates if path.exists()), candidates[0])


def variants(texts, program):
    """Each `NAME:OPTIONS`, or `NAME:PROGRAM OPTIONS`, as a server."""
    for text in texts:
        name, mark, words = text.partition(":")
        options = words.split()
        if not name or not mark:
            raise SystemExit(f"mediaferry-bench: --compare={text}: NAME:OPTIONS is wanted")
        own = options.pop(0) if options and not options[0].startswith("-") else program
        yield servers.mediaferry(name, own, options)


def machine():
    model = next((line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    version = ".".join(platform.release().split(".")[:2])
    return f"{model}, {os.cpu_count()} processors, Linux {version}"


def names_of(only):
    """The scenarios that are meant."""
    if only == "all":
        return list(scenarios.SCENARIOS)
    given = [name for name in only.split(",") if name]
    return given or [name for name, one in scenarios.SCENARIOS.items() if one.by_default]


def parse():
    parser = argparse.ArgumentParser(prog="mediaferry-bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter and rougher: two minutes instead of fifteen")
    parser.add_argument("--only", default="", help=f"of {', '.join(scenarios.SCENARIOS)}; all: all of them. "
                        "Without it: those that do not take long for what they tell")
    parser.add_argument("--rounds", type=int, default=1, help="medians of so many (1)")
    parser.add_argument("--no-peers", action="store_true", help="mediaferry and its variants only")
    parser.add_argument("--no-xdp", action="store_true", help="mediaferry by sockets only, not by XDP too")
    parser.add_argument("--compare", action="append", default=[], metavar="NAME:OPTIONS",
                        help="mediaferry once more, with these options; a first word that is no option is the program")
    parser.add_argument("--mediaferry", default=str(find_mediaferry()), help="the program to measure")
    parser.add_argument("--options", default="", help="for mediaferry")
    parser.add_argument("--load", help="mediaferry-load; else it is looked for beside mediaferry")
    parser.add_argument("--rate", type=int, help=f"packets/s in all ({scenarios.FULL.rate})")
    parser.add_argument("--streams", type=int, help=f"({scenarios.FULL.streams})")
    parser.add_argument("--calls", type=int, help="of the scenarios that set up many calls")
    parser.add_argument("--seconds", type=int, help=f"of each measurement ({scenarios.FULL.seconds})")
    parser.add_argument("--no-search", action="store_true", help="do not look for the highest rates")
    parser.add_argument("--json", metavar="FILE", help="writes all figures")
    parser.add_argument("--svg", metavar="FILE", help="draws a chart")
    parser.add_argument("--docs", metavar="PAGE", help="rewrites the tables of this page, and the chart beside it")
    parser.add_argument("--strict", action="store_true", help="ends with 1 when a bar is not met")
    options = parser.parse_args()
    options.names = names_of(options.only)
    if unknown := set(options.names) - set(scenarios.SCENARIOS):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    check_files(parser, options)
    return options


def check_files(parser, options):
    """Before many minutes are spent: whether what they give can be written."""
    try:
        for name in filter(None, (options.json, options.svg)):
            pathlib.Path(name).touch()
        if options.docs:
            report.put_into_page(pathlib.Path(options.docs).read_text(), "")
    except (OSError, ValueError) as error:
        parser.error(str(error))


def version_of(kind):
    uses = " and ".join(kind.uses.values())
    return f"{kind.version} ({uses})" if uses else kind.version


def settings_of(options):
    given = {"rate": options.rate, "streams": options.streams, "seconds": options.seconds,
             "calls": options.calls, "browsers": options.calls, "shared": options.calls,
             "is_searching": False if options.no_search else None}
    return dataclasses.replace(scenarios.QUICK if options.quick else scenarios.FULL,
                               **{name: value for name, value in given.items() if value is not None})


def take_part(options, folder, load_program, settings):
    """The servers: (ours, peers)."""
    own = options.options.split()
    ours = [servers.mediaferry(report.OURS, options.mediaferry, own)]
    if not options.no_xdp:
        ours.append(servers.mediaferry_xdp(report.XDP, options.mediaferry, own))
    ours += variants(options.compare, options.mediaferry)
    peers = [servers.bare(load_program, settings.streams)]
    if not options.no_peers:
        peers += filter(None, (servers.rtpengine(), servers.coturn(folder)))
    return ours, peers


def leave_out(bench, ours):
    """Takes those servers away that cannot be measured here: {name: why}."""
    found = {}
    for kind in [kind for kind in ours if kind.is_xdp]:
        if why := servers.why_not_xdp(bench.server_side, kind, bench.server_cpus(1)):
            ours.remove(kind)
            found[kind.name] = why
            print(f"{kind.name} is not measured: {why}", file=sys.stderr, flush=True)
    return found


def leave_out_scenarios(names):
    """Those that need what is not installed: {name: why}."""
    if redis.is_installed():
        return {}
    found = {name: "redis-server is not installed" for name in names if scenarios.SCENARIOS[name].needs_redis}
    for name, why in found.items():
        names.remove(name)
        print(f"{name} is not measured: {why}", file=sys.stderr, flush=True)
    return found


def write(options, made):
    print(report.as_text(made["results"]))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(made, indent=1) + "\n")
    if options.svg:
        pathlib.Path(options.svg).write_text(chart.as_svg(made))
    if options.docs and not made["interrupted"]:
        page = pathlib.Path(options.docs)
        page.write_text(report.put_into_page(page.read_text(), report.as_markdown(made)))
        page.with_suffix(".svg").write_text(chart.as_svg(made))


def run(options):
    load_program = options.load or find_load(options.mediaferry)
    if load_program is None:
        raise SystemExit(f"mediaferry-bench: no mediaferry-load beside {options.mediaferry}; --load=FILE names it")
    settings = settings_of(options)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mediaferry-bench-"))
        bench = Bench(settings, load_program, folder, stack.enter_context(net.network()))
        ours, peers = take_part(options, folder, load_program, settings)
        left_out = leave_out(bench, ours) | leave_out_scenarios(options.names)
        os.sched_setaffinity(0, bench.load_cpus)  # what this process does is not to disturb the server
        results = measure_all(bench, options.names, ours, peers, options.rounds)
    made = {"date": datetime.date.today().isoformat(), "machine": machine(), "rounds": options.rounds,
            "versions": {kind.name: version_of(kind) for kind in (*ours, *peers)
                         if kind.name in report.columns(results)},
            "settings": dataclasses.asdict(settings), "results": results, "failures": bench.failures,
            "left_out": left_out,
            "bars": [dataclasses.asdict(verdict) for verdict in report.verdicts(results)],
            "interrupted": bench.is_interrupted}
    write(options, made)
    return made


def main():
    options = parse()
    if os.geteuid() != 0:
        raise SystemExit("mediaferry-bench: network namespaces need root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    made = run(options)
    if made["interrupted"]:
        return 130
    ours_failed = any(server in (report.OURS, report.XDP) for _, server, _ in made["failures"])
    missed = options.strict and not all(bar["is_met"] for bar in made["bars"])
    return int(ours_failed or missed)


if __name__ == "__main__":
    sys.exit(main())
