# SPDX-License-Identifier: Apache-2.0
"""Draining: what runs goes on, nothing new comes, and the process may end when there is nothing left."""
import signal
import socket
import time

import pytest

import rtp
from ctl import Ctl
from daemon import free_port
from ng import NgError
from test_plain_call import connect
from turn import Credentials, TurnClient
from turn_admin import TOKEN, Admin
from turn_transport import Udp


@pytest.fixture
def control(tmp_path):
    return tmp_path / "control.sock"


@pytest.fixture
def begin(start, control):
    """A daemon with its socket."""
    return lambda *options, **keys: start(f"--listen-control={control}", "--timeout=600", *options, **keys)


@pytest.fixture
def ctl(control):
    return Ctl(control)


@pytest.fixture
def connect_turn():
    """Makes TURN clients of a daemon and closes them."""
    made = []

    def make(daemon):
        made.append(TurnClient(Udp(("127.0.0.1", daemon.stun_port)), Credentials("alice", "wonderland")))
        return made[-1]

    yield make
    for client in made:
        client.close()


def talks(a, b, ports, seq):
    """Whether media passes both ways."""
    for who, to, other, ssrc in ((a, ports[0], b, 0xA), (b, ports[1], a, 0xB)):
        sent = rtp.packet(seq, ssrc=ssrc)
        who.send(to, sent)
        if other.receive()[0] != sent:
            return False
    return True


def refuses_new_calls(daemon, phone):
    with pytest.raises(NgError, match="^Parallel session limit reached$"):
        daemon.ng.offer("new", phone.sdp())
    reply = daemon.ng.request(command="offer", call_id="newer", from_tag="A", sdp=phone.sdp(), supports=["load limit"])
    assert reply["result"] == "load limit" and reply["message"] == "Parallel session limit reached"
    return True


def wait_for(daemon, line, seconds=10):
    deadline = time.monotonic() + seconds
    while line not in daemon.log():
        assert time.monotonic() < deadline, f"no {line!r} in\n{daemon.log()}"
        time.sleep(0.05)


def ends_within(daemon, seconds):
    """Seconds that it took."""
    begun = time.monotonic()
    assert daemon.process.wait(seconds) == 0, daemon.log()[-4000:]
    return time.monotonic() - begun


# By an operator


def test_a_node_is_held(begin, ctl, phones):
    port = free_port()
    daemon = begin(f"--listen-admin=127.0.0.1:{port}", f"--admin-token={TOKEN}", "--turn-user=alice:wonderland")
    admin, a, b = Admin(port), phones(), phones()
    ports = connect(daemon.ng, "known", a, b)
    assert admin.metric("draining") == 0 and admin.ask("GET", "/readyz") == (200, "ready\n")

    assert ctl.text("drain") == "draining: 1 call, 0 TURN allocations left\n"
    assert admin.metric("draining") == 1 and admin.ask("GET", "/readyz") == (503, "not ready: draining\n")
    assert ctl.run("ready") == (1, "not ready: draining\n", "")
    assert admin.ask("GET", "/healthz")[0] == 200
    assert refuses_new_calls(daemon, a) and admin.metric("calls_refused_total") == 2
    assert talks(a, b, ports, 1)
    daemon.ng.offer("known", a.sdp(attributes=["a=sendonly"]), to_tag="B")
    daemon.ng.answer("known", b.sdp(attributes=["a=recvonly"]))
    assert daemon.ng.query("known")["totals"]["RTP"]["packets"] == 2
    daemon.ng.delete("known")
    assert ctl.json("drain")["calls"] == 0 and daemon.alive()

    assert ctl.text("undrain") == "working: 0 calls, 0 TURN allocations\n"
    assert admin.metric("draining") == 0 and admin.ask("GET", "/readyz")[0] == 200
    assert talks(a, b, connect(daemon.ng, "after", a, b), 2)
    assert "event=drain state=holding calls=1" in daemon.log() and "event=drain state=working" in daemon.log()


