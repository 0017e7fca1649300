# SPDX-License-Identifier: Apache-2.0
"""Runs every suite and counts the tests of all: the last line is `N passed, N failed, N skipped`.

Usage: run.py [SUITE ...] with suites from format, unit, system, clang, tsan, release, image, e2e (default: all).

The build that the first suite needs has the machine for itself; those of the later ones go on in what that suite, and
the next, leave idle.
"""
import concurrent.futures
import functools
import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import lanes

ROOT = pathlib.Path(__file__).resolve().parent.parent
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:abort_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}

RELEASE_TEST = ROOT / "tests/system/test_memory.py"


class Totals:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed, failed, skipped):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped


def run(*command, **options):
    return subprocess.run([str(word) for word in command], cwd=ROOT, check=False, **options)


def count_junit(path):
    """Passed, failed and skipped of a JUnit file; a missing or broken file counts as one failure."""
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return 0, 1, 0
    failed = sum(c.find("failure") is not None or c.find("error") is not None for c in cases)
    skipped = sum(c.find("skipped") is not None for c in cases)
    return len(cases) - failed - skipped, failed, skipped


def configured(folder, *options, compiler="gcc"):
    """The command that builds the folder; None when it could not be configured."""
    if not (ROOT / folder / "build.ninja").exists():
        setup = run("meson", "setup", folder, *options, env={**os.environ, "CC": compiler}, stdout=subprocess.DEVNULL)
        if setup.returncode != 0:
            return None
    return "ninja", "-C", folder


MAKE = {
    "asan": functools.partial(configured, "build-asan", "-Db_sanitize=address,undefined"),
    "clang": functools.partial(configured, "build-clang", "--buildtype=release", compiler="clang"),
    "tsan": functools.partial(configured, "build-tsan", "-Db_sanitize=thread"),
    "release": lambda: ("make", "-s", "all"),
    "image": lambda: ("/usr/bin/python3", "tests/image/container.py"),
}


class Builds:
    """Makes builds one after the other, the first with all of the machine and the others with what is idle."""

    def __init__(self, names):
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.builds = {name: self.pool.submit(self._make, name, number > 0) for number, name in enumerate(names)}

    @staticmethod
    def _make(name, is_idle):
        command = MAKE[name]()
        return command and run(*(("chrt", "--idle", "0") if is_idle else ()), *command, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)

    def is_made(self, name):
        """Waits for it; says why when it failed."""
        made = self.builds[name].result()
        if made and made.returncode != 0:
            print(made.stdout[-8000:])
        return bool(made) and made.returncode == 0


def count(totals, results, is_content):
    passed, failed, skipped = count_junit(results)
    totals.add(passed, failed if failed or is_content else 1, skipped)


def meson_suite(totals, folder, *arguments):
    results = ROOT / folder / "meson-logs" / "testlog.junit.xml"
    results.unlink(missing_ok=True)
    done = run("meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs", "--timeout-multiplier=4",
               *arguments, env={**os.environ, **SANITIZER_ENV})
    count(totals, results, done.returncode == 0)


def pytest_suite(totals, name, paths, env):
    """In one process, in the network of this machine."""
    results = ROOT / "build" / f"junit-{name}.xml"
    results.parent.mkdir(exist_ok=True)
    results.unlink(missing_ok=True)
    done = run("/usr/bin/python3", "-m", "pytest", *paths, "-q", "-p", "no:cacheprovider", f"--junitxml={results}",
               env={**os.environ, **SANITIZER_ENV, **env})
    count(totals, results, done.returncode == 0)


def system_suite(totals, name, paths, env):
    """Files of tests/system, beside each other."""
    env = {**os.environ, **SANITIZER_ENV, **env}
    for results, is_content in lanes.run(name, paths, ROOT / "build", cwd=ROOT, env=env):
        count(totals, results, is_content)


def system_files(*names):
    return [ROOT / f"tests/system/test_{name}.py" for name in names]


