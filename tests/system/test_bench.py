# SPDX-License-Identifier: Apache-2.0
"""The bench itself: a small run gives figures, and what it makes of figures."""
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from bench import chart, measure, report  # noqa: E402
from bench.__main__ import find_load  # noqa: E402
from daemon import BINARY  # noqa: E402

SECTION_MARKS = f"{report.BEGIN}\nold\n{report.END}"


def figures(us=5.0, p99=100.0, lost=0.0, **more):
    return {"us_per_packet": us, "p50_us": 20.0, "p99_us": p99, "p999_us": 900.0, "lost_percent": lost, **more}


def results():
    return report.complete({
        "plain": {"bare loop": figures(8), "rtpengine": figures(12, 2000), "mediaferry": figures(5),
                  "mediaferry xdp": figures(3), "epoll": figures(6)},
        "plain-highest": {"rtpengine": figures(highest=100000.0, at_least=0),
                          "mediaferry": figures(highest=250000.0, at_least=1)},
        "plain-beyond": {"mediaferry": figures(lost=0.5)},
        "streams-300": {"mediaferry": figures(5), "mediaferry xdp": figures(2)},
        "streams-8000": {"mediaferry": figures(6), "mediaferry xdp": figures(3)},
        "calls-plain": {"mediaferry": {"rss_kib": 5.5, "setup_us": 100.0, "per_s": 1e4}},
    })


def made(**keys):
    return {"date": "2026-01-01", "machine": "a <machine>", "rounds": 3,
            "versions": {"mediaferry": "1.0", "bare loop": ""}, "settings": {"rate": 50000, "streams": 300},
            "results": results(), "failures": [], **keys}


@pytest.mark.parametrize("server, text, value, is_met", [
    ("mediaferry", "plain RTP: processor time of a packet / rtpengine", 5 / 12, True),
    ("mediaferry xdp", "plain RTP: processor time of a packet / rtpengine", 3 / 12, True),
    ("mediaferry", "plain RTP: processor time of a packet / bare loop", 5 / 8, True),
    ("mediaferry", "plain RTP: delay p99 / rtpengine", 0.05, True),
    ("mediaferry", "8,000 streams / 300: processor time of a packet", 1.2, True),
    ("mediaferry xdp", "8,000 streams / 300: processor time of a packet", 1.5, False),
    ("mediaferry", "plain RTP, 1.5 times the peer's highest rate: lost, %", 0.5, False),
    ("mediaferry", "memory of a plain call, KiB", 5.5, True),
])
def test_bars(server, text, value, is_met):
    found = next(v for v in report.verdicts(results()) if (v.server, v.title) == (server, text))
    assert (found.value, found.is_met) == (pytest.approx(value), is_met)


def test_bars_of_what_was_not_measured_are_left_out():
    assert not [v for v in report.verdicts(results()) if "SRTP in" in v.title or "coturn" in v.title]
    assert report.verdicts({}) == []


def test_columns_begin_with_ours_and_end_with_the_peers():
    assert report.columns(results()) == ["mediaferry", "mediaferry xdp", "epoll", "rtpengine", "bare loop"]


def test_tables_in_text():
    text = report.as_text(results())
    assert re.search(r"^plain RTP +5\.00 +3\.00 +6\.00 +12\.00 +8\.00 +0\.42 +0\.25$", text, re.M)
    assert re.search(r"^plain RTP +20 / 100 / 900 .* 0\.05 +0\.05$", text, re.M)
    assert re.search(r"^plain RTP, highest rate +>= 2,500 +1,000 +2\.50$", text, re.M)
    assert re.search(r"^8,000 streams / 300: .* 1\.3 +1\.20 met +1\.50 NOT MET$", text, re.M)


def without_xdp():
    return {row: {name: found for name, found in servers.items() if name != "mediaferry xdp"}
            for row, servers in results().items()}


def test_tables_without_xdp_have_no_column_of_it():
    assert "xdp" not in report.as_text(without_xdp())
    page = report.as_markdown(made(results=without_xdp(), left_out={"mediaferry xdp": "it takes epoll: no right"}))
    assert "Not measured: mediaferry xdp (it takes epoll: no right)." in page


def test_the_page_keeps_what_is_around_the_tables():
    page = report.put_into_page(f"before\n{SECTION_MARKS}\nafter\n", report.as_markdown(made()))
    assert page.startswith(f"before\n{report.BEGIN}\n2026-01-01, a <machine>: mediaferry 1.0.\n50,000 packets/s")
    assert page.endswith(f"\n{report.END}\nafter\n") and "old" not in page
    assert "| plain RTP | 5.00 | 3.00 | 6.00 | 12.00 | 8.00 | 0.42 | 0.25 |" in page
    again = report.put_into_page(page, report.as_markdown(made()))
    assert again == page
    with pytest.raises(ValueError):
        report.put_into_page("a page without marks", "text")


def test_the_page_in_docs_has_the_marks():
    assert "after" in report.put_into_page((ROOT / "docs/performance.md").read_text(), "after")


def test_what_failed_is_told():
    assert "Not measured: srtp of rtpengine (it ended)." in report.as_markdown(
        made(failures=[("srtp", "rtpengine", "it ended\nwith details")]))


