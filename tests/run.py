# SPDX-License-Identifier: Apache-2.0
"""Runs every suite and counts the tests of all: the last line is `N passed, N failed, N skipped`.

Usage: run.py [SUITE ...] with suites from format, unit, clang, tsan, system, release, image, e2e (default: all).
"""
import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:abort_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}

RELEASE_TEST = "tests/system/test_memory.py"


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


def build(folder, *options, compiler="gcc"):
    """Configures and builds; True when that went well."""
    env = {**os.environ, "CC": compiler}
    if not (ROOT / folder / "build.ninja").exists():
        setup = run("meson", "setup", folder, *options, env=env, stdout=subprocess.DEVNULL)
        if setup.returncode != 0:
            return False
    made = run("ninja", "-C", folder, env=env, capture_output=True, text=True)
    if made.returncode != 0:
        print(made.stdout[-8000:])
    return made.returncode == 0


def meson_suite(totals, folder, *arguments):
    results = ROOT / folder / "meson-logs" / "testlog.junit.xml"
    results.unlink(missing_ok=True)
    done = run("meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs", *arguments,
               env={**os.environ, **SANITIZER_ENV})
    passed, failed, skipped = count_junit(results)
    totals.add(passed, failed if failed or done.returncode == 0 else 1, skipped)


def pytest_suite(totals, name, paths, env):
    results = ROOT / "build" / f"junit-{name}.xml"
    results.parent.mkdir(exist_ok=True)
    results.unlink(missing_ok=True)
    done = run("/usr/bin/python3", "-m", "pytest", *paths, "-q", "-p", "no:cacheprovider", f"--junitxml={results}",
               env={**os.environ, **SANITIZER_ENV, **env})
    passed, failed, skipped = count_junit(results)
    totals.add(passed, failed if failed or done.returncode == 0 else 1, skipped)


def suite_format(totals):
    ok = run("tests/check/format.sh").returncode == 0
    totals.add(ok, not ok, 0)


def suite_unit(totals):
    if not build("build-asan", "-Db_sanitize=address,undefined"):
        return totals.add(0, 1, 0)
    meson_suite(totals, "build-asan")


def suite_clang(totals):
    """A warning of clang is an error too; the tests have run with gcc."""
    ok = build("build-clang", "--buildtype=release", compiler="clang")
    totals.add(ok, not ok, 0)


def suite_tsan(totals):
    if not build("build-tsan", "-Db_sanitize=thread"):
        return totals.add(0, 1, 0)
    meson_suite(totals, "build-tsan", "--suite", "threads")
    names = ("workers", "random", "webrtc", "plain_call", "turn_workers", "turn_operate", "turn_tls", "turn_mobility")
    paths = [f"tests/system/test_{name}.py" for name in names]
    pytest_suite(totals, "tsan", paths, {"MEDIAFERRY_BIN": str(ROOT / "build-tsan/mediaferry")})


def suite_system(totals):
    if not build("build-asan", "-Db_sanitize=address,undefined"):
        return totals.add(0, 1, 0)
    instrumented = {"MEDIAFERRY_BIN": str(ROOT / "build-asan/mediaferry")}
    pytest_suite(totals, "system", ["tests/system", f"--ignore={RELEASE_TEST}"], instrumented)
    # Those took the back end that this machine has; these take the one that every machine has.
    names = ("plain_call", "webrtc", "turn_data", "turn_hairpin", "load")
    paths = [f"tests/system/test_{name}.py" for name in names]
    pytest_suite(totals, "epoll", paths, {**instrumented, "MEDIAFERRY_PACKET_IO": "epoll"})
    # Of AF_XDP there are tests above; this one has a network, too. Without the rights it takes sockets again.
    pytest_suite(totals, "xdp", ["tests/system/test_turn_mtu.py"], {**instrumented, "MEDIAFERRY_PACKET_IO": "xdp"})


def suite_release(totals):
    """What sanitizers would falsify."""
    made = run("make", "-s", "all", stdout=subprocess.DEVNULL)
    if made.returncode != 0:
        return totals.add(0, 1, 0)
    pytest_suite(totals, "release", [RELEASE_TEST], {"MEDIAFERRY_BIN": str(ROOT / "build/mediaferry")})


def suite_image(totals):
    """The container image, built and run as an operator does."""
    if os.geteuid() != 0:
        print("the image is built on a Debian root of the tests' own making: run them as root")
        return totals.add(0, 1, 0)
    pytest_suite(totals, "image", ["tests/image"], {})


def suite_e2e(totals):
    if os.geteuid() != 0:
        print("the end-to-end tests make network namespaces: run them as root")
        return totals.add(0, 1, 0)
    made = run("make", "-s", "all", stdout=subprocess.DEVNULL)
    if made.returncode != 0 or run("tests/e2e/setup.sh").returncode != 0:
        return totals.add(0, 1, 0)
    binary = {"MEDIAFERRY_BIN": str(ROOT / "build/mediaferry")}
    pytest_suite(totals, "e2e", ["tests/e2e"], binary)
    paths = [f"tests/e2e/test_{name}.py" for name in ("calls", "media")]
    pytest_suite(totals, "e2e-xdp", paths, {**binary, "MEDIAFERRY_PACKET_IO": "xdp"})


SUITES = {
    "format": suite_format,
    "unit": suite_unit,
    "clang": suite_clang,
    "tsan": suite_tsan,
    "system": suite_system,
    "release": suite_release,
    "image": suite_image,
    "e2e": suite_e2e,
}


def main(names):
    totals = Totals()
    for name in names or SUITES:
        started = time.monotonic()
        print(f"== {name}", flush=True)
        SUITES[name](totals)
        print(f"== {name} took {time.monotonic() - started:.0f} s", flush=True)
    print(f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped", flush=True)
    return 1 if totals.failed or not totals.passed else 0


if __name__ == "__main__":
    unknown = [name for name in sys.argv[1:] if name not in SUITES]
    if unknown:
        sys.exit(f"run.py: unknown suite {unknown[0]}; there are {', '.join(SUITES)}")
    sys.exit(main(sys.argv[1:]))