def test_turn_drains_with_it(begin, ctl, connect_turn):
    daemon = begin("--turn-user=alice:wonderland", "--turn-realm=example.org")
    running = connect_turn(daemon).allocated()
    assert ctl.text("drain") == "draining: 0 calls, 1 TURN allocation left\n"
    assert connect_turn(daemon).allocate().code == 403
    assert running.refresh().ok()
    assert ctl.json("drain", "--alternate-server=192.0.2.1:3478")["draining"] is True
    assert connect_turn(daemon).allocate().code == 300
    ctl.text("undrain")
    connect_turn(daemon).allocated()
    status, _, err = ctl.run("drain", "--alternate-server=example")
    assert status == 1 and "IP:PORT" in err
    assert ctl.run("ready")[0] == 0  # nothing was changed


def test_one_waits_for_it(begin, ctl, phones):
    daemon, phone = begin(), phones()
    for name in ("one", "two"):
        daemon.ng.offer(name, phone.sdp())
    waiting = ctl.start("drain", "--wait")
    wait_for(daemon, "event=drain state=holding")
    daemon.ng.delete("one")
    time.sleep(1.2)
    assert waiting.poll() is None
    daemon.ng.delete("two")
    out, err = waiting.communicate(timeout=10)
    assert waiting.returncode == 0 and err == ""
    assert out.splitlines() == [f"draining: {calls}, 0 TURN allocations left"
                                for calls in ("2 calls", "1 call", "0 calls")] + ["drained"]
    assert daemon.alive() and ctl.text("drain", "--wait").splitlines()[-1] == "drained"


def test_one_waits_no_longer(begin, ctl, phones):
    daemon = begin()
    daemon.ng.offer("one", phones().sdp())
    status, _, err = ctl.run("drain", "--wait", "--timeout=1")
    assert status == 4 and "1 left when the time was over" in err
    waiting = ctl.start("drain", "--wait")
    time.sleep(0.5)
    ctl.text("undrain")
    _, err = waiting.communicate(timeout=10)
    assert waiting.returncode == 1 and "work again" in err
    assert daemon.alive()


def test_the_process_may_end_with_it(begin, ctl, phones):
    daemon = begin()
    daemon.ng.offer("one", phones().sdp())
    waiting = ctl.start("drain", "--exit", "--wait")
    wait_for(daemon, "event=drain state=leaving")
    assert ctl.json("undrain")["state"] == "working"  # an operator may change his mind
    assert waiting.communicate(timeout=10) and waiting.returncode == 1
    daemon.ng.offer("two", phones().sdp())
    waiting = ctl.start("drain", "--exit", "--wait")
    wait_for(daemon, "event=drain state=leaving calls=2")
    for name in ("one", "two"):
        daemon.ng.delete(name)
    assert ends_within(daemon, 10) < 3
    out, _ = waiting.communicate(timeout=10)
    assert waiting.returncode == 0 and out.splitlines()[-1] in ("the process has ended", "drained")
    assert "event=drain state=empty calls=0" in daemon.log()


def test_an_end_has_its_time(begin, ctl, phones):
    daemon = begin("--drain-timeout=600")
    daemon.ng.offer("one", phones().sdp())
    status, out, err = ctl.run("drain", "--exit", "--wait", "--timeout=2")
    assert status == 4 and "in 0:00:02 at the latest" in out and "time was over" in err
    ends_within(daemon, 5)
    assert "event=drain state=over calls=1" in daemon.log()
    assert "call-id=one event=call-ended reason=shutdown" in daemon.log()


# By a signal


def test_without_drain_timeout_it_ends_at_once(begin, phones):
    daemon = begin()
    daemon.ng.offer("one", phones().sdp())
    daemon.process.send_signal(signal.SIGTERM)
    assert ends_within(daemon, 10) < 3
    assert "event=drain" not in daemon.log()


def test_the_calls_are_waited_for(begin, ctl, phones):
    daemon = begin("--drain-timeout=60")
    a, b = phones(), phones()
    ports = connect(daemon.ng, "known", a, b)
    daemon.process.send_signal(signal.SIGTERM)
    wait_for(daemon, "event=drain state=leaving calls=1 allocations=0")
    assert refuses_new_calls(daemon, a)
    for seq in range(20):
        assert talks(a, b, ports, seq)
        time.sleep(0.05)
    state = ctl.json("drain")  # changes nothing any more
    assert state["state"] == "leaving" and 50 < state["seconds_left"] <= 60
    status, _, err = ctl.run("undrain")
    assert status == 1 and "a signal has told" in err
    assert daemon.alive() and ctl.run("ready")[0] == 1
    daemon.ng.delete("known")
    assert ends_within(daemon, 10) < 3
    log = daemon.log()
    assert log.index("event=stop signal=15") < log.index("event=drain state=empty calls=0") < log.index("event=stopped")


