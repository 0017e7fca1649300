# SPDX-License-Identifier: Apache-2.0
"""What an operator's signals do, and what is left after the end."""
import signal
import socket
import time

from daemon import Daemon


def wait_for(daemon, line, seconds=5):
    deadline = time.monotonic() + seconds
    while line not in daemon.log():
        assert time.monotonic() < deadline, f"no {line!r} in\n{daemon.log()}"
        time.sleep(0.05)


def test_usr1_and_usr2_change_the_log_level(start):
    daemon = start("--log-level=5")
    daemon.process.send_signal(signal.SIGUSR2)
    wait_for(daemon, "event=log-level level=6")
    daemon.process.send_signal(signal.SIGUSR1)
    wait_for(daemon, "event=log-level level=5")


def test_hup_reads_the_configuration_again(start, tmp_path):
    config = tmp_path / "mediaferry.conf"
    config.write_text("[turn]\nuser = alice:one\n")
    daemon = start(config=config)
    config.write_text("[mediaferry]\ntos = 8\n[turn]\nuser = alice:two\nuser-quota = 3\n")
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(daemon, 'event=reload result=ok changed="turn-user turn-user-quota"')
    wait_for(daemon, "event=reload-incomplete options=tos")
    assert daemon.ng.request(command="ping") == {"result": "pong"}
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(daemon, "event=reload result=ok changed=\"\"")


def test_hup_with_an_impossible_configuration_changes_nothing(start, tmp_path):
    config = tmp_path / "mediaferry.conf"
    config.write_text("[turn]\nuser = alice:one\n")
    daemon = start(config=config)
    config.write_text("[turn]\nuser = alice:two\nuser-quota = many\n")
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(daemon, f"event=reload result=error why=\"{config}:3: option 'turn-user-quota'")
    assert daemon.ng.request(command="ping") == {"result": "pong"}


def test_term_stops_in_order_though_it_comes_twice(start, tmp_path):
    pidfile = tmp_path / "pid"
    daemon = start(f"--pidfile={pidfile}")
    assert pidfile.read_text() == f"{daemon.process.pid}\n"
    for _ in range(20):
        daemon.process.send_signal(signal.SIGTERM)
        time.sleep(0.001)
    assert daemon.process.wait(10) == 0
    log = daemon.log().splitlines()
    assert log[-1].endswith("event=stopped status=0")
    assert sum("event=stop " in line for line in log) == 1
    assert not pidfile.exists()


def test_an_address_in_use_is_named():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        daemon = Daemon(f"--webrtc-port={port}", wait=False)
        assert daemon.process.wait(10) == 1
        assert f"cannot listen on 127.0.0.1:{port}/udp" in daemon.log()
        assert "option 'webrtc-port'" in daemon.log()
        daemon.stop(expected=1)