def test_the_chart_is_xml_with_a_bar_for_each_figure():
    root = ElementTree.fromstring(chart.as_svg(made()))
    titles = [node.text for node in root.iter("{http://www.w3.org/2000/svg}title")]
    assert titles.count("mediaferry") == 4 and titles.count("mediaferry xdp") == titles.count("epoll") == 2
    text = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "plain RTP" in text and ">= 2,500" in text and any("a <machine>" in words for words in text)


def test_a_chart_of_nothing():
    ElementTree.fromstring(chart.as_svg(made(results={})))


def told(sent=1000, lost=0, own_drops=0, all_sent=1200):
    return {"sent": sent, "received": sent - lost, "lost": lost, "own_drops": own_drops, "all_sent": all_sent,
            "seconds": 2.0, "delay_us": {"p50": 1, "p99": 2, "p999": 3, "max": 4}, "duplicates": 0, "wrong": 0,
            "late_us_p99": 1}


def test_figures_of_a_run():
    found = measure.figures(told(), 6_000_000)
    assert (found["us_per_packet"], found["packets_per_s"], found["busy_percent"]) == (5, 500, pytest.approx(0.25))
    assert (found["lost_percent"], found["p999_us"]) == (0, 3)


def test_what_the_load_drops_is_no_loss_of_the_server():
    assert measure.figures(told(lost=5, own_drops=5), 1)["lost_percent"] == 0
    assert measure.figures(told(lost=15, own_drops=5), 1)["lost_percent"] == 1


def server_that_bears(limit, load_limit=1e9):
    def attempt(rate):
        sent = min(rate, load_limit)
        return {"lost_percent": 0 if sent <= limit else 5, "sent_per_s": sent, "packets_per_s": sent,
                "busy_percent": min(100, 100 * sent / limit)}

    return attempt


@pytest.mark.parametrize("limit", [300, 30000, 50000, 131000, 400000])
def test_the_search_finds_the_highest_rate(limit):
    found = measure.highest(server_that_bears(limit), 50000, 1.06)
    assert limit / 1.06 <= found["highest"] <= limit and found["at_least"] == 0


def test_the_search_ends_where_the_load_does():
    found = measure.highest(server_that_bears(1e6, load_limit=220000), 50000, 1.06)
    assert (found["highest"], found["at_least"]) == (220000, 1)


def test_a_server_that_always_loses_is_an_error():
    with pytest.raises(measure.BenchError):
        measure.highest(server_that_bears(50), 50000, 1.06)


def test_medians_of_rounds():
    rounds = [{"plain": {"mediaferry": {"us_per_packet": us}}} for us in (9.0, 5.0, 6.0)]
    rounds[1]["webrtc"] = {"rtpengine": {"p99_us": 7}}
    assert measure.medians(rounds) == {"plain": {"mediaferry": {"us_per_packet": 6.0}},
                                       "webrtc": {"rtpengine": {"p99_us": 7}}}


def small_run(folder, *options):
    """(what it has said, its JSON, its page)"""
    page = folder / "page.md"
    page.write_text(SECTION_MARKS)
    done = subprocess.run(
        [str(ROOT / "tests/bench/mediaferry-bench"), f"--mediaferry={BINARY}", "--no-peers", "--no-search",
         "--rate=500", "--streams=10", "--seconds=1", f"--json={folder / 'run.json'}", f"--docs={page}", *options],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done, json.loads((folder / "run.json").read_text()), page


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_a_small_run(tmp_path):
    """Plain calls and those of browsers; whether all that is made of it is there and nothing was lost."""
    done, run, page = small_run(tmp_path, "--only=plain,webrtc")
    assert run["failures"] == [] and set(run["results"]) == {"plain", "webrtc"}
    assert set(run["versions"]) == {"mediaferry", "bare loop", *({"mediaferry xdp"} - set(run["left_out"]))}
    for row in run["results"].values():
        for found in row.values():
            assert (found["lost_percent"], found["duplicates"], found["wrong"]) == (0, 0, 0)
            assert found["us_per_packet"] > 0 and found["p99_us"] > 0 and 490 <= found["packets_per_s"] <= 510
    assert "plain RTP" in done.stdout and "| WebRTC to PBX and back |" in page.read_text()
    ElementTree.parse(tmp_path / "page.svg")


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_without_rights_for_xdp_it_says_so_and_goes_on(tmp_path):
    program = tmp_path / "mediaferry"
    program.write_text(f'#!/bin/sh\nexec setpriv --bounding-set=-bpf,-net_admin,-sys_admin "{BINARY}" "$@"\n')
    program.chmod(0o755)
    done, run, page = small_run(tmp_path, f"--mediaferry={program}", f"--load={find_load(BINARY)}", "--only=video")
    assert "mediaferry xdp is not measured: it takes " in done.stderr
    assert list(run["left_out"]) == ["mediaferry xdp"] and set(run["results"]["video"]) == {"mediaferry"}
    assert "Not measured: mediaferry xdp (it takes " in page.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_xdp_is_left_out_when_told(tmp_path):
    done, run, _ = small_run(tmp_path, "--no-xdp", "--only=video")
    assert set(run["results"]["video"]) == {"mediaferry"} and not run["left_out"] and "xdp" not in done.stderr
