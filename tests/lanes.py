# SPDX-License-Identifier: Apache-2.0
"""Runs files of tests beside each other. They mostly wait, so there are more of them at a time than processors.

Each file is a pytest of its own in a network namespace of its own: no two see each other's ports, whichever run at the
same time. Files start in a fixed order, and what they say is printed in that order.
"""
import concurrent.futures
import os
import pathlib
import subprocess
import tempfile
import time

# A network as a machine has it: aiortc takes no loopback for its candidates, and "the machine's first address" is one.
NETWORK = """
ip link set lo up
ip link add lan type veth peer name wire
ip addr add 192.0.2.2/24 dev lan
ip addr add fd00::2/64 dev lan nodad
ip link set wire up
ip link set lan up
ip route add default via 192.0.2.1
exec "$@"
"""
IN_NETWORK = ("unshare", "--net", "sh", "-euc", NETWORK, "lane")

# Those that take longest begin first, or the last one would run alone.
SLOWEST = ("fleet_takeover", "fleet_store", "fleet_chaos", "xdp_network", "restart", "timeouts", "random", "bench_load",
           "drain", "turn_clients", "turn_review", "ctl", "turn_redis", "turn_reload", "bench", "xdp")


def lane_count():
    """How many at a time; one in the network of this machine where namespaces cannot be made."""
    allowed = os.geteuid() == 0 and subprocess.run([*IN_NETWORK, "true"], check=False,
                                                   capture_output=True).returncode == 0
    return 2 * (os.cpu_count() or 1) if allowed else 1


def in_order(paths):
    """The files of these paths, the slowest first."""
    files = [file for path in paths for file in (sorted(path.glob("test_*.py")) if path.is_dir() else [path])]
    names = [f"test_{name}.py" for name in SLOWEST]
    return sorted(files, key=lambda file: (names.index(file.name) if file.name in names else len(names), file.name))


def run_file(file, results, wrapper, options):
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run([*wrapper, "/usr/bin/python3", "-m", "pytest", file, "-q", "-p", "no:cacheprovider",
                               f"--junitxml={results}"], stdout=output, stderr=subprocess.STDOUT, check=False, **options)
        output.seek(0)
        return done.returncode, time.monotonic() - began, output.read()


def run(name, paths, results, **options):
    """Runs the files and yields (its file of results, whether pytest was content) of each; `results` is a folder.
    `options` are those of subprocess.run()."""
    lanes = lane_count()
    wrapper = IN_NETWORK if lanes > 1 else ()
    results.mkdir(parents=True, exist_ok=True)
    for old in results.glob(f"junit-{name}-*.xml"):
        old.unlink()
    files = in_order([pathlib.Path(path) for path in paths])
    reports = [results / f"junit-{name}-{file.stem}.xml" for file in files]
    with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
        running = pool.map(lambda pair: run_file(*pair, wrapper, options), zip(files, reports))
        for file, report, (code, seconds, output) in zip(files, reports, running):
            print(f"{file.stem}: {output.strip().splitlines()[-1] if output.strip() else 'said nothing'}, "
                  f"{seconds:.0f} s" if code == 0 else f"{file}\n{output}", flush=True)
            yield report, code == 0