def suite_format(totals):
    ok = run("tests/check/format.sh").returncode == 0
    totals.add(ok, not ok, 0)


def suite_unit(totals):
    meson_suite(totals, "build-asan")


def suite_system(totals):
    instrumented = {"MEDIAFERRY_BIN": str(ROOT / "build-asan/mediaferry")}
    files = sorted(set((ROOT / "tests/system").glob("test_*.py")) - {RELEASE_TEST})
    system_suite(totals, "system", files, instrumented)
    # Those took the back end that this machine has; these take the one that every machine has.
    system_suite(totals, "epoll", system_files("plain_call", "webrtc", "turn_data", "turn_hairpin", "load"),
                 {**instrumented, "MEDIAFERRY_PACKET_IO": "epoll"})
    # Of AF_XDP there are tests above; this one has a network, too. Without the rights it takes sockets again.
    system_suite(totals, "xdp", system_files("turn_mtu"), {**instrumented, "MEDIAFERRY_PACKET_IO": "xdp"})


def suite_clang(totals):
    """A warning of clang is an error too, that is all; the tests have run with gcc."""
    totals.add(1, 0, 0)


def suite_tsan(totals):
    meson_suite(totals, "build-tsan", "--suite", "threads")
    names = ("workers", "random", "webrtc", "plain_call", "fleet_takeover", "turn_workers", "turn_operate", "turn_tls",
             "turn_mobility")
    system_suite(totals, "tsan", system_files(*names), {"MEDIAFERRY_BIN": str(ROOT / "build-tsan/mediaferry")})


def suite_release(totals):
    """What sanitizers would falsify."""
    pytest_suite(totals, "release", [RELEASE_TEST], {"MEDIAFERRY_BIN": str(ROOT / "build/mediaferry")})


def suite_image(totals):
    """The container image and the demonstration with it, built and run as an operator does."""
    pytest_suite(totals, "image", ["tests/image"], {})


def suite_e2e(totals):
    if os.geteuid() != 0:
        print("the end-to-end tests make network namespaces: run them as root")
        return totals.add(0, 1, 0)
    if run("tests/e2e/setup.sh").returncode != 0:
        return totals.add(0, 1, 0)
    binary = {"MEDIAFERRY_BIN": str(ROOT / "build/mediaferry")}
    pytest_suite(totals, "e2e", ["tests/e2e"], binary)
    paths = [f"tests/e2e/test_{name}.py" for name in ("calls", "media")]
    pytest_suite(totals, "e2e-xdp", paths, {**binary, "MEDIAFERRY_PACKET_IO": "xdp"})


# Each with the build that it needs. In this order each build has time until its suite.
SUITES = {
    "format": (suite_format, None),
    "unit": (suite_unit, "asan"),
    "system": (suite_system, "asan"),
    "clang": (suite_clang, "clang"),
    "tsan": (suite_tsan, "tsan"),
    "release": (suite_release, "release"),
    "image": (suite_image, "image"),
    "e2e": (suite_e2e, "release"),
}


def main(names):
    totals = Totals()
    names = names or list(SUITES)
    builds = Builds(dict.fromkeys(build for _, build in map(SUITES.get, names) if build))
    for name in names:
        started = time.monotonic()
        print(f"== {name}", flush=True)
        suite, build = SUITES[name]
        if build is None or builds.is_made(build):
            suite(totals)
        else:
            totals.add(0, 1, 0)
        print(f"== {name} took {time.monotonic() - started:.0f} s", flush=True)
    print(f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped", flush=True)
    return 1 if totals.failed or not totals.passed else 0


if __name__ == "__main__":
    unknown = [name for name in sys.argv[1:] if name not in SUITES]
    if unknown:
        sys.exit(f"run.py: unknown suite {unknown[0]}; there are {', '.join(SUITES)}")
    sys.exit(main(sys.argv[1:]))
