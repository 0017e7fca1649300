# SPDX-License-Identifier: Apache-2.0
"""mediaferryctl beside a running daemon: what an operator sees, and what he can end."""
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import time

import pytest

import rtp
from ctl import CTL, Ctl
from daemon import BINARY, Daemon, free_port
from ng import NgError
from test_plain_call import connect


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A daemon and the ctl of it."""
    path = tmp_path_factory.mktemp("control") / "control.sock"
    daemon = Daemon(f"--listen-control={path}", "--num-threads=2", "--timeout=600", "--turn-user=alice:wonderland",
                    "--turn-static-auth-secret=north")
    yield daemon, Ctl(path)
    daemon.stop()
    assert not path.exists()


@pytest.fixture
def relay(watched):
    return watched[0]


@pytest.fixture
def ctl(watched):
    return watched[1]


def talk(a, b, a_sends_to, b_sends_to, packets=60, first=0):
    """Both ways; each packet arrives before the next."""
    for seq in range(first, first + packets):
        for who, to, other, ssrc in ((a, a_sends_to, b, 0xA), (b, b_sends_to, a, 0xB)):
            who.send(to, rtp.packet(seq, ssrc=ssrc, pt=8))
            other.receive()


# Seeing


def test_the_node_at_a_glance(relay, ctl, call, phones):
    a, b = phones(), phones()
    before = ctl.json("status")
    talk(a, b, *connect(relay.ng, call, a, b))
    time.sleep(1.3)  # rates are looked at once a second
    status = ctl.json("status")
    assert status["version"] and status["pid"] == relay.process.pid and 0 <= status["uptime"] < 600
    assert status["state"] == "working" and status["draining"] is False
    assert status["calls"]["now"] == before["calls"]["now"] + 1
    assert status["calls"]["begun"] == before["calls"]["begun"] + 1
    assert status["media"]["streams"] == before["media"]["streams"] + 2
    assert status["media"]["relayed_packets"] == before["media"]["relayed_packets"] + 120
    assert status["packets"]["received"] == before["packets"]["received"] + 120
    assert 0 < status["packets"]["received_per_second"] <= 120
    assert status["packets"]["received_bits_per_second"] > 8 * 172
    assert [row["worker"] for row in status["workers"]] == [0, 1]
    assert sum(row["calls"] for row in status["workers"]) == status["calls"]["now"]
    assert status["ports"][0]["used"] == before["ports"][0]["used"] + 4
    assert status["turn"]["on"] is True
    assert status["packet_io"] in ("epoll", "io_uring") and status["srtp_engine"]
    lines = ctl.text("status").splitlines()
    assert len(lines) <= 24
    for word in ("mediaferry", "calls", "media", "received", "sent", "dropped", "ports", "turn", "ng", "worker"):
        assert any(line.startswith(f"{word} ") for line in lines), word


def test_drops_are_named(relay, ctl, call, phones):
    a = phones()
    to_a = rtp.media_address(relay.ng.offer(call, a.sdp()))
    for _ in range(7):
        a.send(to_a, b"\x80")  # no sound RTP
    deadline = time.monotonic() + 5
    while not ctl.json("status")["drops"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    status = ctl.json("status")
    row = status["drops"][0]
    assert row["packets"] >= 1 and row["text"] and status["packets"]["dropped"] >= row["packets"]
    assert row["reason"] in ctl.text("status")


def test_a_row_of_the_list(relay, ctl, call, phones):
    a, b = phones(), phones()
    ports = connect(relay.ng, call, a, b)
    row = ctl.calls()[call]
    assert row["parties"] == ["A", "B"] and row["state"] == "up" and row["streams"] == 2
    assert row["packets"] == 0 and row["idle"] is None and row["worker"] in (0, 1) and row["age"] < 10
    talk(a, b, *ports)
    row = ctl.calls()[call]
    assert row["packets"] == 120 and row["idle"] <= 2
    line = next(line for line in ctl.text("list").splitlines() if line.endswith(call))
    assert " now " in line and " A B " in line and " 120 " in line


def test_part_of_a_call_id_finds_it(relay, ctl, phones):
    names = [f"find-{i}@{host}" for host in ("here", "there") for i in range(3)]
    phone = phones()
    for name in names:
        relay.ng.offer(name, phone.sdp())
    try:
        found = ctl.json("list", "@here")
        assert [row["call_id"] for row in found["calls"]] == names[:3] and found["total"] == 3
        few = ctl.json("list", "find-", "--limit=4")
        assert [row["call_id"] for row in few["calls"]] == names[:4] and few["total"] == 6
        assert ctl.text("list", "find-", "--limit=4").splitlines()[-1] == "4 of 6 calls"
        assert ctl.json("list", "nothing like this")["calls"] == []
    finally:
        for name in names:
            relay.ng.delete(name)


def test_many_calls_come_in_pages(relay, ctl, phones):
    """More than one answer holds: none is missing, none comes twice, the oldest are first."""
    phone, names = phones(), [f"page-{i}" for i in range(1100)]
    for name in names:
        relay.ng.offer(name, phone.sdp())
    try:
        found = ctl.json("list", "page-")
        assert [row["call_id"] for row in found["calls"]] == names
        assert found["count"] == found["total"] == len(names)
        assert [row["call_id"] for row in ctl.json("list", "page-", "--limit=1050")["calls"]] == names[:1050]
        assert len(ctl.text("list", "page-").splitlines()) == len(names) + 1
    finally:
        for name in names:
            relay.ng.delete(name, flags=["fast"])


def test_who_sends_where(relay, ctl, call, phones):
    a, b = phones(), phones()
    a_sends_to, b_sends_to = connect(relay.ng, call, a, b)
    talk(a, b, a_sends_to, b_sends_to)
    a.rtcp.sendto(rtp.sender_report(0xA), (a_sends_to[0], a_sends_to[1] + 1))
    b.rtcp.recvfrom(2048)
    shown = ctl.text("show", call)
    assert f"call-id {call}\n" in shown and "plain RTP" in shown and "sends and receives" in shown
    assert f"ours 127.0.0.1:{a_sends_to[1]}, its 127.0.0.1:{a.port}\n" in shown
    assert f"ours 127.0.0.1:{b_sends_to[1]}, its 127.0.0.1:{b.port}\n" in shown
    assert "from it: 60 packets" in shown and "to it:   60 packets" in shown
    assert "SSRC 0000000a: 60 packets, lost 0, doubled 0" in shown
    assert "from it: 1 packets" in shown  # the report
    assert ctl.findings(call) == []
    told, queried = ctl.json("show", call), relay.ng.query(call)
    for name in ("created_ts", "totals"):
        assert told[name] == queried[name]
    assert told["tags"].keys() == queried["tags"].keys()
    assert told["call-id"] == call and told["worker"] in (0, 1) and told["state"] == "up"


def test_what_is_wrong_is_said(relay, ctl, call, phones):
    a, b = phones(), phones()
    relay.ng.offer(call, a.sdp())
    assert ctl.findings(call) == ["no answer has come yet"]
    to_a = rtp.media_address(relay.ng.answer(call, b.sdp()))
    for seq in range(100):
        if seq % 10:  # one in ten is lost on its way
            a.send(to_a, rtp.packet(seq, ssrc=0xA, pt=8))
            b.receive()
    deadline = time.monotonic() + 10
    while not (found := ctl.findings(call)) or len(found) < 2:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    assert any("packets from A are lost on their way to us" in line for line in found)
    assert any(line.startswith("no RTP has come from B") for line in found)


def test_a_browser_that_never_comes(relay, ctl, call, phones):
    offer = phones().sdp("111", "UDP/TLS/RTP/SAVPF", [
        "a=rtpmap:111 opus/48000/2", "a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=setup:actpass",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32), "a=rtcp-mux"])
    relay.ng.offer(call, offer, transport_protocol="RTP/AVP", ICE="remove")
    relay.ng.answer(call, phones().sdp("111", attributes=["a=rtpmap:111 opus/48000/2"]))
    shown = ctl.text("show", call)
    assert "DTLS-SRTP" in shown and "ICE, no valid pair yet" in shown and "opus/48000" in shown
    deadline = time.monotonic() + 10
    while not any(line.startswith("no valid ICE check has come from A") for line in ctl.findings(call)):
        assert time.monotonic() < deadline
        time.sleep(0.2)


# Ending


def test_a_call_is_terminated(relay, ctl, call, phones):
    a, b = phones(), phones()
    ports = connect(relay.ng, call, a, b)
    talk(a, b, *ports, packets=2)
    used, ended = (ctl.json("status")["ports"][0]["used"], ctl.json("status")["calls"]["ended"]["forced"])
    assert ctl.text("terminate", call) == f"{call}: terminated\n"
    a.send(ports[0], rtp.packet(9, pt=8))
    assert b.hears_nothing() and call not in ctl.calls()
    with pytest.raises(NgError, match="Unknown call-id"):
        relay.ng.query(call)
    assert ctl.json("status")["ports"][0]["used"] == used - 4
    assert ctl.json("status")["calls"]["ended"]["forced"] == ended + 1
    assert f"call-id={call} event=call-ended reason=forced" in relay.log()
    assert f"call-id={call} event=admin action=end-call" in relay.log()
    assert ctl.run("terminate", call) == (1, "", f"mediaferryctl: {call}: there is none\n")


def test_some_are_there_and_some_are_not(relay, ctl, phones):
    for name in ("end-1", "end-2"):
        relay.ng.offer(name, phones().sdp())
    status, out, err = ctl.run("terminate", "end-1", "no-such-call", "end-2")
    assert status == 1 and out == "end-1: terminated\nend-2: terminated\n" and "no-such-call: there is none" in err
    assert "end-1" not in ctl.calls() and "end-2" not in ctl.calls()


@pytest.mark.parametrize("name", ["a/../b", "100%41", "with space", "q?x=1&y#z", "-begins-with-a-dash",
                                  "\u00fcml\u00e4ut@host", "esc\x1b[2Jape", "line\nbreak", "x" * 1500])
def test_odd_call_ids(relay, ctl, phones, name):
    relay.ng.offer(name, phones().sdp())
    assert name in ctl.calls()
    assert ctl.json("show", "--", name)["call-id"] == name
    assert ctl.run("list")[0] == ctl.run("show", "--", name)[0] == 0  # and nothing of it commands the terminal
    assert ctl.run("terminate", "--", name)[0] == 0
    assert name not in ctl.calls()


# TURN


def test_turn(ctl):
    reply = ctl.json("turn", "credentials", "jabber wocky", "--ttl=60")
    assert reply["username"].endswith(":jabber wocky") and reply["ttl"] == 60
    assert "password  " in ctl.text("turn", "credentials", "x")
    assert ctl.json("turn", "list") == {"allocations": [], "count": 0, "total": 0}
    assert ctl.run("turn", "end", "12345") == (1, "", "mediaferryctl: 12345: there is none\n")
    assert ctl.text("turn", "end-user", "nobody") == "0 allocations ended\n"
    assert ctl.text("turn", "drain", "-a", "192.0.2.1:3478") == "TURN drains: 0 allocations\n"
    assert "DRAINING" in ctl.text("status") and ctl.run("ready")[0] == 1
    assert ctl.text("turn", "undrain") == "TURN works: 0 allocations\n"
    status, _, err = ctl.run("turn", "drain", "-a", "nowhere")
    assert status == 1 and "IP:PORT" in err


# Mistakes


def test_exit_statuses(ctl, tmp_path):
    assert ctl.run("ready") == (0, "ready\n", "")
    assert ctl.text("metrics").startswith("# HELP mediaferry_info")
    assert ctl.run("show", "no-such-call") == (1, "", "mediaferryctl: there is no such call\n")
    for words in ([], ["stats"], ["show"], ["show", "a", "b"], ["status", "--wait"], ["list", "--limit=0"]):
        status, out, err = ctl.run(*words)
        assert status == 2 and out == "" and err.startswith("mediaferryctl: ")
    status, _, err = Ctl(tmp_path / "nobody").run("status")
    assert status == 3 and "nobody listens there" in err
    (tmp_path / "file").write_text("")
    assert Ctl(tmp_path / "file").run("status")[0] == 3
    assert Ctl("/" + "x" * 200).run("status")[0] == 3


def test_what_answers_may_be_something_else(tmp_path):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "other"))
        other.listen()
        asking = Ctl(tmp_path / "other").start("status")
        there, _ = other.accept()
        there.recv(4096)
        there.sendall(b"220 mail.example.org ESMTP\r\n")
        there.close()
        _, err = asking.communicate(timeout=10)
        assert asking.returncode == 3 and "not mediaferry" in err


def test_the_manual_has_it_all(ctl):
    page = (pathlib.Path(__file__).parents[2] / "src" / "ctl" / "mediaferryctl.8").read_text()
    page = re.sub(r"\\f[A-Z]|\\|\"", "", page)
    shown = subprocess.run([CTL, "--help"], capture_output=True, text=True, check=True).stdout
    for option in re.findall(r"--([a-z-]+)", shown):
        assert f"--{option}" in page, option
    for command in re.findall(r"^  ([a-z]+(?: [a-z]+(?:-[a-z]+)?)?)", shown, re.M):
        assert command in page, command
    version = subprocess.run([CTL, "--version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("mediaferryctl ")


@pytest.mark.parametrize("milliseconds", [0, 3, 6, 10, 20, 40])
def test_it_may_stop_while_it_is_asked(tmp_path, phones, milliseconds):
    daemon = Daemon(f"--listen-control={tmp_path / 'control.sock'}", "--num-threads=2")
    ctl, phone = Ctl(tmp_path / "control.sock"), phones()
    for i in range(200):
        daemon.ng.offer(f"call-{i}", phone.sdp())
    asking = [ctl.start(*words) for words in (["list"], ["show", "call-7"], ["list", "call-1"], ["status"])]
    time.sleep(milliseconds / 1000)
    daemon.stop()
    for one in asking:
        one.communicate(timeout=20)
        assert one.returncode in (0, 3)


# The socket


def test_only_its_owner_can_use_it(ctl, tmp_path):
    assert stat.S_IMODE(os.stat(ctl.socket).st_mode) == 0o600
    if os.geteuid() != 0:
        pytest.skip("needs root to be somebody else")
    path = pathlib.Path(ctl.socket)
    folders = [folder for folder in path.parents if folder != pathlib.Path("/")]
    modes = [stat.S_IMODE(folder.stat().st_mode) for folder in folders]
    program = tmp_path / "mediaferryctl"
    program.write_bytes(pathlib.Path(CTL).read_bytes())
    folders += [folder for folder in program.parents if folder not in folders and folder != pathlib.Path("/")]
    modes += [stat.S_IMODE(folder.stat().st_mode) for folder in folders[len(modes):]]
    program.chmod(0o755)
    try:
        for folder in folders:
            folder.chmod(0o755)
        done = subprocess.run([program, f"--socket={path}", "status"], user=65534, group=65534, capture_output=True,
                              text=True, timeout=20, check=False)
        assert done.returncode == 3 and "for root and for the user that mediaferry runs as" in done.stderr
        path.chmod(0o666)
        done = subprocess.run([program, f"--socket={path}", "status"], user=65534, group=65534, capture_output=True,
                              text=True, timeout=20, check=False)
        assert done.returncode == 1 and "for root and for the user" in done.stderr
    finally:
        path.chmod(0o600)
        for folder, mode in zip(folders, modes):
            folder.chmod(mode)


def test_a_crash_leaves_nothing_in_the_way(start, tmp_path):
    path = tmp_path / "control.sock"
    dead = Daemon(f"--listen-control={path}")
    dead.process.send_signal(signal.SIGKILL)
    dead.process.wait()
    dead.ng.close()
    os.unlink(dead.log_file.name)
    assert path.exists()
    start(f"--listen-control={path}")
    assert Ctl(path).run("ready")[0] == 0


def fails_to_start(*options):
    done = subprocess.run([BINARY, "--config-file=none", "--interface=127.0.0.1", "--webrtc-port=0",
                           f"--listen-ng=127.0.0.1:{free_port()}", f"--turn-listening-port={free_port()}", *options],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_two_cannot_have_it(start, tmp_path):
    path = tmp_path / "control.sock"
    start(f"--listen-control={path}")
    assert f"cannot listen on '{path}': another process does" in fails_to_start(f"--listen-control={path}")
    assert Ctl(path).run("ready")[0] == 0
    assert "/nonexistent/x" in fails_to_start("--listen-control=/nonexistent/x")


def in_an_empty_run(*first):
    """A command in a mount namespace where /run is empty."""
    return ("unshare", "--mount", "sh", "-c", f"mount -t tmpfs none /run && {' '.join(first)} exec \"$0\" \"$@\"")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")
def test_the_default_is_there_where_it_can_be(start):
    daemon = start("--listen-control=/run/mediaferry/control.sock", wrapper=in_an_empty_run())
    ctl = Ctl("/run/mediaferry/control.sock", ("nsenter", f"--target={daemon.process.pid}", "--mount"))
    assert ctl.run("ready") == (0, "ready\n", "")
    assert ctl.run("status")[0] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")
def test_the_default_is_done_without_where_it_cannot_be(start):
    port = free_port()
    daemon = start("--listen-control=/run/mediaferry/control.sock", f"--listen-admin={port}",
                   "--admin-token=sixteen-and-more", wrapper=in_an_empty_run("touch /run/mediaferry;"))
    assert "event=no-control why=" in daemon.log() and f"for=admin address=127.0.0.1:{port}/tcp" in daemon.log()