def test_an_allocation_is_waited_for_as_well(begin, connect_turn):
    daemon = begin("--drain-timeout=60", "--turn-user=alice:wonderland", "--turn-realm=example.org")
    running = connect_turn(daemon).allocated()
    daemon.process.send_signal(signal.SIGTERM)
    wait_for(daemon, "event=drain state=leaving calls=0 allocations=1")
    assert connect_turn(daemon).allocate().code == 403 and running.refresh().ok()
    time.sleep(0.5)
    assert daemon.alive() and running.refresh(0).ok()
    assert ends_within(daemon, 10) < 3


def test_they_are_waited_for_no_longer_than_that(begin, phones):
    daemon = begin("--drain-timeout=2")
    daemon.ng.offer("one", phones().sdp())
    daemon.process.send_signal(signal.SIGTERM)
    assert 1.5 < ends_within(daemon, 10) < 5
    assert "event=drain state=over calls=1" in daemon.log()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(begin, phones, second):
    daemon = begin("--drain-timeout=60")
    daemon.ng.offer("one", phones().sdp())
    daemon.process.send_signal(signal.SIGTERM)
    wait_for(daemon, "event=drain state=leaving")
    daemon.process.send_signal(second)
    assert ends_within(daemon, 10) < 3


def test_an_interrupt_does_not_wait(begin, phones):
    daemon = begin("--drain-timeout=60")
    daemon.ng.offer("one", phones().sdp())
    daemon.process.send_signal(signal.SIGINT)
    assert ends_within(daemon, 10) < 3


def test_with_nothing_to_wait_for_it_ends_at_once(begin):
    daemon = begin("--drain-timeout=60")
    daemon.process.send_signal(signal.SIGTERM)
    assert ends_within(daemon, 10) < 3


def test_a_held_node_is_ended_by_a_signal_as_any_other(begin, ctl, phones):
    daemon = begin("--drain-timeout=2")
    daemon.ng.offer("one", phones().sdp())
    ctl.text("drain")
    daemon.process.send_signal(signal.SIGTERM)
    assert 1.5 < ends_within(daemon, 10) < 5


def test_the_time_can_be_reloaded(begin, phones, tmp_path):
    config = tmp_path / "mediaferry.conf"
    config.write_text("[mediaferry]\n")
    daemon = begin(config=config)
    daemon.ng.offer("one", phones().sdp())
    config.write_text("[mediaferry]\ndrain-timeout = 60\n")
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(daemon, "event=reload result=ok changed=drain-timeout")
    daemon.process.send_signal(signal.SIGTERM)
    wait_for(daemon, "event=drain state=leaving")
    daemon.ng.delete("one")
    ends_within(daemon, 10)


def test_systemd_is_asked_for_patience(begin, phones, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(tmp_path / "notify"))
        notify.settimeout(10)
        daemon = begin("--drain-timeout=60", environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert notify.recv(4096) == b"READY=1"
        daemon.ng.offer("one", phones().sdp())
        daemon.process.send_signal(signal.SIGTERM)
        told = notify.recv(4096).decode()
        assert "EXTEND_TIMEOUT_USEC=" in told and "STATUS=draining: 1 calls, 0 TURN allocations" in told
        seconds = int(told.partition("EXTEND_TIMEOUT_USEC=")[2].split()[0]) / 1e6
        begun = time.monotonic()
        assert b"EXTEND_TIMEOUT_USEC=" in notify.recv(4096) and time.monotonic() - begun < seconds / 3
        daemon.ng.delete("one")
        while (told := notify.recv(4096)) != b"STOPPING=1":
            assert b"EXTEND_TIMEOUT_USEC=" in told
        ends_within(daemon, 10)
