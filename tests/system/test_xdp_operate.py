# SPDX-License-Identifier: Apache-2.0
"""Starting and ending with XDP, what stands in its way, and what it leaves behind."""
import contextlib
import signal
import threading
import time

import pytest

import bpf
import rtp
from xdp_fixtures import needs_xdp

pytestmark = needs_xdp
RIGHTS = ("net_admin", "net_raw", "bpf", "ipc_lock")


def program_on(net, device="eth0"):
    """Whether there is an XDP program on the relay's device."""
    return "xdp" in net.link("relay", device)


def goes_by_sockets(net, relay, between):
    """It has warned, and media passes all the same."""
    used, why = relay.packet_io()
    assert used in ("epoll", "io_uring") and why
    between(relay, "near", "far").both_ways(5)
    return why


def nobody(*rights):
    """As a user without rights but these."""
    listed = ",".join(["-all", *(f"+{right}" for right in rights)])
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={listed}",
            f"--ambient-caps={listed}", f"--bounding-set={listed}", "--")


def test_a_user_with_few_rights(start_xdp, between):
    """Those that the manual names are enough."""
    between(start_xdp(wrapper=nobody(*RIGHTS)), "near", "far").by_xdp()


@pytest.mark.parametrize("missing", ["net_admin", "net_raw", "bpf"])
def test_a_right_is_missing(net, start_xdp, between, missing):
    relay = start_xdp(wrapper=nobody(*(right for right in RIGHTS if right != missing)))
    assert "CAP_" in goes_by_sockets(net, relay, between)
    assert not program_on(net)


def test_no_memory_may_be_locked(net, start_xdp, between):
    limit = ("prlimit", f"--memlock={1 << 20}:{1 << 20}", "--")
    relay = start_xdp(wrapper=(*limit, *nobody(*(right for right in RIGHTS if right != "ipc_lock"))))
    assert "MEMLOCK" in goes_by_sockets(net, relay, between)
    assert not program_on(net)


@pytest.mark.parametrize("mode", [bpf.NATIVE, bpf.GENERIC])
def test_another_program_is_there(net, start_xdp, between, mode):
    with net.inside("relay"), bpf.attached("eth0", mode):
        relay = start_xdp()
        assert "eth0" in goes_by_sockets(net, relay, between)
        assert program_on(net), "it is not ours to remove"
    assert not program_on(net)


def test_a_second_process_on_one_interface(net, start_xdp, between):
    first, second = start_xdp(), start_xdp("--port-min=30000", "--port-max=39999", turn=["min-port=60000",
                                                                                          "max-port=60999"])
    goes_by_sockets(net, second, between)
    between(first, "near", "far").by_xdp()
    second.stop()
    between(first, "near", "far").by_xdp()


@pytest.mark.parametrize("options", [["--xdp-interface=eth0"], ["--xdp-interface=nothing0", "--xdp-interface=eth0"],
                                     ["--xdp-attach=native"]])
def test_interfaces_by_name(start_xdp, between, options):
    between(start_xdp(*options), "near", "far").by_xdp()


@pytest.mark.parametrize("name", ["nothing0", "lo", "a-name-that-is-too-long"])
def test_interfaces_that_will_not_do(net, start_xdp, between, name):
    assert name in goes_by_sockets(net, start_xdp(f"--xdp-interface={name}"), between)
    assert not program_on(net)


def test_it_ends_as_it_should_and_leaves_no_program(net, start_xdp, between):
    relay = start_xdp()
    call = between(relay, "near", "far")
    call.by_xdp()
    assert program_on(net)
    relay.stop()
    assert not program_on(net)
    assert call.a.hears_nothing(0.05)


def test_it_ends_while_all_talk(start_xdp, between):
    """What is on its way in rings is no obstacle."""
    relay = start_xdp("--num-threads=2")
    calls = [between(relay, "near", other) for other in ("near", "far") * 2]
    for call in calls:
        call.settle()
    over = threading.Event()

    def shout():
        while not over.is_set():
            for call in calls:
                for speaker, to, _ in call.ends():
                    with contextlib.suppress(OSError):  # the port is closed now
                        speaker.send(to, rtp.packet(1))

    thread = threading.Thread(target=shout)
    thread.start()
    try:
        time.sleep(0.3)
        relay.stop()
    finally:
        over.set()
        thread.join()


def test_calls_go_on_in_the_next_process(net, start_xdp, between, tmp_path):
    relay = start_xdp(f"--restart-file={tmp_path}/calls", "--num-threads=2")
    calls = [between(relay, "near", "far", family) for family in (4, 6, 4)]
    for call in calls:
        call.by_xdp(5)
    relay.end()
    assert not program_on(net)
    with net.inside("relay"):
        relay.process.begin()
    for call in calls:
        call.by_xdp(10)


def test_killed_it_leaves_no_program_and_another_starts_at_once(net, start_xdp, between):
    for _ in range(5):
        relay = start_xdp()
        between(relay, "near", "far").by_xdp(10)
        relay.process.process.send_signal(signal.SIGKILL)
        relay.stop(expected=-signal.SIGKILL)
        assert not program_on(net)
    between(start_xdp(), "near", "far").by_xdp()


def test_reload_does_not_disturb(start_xdp, between, tmp_path):
    relay = start_xdp(in_file=tmp_path / "mediaferry.conf")
    call = between(relay, "near", "far")
    call.settle()
    call.speak(call.a, call.a_to, call.b, 0.2)
    relay.reload(lambda options: [*options, "user-quota=7"])
    heard = [seq for _, seq in call.speak(call.a, call.a_to, call.b, 1)]
    assert heard == list(range(heard[0], heard[0] + len(heard))) and len(heard) >= 90
    assert "event=reload result=ok" in relay.log()
    call.by_xdp()


def test_ports_that_are_closed_are_the_kernels_again(net, start_xdp, between):
    """After a call its port gives an ICMP error, as ports without a socket do, and the next call has it again."""
    relay = start_xdp()
    for _ in range(5):
        call = between(relay, "near", "near")
        call.by_xdp(5)
        relay.ng.delete(call.name, flags=["fast"])
        call.a.rtp.connect(call.a_to)
        call.a.rtp.send(b"anybody?")
        with pytest.raises(ConnectionRefusedError):
            deadline = time.monotonic() + 2
            while time.monotonic() < deadline:
                call.a.rtp.send(b"anybody?")
                time.sleep(0.01)
