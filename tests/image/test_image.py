# SPDX-License-Identifier: Apache-2.0
"""The container as an operator runs it: on the host's network, by no user with rights, stopped by its engine."""
import json
import time
import urllib.error
import urllib.request

import pytest

import container
import rtp
from daemon import free_port
from ng import NgClient


class Relay:
    """A container of the image that answers ng."""

    def __init__(self, start, *options, environment=None, podman_options=()):
        self.port, self.admin = free_port(), free_port()
        self.container = start(
            "--config-file=none", "--interface=127.0.0.1", f"--listen-ng=127.0.0.1:{self.port}", f"--listen-admin={self.admin}",
            "--admin-token=a-token-of-the-tests", f"--turn-listening-port={free_port()}", f"--webrtc-port={free_port()}", "--num-threads=1", *options,
            environment=environment, podman_options=podman_options)
        self.ng = NgClient(("127.0.0.1", self.port), timeout=0.3)
        self.wait()
        self.ng.socket.settimeout(5)

    def wait(self):
        for _ in range(100):
            try:
                if self.ng.request(command="ping")["result"] == "pong":
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"no answer from the container\n{self.container.log()}")

    def status(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=5) as reply:
                return reply.status
        except urllib.error.HTTPError as refused:
            return refused.code


@pytest.fixture
def relay(start):
    made = []

    def begin(*options, **keys):
        made.append(Relay(start, *options, **keys))
        return made[-1]

    yield begin
    for one in made:
        one.ng.close()


def talk(relay, phones, call):
    """A call with a packet each way."""
    a, b = phones(), phones()
    to_a = relay.ng.offer(call, a.sdp())
    to_b = relay.ng.answer(call, b.sdp())
    for phone, other, sdp in ((a, b, to_b), (b, a, to_a)):
        packet = rtp.packet(1, ssrc=7, payload=b"v" * 160)
        phone.send(rtp.media_address(sdp), packet)
        assert other.receive()[0] == packet


def test_a_call_through_the_container(relay, phones):
    talk(relay("--drain-timeout=0"), phones, "in-a-container")


def test_it_runs_without_rights_on_a_file_system_it_cannot_write(relay, phones):
    one = relay(podman_options=("--cap-drop=ALL", "--security-opt=no-new-privileges", "--read-only"))
    talk(one, phones, "no-rights")
    assert "uid=10001" in one.container.exec("id").stdout
    assert "CapEff:\t0000000000000000" in one.container.exec("cat", "/proc/1/status").stdout


def test_variables_are_options(relay):
    one = relay(environment={"MEDIAFERRY_LOG_LEVEL": "7", "MEDIAFERRY_MAX_SESSIONS": "0"})
    reply = one.ng.request(command="offer", call_id="none-may", from_tag="a", sdp="v=0\r\n")
    assert reply["result"] in ("load limit", "error"), reply
    assert "log-level=7" in one.container.log()


def test_the_engine_sees_its_health(relay):
    one = relay()
    container.podman("healthcheck", "run", one.container.id)
    assert one.status("/healthz") == one.status("/readyz") == 200


def test_it_stops_when_told(relay):
    one = relay()
    began = time.monotonic()
    assert one.container.stop() == 0, one.container.log()
    assert time.monotonic() - began < 8


def test_it_drains_before_it_stops(relay, phones):
    """As the preStop hook of Kubernetes does it: no new calls, not ready, and the old call goes on until it ends."""
    one = relay(environment={"MEDIAFERRY_DRAIN_TIMEOUT": "60"})
    talk(one, phones, "old")
    one.container.exec("mediaferryctl", "drain")
    assert one.status("/readyz") == 503 and one.status("/healthz") == 200
    reply = one.ng.request(command="offer", call_id="new", from_tag="a", sdp=phones().sdp(),
                           supports=["load limit"])
    assert reply["result"] == "load limit", reply
    status = json.loads(one.container.exec("mediaferryctl", "status", "--json").stdout)
    assert "drain" in json.dumps(status)
    assert one.ng.command("delete", call_id="old", from_tag="A", delete_delay=0)["result"] == "ok"
    one.container.exec("mediaferryctl", "drain", "--wait")
    assert one.container.stop() == 0


def test_the_next_container_goes_on_with_the_calls(relay, phones, tmp_path):
    tmp_path.chmod(0o777)
    mounted = ("--volume", f"{tmp_path}:/calls")
    first = relay("--restart-file=/calls/now", podman_options=mounted)
    a, b = phones(), phones()
    to_a = rtp.media_address(first.ng.offer("moves", a.sdp()))
    to_b = rtp.media_address(first.ng.answer("moves", b.sdp()))
    assert first.container.stop() == 0, first.container.log()
    relay("--restart-file=/calls/now", podman_options=mounted)
    for phone, other, to in ((a, b, to_b), (b, a, to_a)):
        packet = rtp.packet(1, ssrc=7, payload=b"v" * 160)
        phone.send(to, packet)
        assert other.receive()[0] == packet


def test_a_bad_option_is_told_and_ends_it(start):
    one = start("--config-file=none", "--no-such-option")
    for _ in range(50):
        if one.inspect("{{.State.Running}}") == "false":
            break
        time.sleep(0.1)
    assert one.inspect("{{.State.ExitCode}}") not in ("0", "") and "no-such-option" in one.log()


def test_nothing_but_what_it_needs_is_in_the_image(image):
    listed = container.podman("run", "--rm", *container.LIMITS, "--network=host",
                              "--entrypoint=dpkg-query", container.IMAGE, "-W", "-f", "${Package}\n").stdout.split()
    assert not {"gcc", "clang", "clang-14", "meson", "git", "python3"} & set(listed)
    assert not [name for name in listed if name.endswith("-dev")]
