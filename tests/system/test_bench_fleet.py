# SPDX-License-Identifier: Apache-2.0
"""What the bench tells of calls that are shared through Redis: a small run, and what it makes of figures."""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from bench import __main__ as bench, fleet, measure, redis, report, scenarios  # noqa: E402
from daemon import BINARY  # noqa: E402

LIVES = {"fleet-plain-alone", "fleet-plain", "fleet-webrtc-alone", "fleet-webrtc"}


def lives(setup, delete, **more):
    return {"setup_us": setup, "delete_us": delete, "offer_p50_us": 50.0, "offer_p99_us": 100.0, **more}


def results():
    return report.complete({
        "fleet-plain-alone": {"rtpengine": lives(150.0, 60.0), "mediaferry": lives(100.0, 50.0)},
        "fleet-plain": {"rtpengine": lives(400.0, 90.0, redis_commands=6.0, redis_bytes=6700.0, redis_us=100.0),
                        "mediaferry": lives(180.0, 70.0, redis_commands=17.0, redis_bytes=3350.0, redis_us=110.0)},
        "fleet-webrtc-alone": {"mediaferry": lives(100.0, 50.0, handshake_cpu_us=400.0)},
        "fleet-webrtc": {"mediaferry": lives(200.0, 60.0, handshake_cpu_us=450.0)},
        "fleet-takeover": {"mediaferry": {"gap_p50_ms": 2400.0, "gap_max_ms": 2600.0, "gap_beyond_ms": 1200.0,
                                          "takeover_ms": 240, "taken": 1000}},
        "fleet-steady": {"rtpengine": {"idle_percent": 0.12, "redis_commands_per_s": 0.0, "redis_kb_per_s": 0.0},
                         "mediaferry": {"idle_percent": 0.24, "redis_commands_per_s": 159.0, "redis_kb_per_s": 60.9}},
        "plain": {"mediaferry": {"us_per_packet": 5.0}},
    })


def test_what_sharing_adds_is_that_of_the_whole_call():
    found = results()
    assert found["fleet-plain"]["mediaferry"]["sharing_us"] == 100
    assert found["fleet-plain"]["rtpengine"]["sharing_us"] == 280
    assert found["fleet-webrtc"]["mediaferry"]["sharing_us"] == 160
    assert not any("sharing_us" in figures for row in ("plain", "fleet-plain-alone") for figures in found[row].values())


def test_tables():
    text = report.as_text(results())
    for line in (r"plain call, in Redis +180 +400 +0\.45", r"plain call, in Redis +100 +280 +0\.36",
                 r"plain call, in Redis +17 / 3,350 +6 / 6,700 +0\.50", r"call of a browser, in Redis +450",
                 r"calls whose node was killed +1,000 / 240", r"calls whose node was killed +2,400 / 2,600 / 1,200",
                 r"silent calls, in Redis +159\.0 / 60\.9 +0\.0 / 0\.0",
                 r"silent calls, in Redis +0\.24 +0\.12 +2\.00"):
        assert re.search(f"^{line}$", text, re.M), line


def test_bars():
    found = {v.title: v.is_met for v in report.verdicts(results())}
    assert found == {"calls whose node was killed: ms from the first to the last": True,
                     "calls whose node was killed: longest gap after the end of the lease, ms": False}


@pytest.mark.parametrize("percent, value", [(1, 1), (50, 5), (90, 9), (99, 10), (100, 10)])
def test_percentiles(percent, value):
    assert measure.percentile([10, 2, 3, 1, 4, 5, 6, 9, 8, 7], percent) == value


def test_all_that_was_taken_over_is_counted():
    said = """notice event=taking-over node=a records=3
info [call] event=taken-over node=a
notice event=taken-over node=a records=3 ms=20
notice event=taken-over node=a records=1 ms=2"""
    assert fleet.adopted(said) == (4, 22) and fleet.adopted("") == (0, 0)


def gaps(longest_us, silent=0):
    return {"gap_us": {"flows": 10, "silent": silent, "p50": 2e6, "p99": 2e6, "max": longest_us}}


def test_gaps():
    assert fleet.gaps(gaps(2.5e6), 1900) == {"gap_p50_ms": 2000, "gap_max_ms": 2500, "gap_beyond_ms": 600}


@pytest.mark.parametrize("told, words", [(gaps(2.5e6, 1), "1 of 10 phones"), (gaps(1e5), "late")])
def test_gaps_that_are_none(told, words):
    with pytest.raises(measure.BenchError, match=words):
        fleet.gaps(told, 1900)


def test_what_takes_long_is_asked_for():
    assert "fleet" in bench.names_of("") and "fleet-steady" not in bench.names_of("")
    assert bench.names_of("all") == list(scenarios.SCENARIOS) and bench.names_of("plain,fleet") == ["plain", "fleet"]


def test_without_redis_it_says_so_and_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(redis, "is_installed", lambda: False)
    names = ["plain", "fleet", "turn"]
    assert bench.leave_out_scenarios(names) == {"fleet": "redis-server is not installed"}
    assert names == ["plain", "turn"] and "fleet is not measured: redis-server" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_a_small_run(tmp_path):
    done = subprocess.run(
        [str(ROOT / "tests/bench/mediaferry-bench"), f"--mediaferry={BINARY}", "--no-peers", "--no-xdp", "--only=fleet",
         "--calls=10", f"--json={tmp_path / 'run.json'}"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["failures"] == [] and set(run["results"]) == {*LIVES, "fleet-takeover"}
    for row in LIVES:
        found = run["results"][row]["mediaferry"]
        assert found["setup_us"] > 0 and 0 < found["offer_p50_us"] <= found["offer_p99_us"]
        assert ("redis_bytes" in found) == (not row.endswith("-alone"))
    assert run["results"]["fleet-plain"]["mediaferry"]["redis_bytes"] > 1000
    found = run["results"]["fleet-takeover"]["mediaferry"]
    assert found["taken"] == 10 and 0 < found["gap_p50_ms"] <= found["gap_max_ms"]
