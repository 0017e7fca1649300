# SPDX-License-Identifier: Apache-2.0
"""mediaferry-load against the relay: browsers, a storm of handshakes, TURN clients, and what it refuses."""
import itertools
import json
import pathlib
import subprocess
import sys

import pytest

from daemon import BINARY
from turn_server import LIMITS_OFF, LOOPBACK, REALM, TurnServer, ours_alone

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from bench import calls, net  # noqa: E402

LOAD = pathlib.Path(BINARY).parent / "tests/bench/load/mediaferry-load"

_first_clients = itertools.count(0, 1000)

pytestmark = [ours_alone, pytest.mark.skipif(not LOAD.exists(), reason="mediaferry-load was not built")]


class Load:
    def __init__(self, *words):
        self.process = subprocess.Popen([LOAD, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def tell(self, *lines):
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()

    def ask(self, line):
        self.tell(line)
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(20)


@pytest.fixture
def load():
    """Starts loads, which must end well unless the test itself has ended them."""
    started = []

    def begin(*words):
        started.append(Load(*words))
        return started[-1]

    yield begin
    assert [one.end() for one in started if not one.process.stdin.closed] in ([], [0])


def expect_all(told, sent):
    # A slow machine leaves out what was due in the last moment.
    assert 0.9 * sent <= told["sent"] <= sent
    assert [told[name] for name in ("lost", "duplicates", "wrong", "foreign", "send_errors")] == [0] * 5
    assert 0 < told["delay_us"]["p50"] <= told["delay_us"]["p99"] <= told["delay_us"]["max"]


# --- browsers ---------------------------------------------------------------------------------------------------------

@pytest.fixture
def web(relay, load, monkeypatch):
    """A load, and a function that sets up calls of browsers: the lines of their flows."""
    monkeypatch.setattr(net, "LOAD", "127.0.0.1")
    one = load("media")
    made = calls.Calls(relay.ng, one.ask("fingerprint")["fingerprint"])
    yield one, lambda count: made.set_up("webrtc", count)
    made.delete(made.count)


def test_browsers(web):
    one, set_up = web
    one.tell(*set_up(3))
    ready = one.ask("ready?")
    assert (ready["flows"], ready["handshakes"]) == (6, 3) and ready["handshake_us_p50"] > 0
    told = one.ask("run 300 1 160 rtcp")
    expect_all(told, 300)
    assert told["auth_failed"] == 0
    gap = told["gap_us"]
    assert (gap["flows"], gap["silent"]) == (6, 0) and 0 < gap["p50"] <= gap["p99"] <= gap["max"] < 1e6


def test_a_storm_beside_media(web, tmp_path):
    one, set_up = web
    one.tell(*set_up(1))
    one.ask("ready?")
    lines = [line for line in set_up(6) if " dtls " in line]
    (tmp_path / "storm").write_text("\n".join(lines))
    one.tell(f"storm 10 1 {tmp_path / 'storm'}")
    told = one.ask("run 100 1 160")
    storm = told["storm"]
    assert (storm["started"], storm["done"], storm["failed"], storm["open"]) == (6, 6, 0, 0)
    assert 0 < storm["us"]["p50"] <= storm["us"]["max"]
    assert "storm" not in one.ask("run 100 1 160")


def test_a_wrong_fingerprint_is_told(web):
    one, set_up = web
    browser, phone = set_up(1)
    words = browser.split()
    words[-1] = ":".join(["00"] * 32)
    one.tell(" ".join(words), phone)
    assert "wrong-fingerprint" in one.ask("ready?")["error"]
    assert one.end() == 1


def test_a_certificate_from_a_file(load, tmp_path):
    pem = tmp_path / "load.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=load", "-keyout", pem, "-out", tmp_path / "crt"], check=True, capture_output=True)
    pem.write_text(pem.read_text() + (tmp_path / "crt").read_text())
    known = subprocess.run(["openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha256"], check=True,
                           capture_output=True, text=True).stdout.strip().partition("=")[2]
    assert load("media", f"--certificate={pem}").ask("fingerprint")["fingerprint"] == known
    told = subprocess.run([LOAD, "fingerprint", f"--certificate={pem}"], check=True, capture_output=True)
    assert json.loads(told.stdout)["fingerprint"] == known


# --- TURN -------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def server():
    one = TurnServer(*LIMITS_OFF, *LOOPBACK)
    yield one
    one.stop()


@pytest.fixture
def turn(server, load):
    """A load of clients that the server has not seen."""
    return load("turn", *server.address("udp"), "127.0.0.1", next(_first_clients), "--base=127.64.0.0", "--user=alice",
                "--password=wonderland", f"--realm={REALM}")


@pytest.mark.parametrize("method", ["channel", "indication"])
@pytest.mark.parametrize("ways", [("to-peer",), ("to-client",), ("to-peer", "to-client")])
def test_turn_traffic(turn, method, ways):
    told = turn.ask("clients 5")
    assert (told["clients"], told["added"]) == (5, 5) and told["requests"] >= 15
    told = turn.ask(f"run 400 1 100 {method} {'both' if len(ways) == 2 else ways[0]}")
    expect_all(told, 400)
    assert {name for name in told if name.startswith("to_")} == {way.replace("-", "_") for way in ways}
    for way in ways:
        assert told[way.replace("-", "_")]["sent"] == pytest.approx(told["sent"] / len(ways), abs=1)


def test_turn_as_fast_as_can_be(turn):
    turn.ask("clients 2")
    told = turn.ask("run 0 1 100 channel both")
    assert told["received"] > 100 and told["wrong"] == 0
    assert abs(told["to_peer"]["sent"] - told["to_peer"]["received"] - told["to_peer"]["lost"]) == 0


def test_turn_clients_of_each_kind(turn):
    assert turn.ask("ready?") == {"ready": True}
    assert turn.ask("hold 3")["clients"] == 3
    assert turn.ask("clients 2 permission")["clients"] == 5
    assert turn.ask("refresh") == {"refreshed": 5}
    assert turn.ask("release") == {"released": 5}
    turn.ask("clients 2 permission")
    expect_all(turn.ask("run 100 1 100 indication both"), 100)
    assert "has no channel" in turn.ask("run 100 1 100 channel both")["error"]
    assert turn.end() == 1


@pytest.mark.parametrize("goal, requests", [("", 3), ("channel", 4)])
def test_turn_churn(turn, goal, requests):
    told = turn.ask(f"churn 4 1 {goal}")
    assert told["made"] > 10 and told["requests"] >= requests * told["made"]


def test_turn_enemies(turn):
    assert turn.ask("spoof 50 1000 0")["sent"] == 50
    assert turn.ask("spoof 50 1000 1")["sent"] == 50
    assert turn.ask("flood 10 1")["per_s"] > 0


def test_turn_wrong_password(server, load):
    one = load("turn", *server.address("udp"), "127.0.0.1", 900000, "--base=127.64.0.0", "--user=alice",
               "--password=wrong", f"--realm={REALM}")
    assert one.ask("clients 1")["error"].startswith("the server refused: 401")
    assert one.end() == 1


@pytest.mark.parametrize("words, error", [
    (("turn", "127.0.0.1"), "needs"),
    (("turn", "::1", "3478", "127.0.0.1", "0"), "not an IPv4"),
    (("turn", "127.0.0.1", "3478", "127.0.0.1", "0", "--port=1"), "no such option"),
    (("media", "--certificate=/dev/null"), "no usable certificate"),
])
def test_arguments_that_are_refused(words, error):
    done = subprocess.run([LOAD, *words], capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 1 and error in json.loads(done.stdout)["error"]
