# SPDX-License-Identifier: Apache-2.0
"""Load: packets gather while there is much to do, workers keep to their cores, new calls go where it is quiet."""
import os
import pathlib
import re
import statistics
import time

import rtp
from daemon import free_port
from turn_admin import TOKEN, Admin

WAIT_US = 10_000


def busy_relay(start, *options):
    port = free_port()
    relay = start(f"--batch-wait={WAIT_US}", f"--listen-admin=127.0.0.1:{port}", f"--admin-token={TOKEN}", *options)
    return relay, Admin(port)


def connect(relay, phones, call):
    """Two phones in a call, and the address that the first sends to."""
    a, b = phones(), phones()
    relay.ng.offer(call, a.sdp())
    return a, b, rtp.media_address(relay.ng.answer(call, b.sdp()))


def talk_steadily(a, b, to, count, each_s):
    """What the second phone heard, by sequence number."""
    heard = []
    b.rtp.setblocking(False)

    def listen():
        try:
            while True:
                heard.append(rtp.parse(b.rtp.recv(2048))["seq"])
        except BlockingIOError:
            pass

    began = time.monotonic()
    for seq in range(count):
        a.send(to, rtp.packet(seq))
        while time.monotonic() < began + seq * each_s:
            listen()
    deadline = time.monotonic() + 5
    while len(heard) < count and time.monotonic() < deadline:
        listen()
    b.rtp.setblocking(True)
    b.rtp.settimeout(5)
    return heard


def delays(a, b, to, count):
    for seq in range(count):
        sent = time.monotonic()
        a.send(to, rtp.packet(seq, ssrc=0xE))
        b.receive()
        yield time.monotonic() - sent
        time.sleep(0.03)


def test_packets_gather_under_load_and_only_then(start, phones):
    relay, admin = busy_relay(start)
    a, b, to = connect(relay, phones, "gathers")
    assert min(delays(a, b, to, 10)) < WAIT_US / 1e6 / 2, "an idle worker waits"
    assert admin.metric("gather_waits_total") == 0

    batches = admin.metric("batches_total")
    assert talk_steadily(a, b, to, 2000, 0.0005) == list(range(2000))  # 20 in a wait
    waits = admin.metric("gather_waits_total")
    assert 10 < waits < 300
    assert admin.metric("batches_total") - batches < 700

    time.sleep(1)
    waits = admin.metric("gather_waits_total")
    assert min(delays(a, b, to, 10)) < WAIT_US / 1e6 / 2
    assert admin.metric("gather_waits_total") == waits


def test_commands_are_answered_under_load(start, phones):
    """An offer, an answer and a query that waits for the worker, while packets gather."""
    relay, _ = busy_relay(start)
    a, b, to = connect(relay, phones, "loud")
    took = []
    for n in range(10):
        assert len(talk_steadily(a, b, to, 100, 0.0005)) == 100
        began = time.monotonic()
        connect(relay, phones, f"more-{n}")
        assert relay.ng.query(f"more-{n}")["totals"]["RTP"]["packets"] == 0
        took.append(time.monotonic() - began)
    assert statistics.median(took) < 0.5


def cores_of(relay):
    """The cores each thread may run on, by its name."""
    cores = {}
    for task in pathlib.Path(f"/proc/{relay.process.pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        cores[name] = re.search(r"Cpus_allowed_list:\s*(\S+)", (task / "status").read_text())[1]
    return cores


def test_workers_keep_to_their_cores(start, phones):
    allowed = sorted(os.sched_getaffinity(0))
    free = cores_of(start("--num-threads=2"))
    assert free["media-0"] == free["media-1"] == free["mediaferry"]

    one = start("--num-threads=2", f"--worker-affinity={allowed[-1]}")
    connect(one, phones, "pinned")
    assert cores_of(one)["media-0"] == cores_of(one)["media-1"] == str(allowed[-1])
    assert cores_of(one)["mediaferry"] == free["mediaferry"]

    each = cores_of(start(f"--num-threads={len(allowed) + 1}", "--worker-affinity=auto"))
    for n in range(len(allowed) + 1):
        assert each[f"media-{n}"] == str(allowed[n % len(allowed)])


def worker_of(relay, call):
    line = next(line for line in relay.log().splitlines() if "call-created" in line and f"={call} " in line)
    return re.search(r"worker=(\d+)", line)[1]


def test_new_calls_go_where_it_is_quiet(start, phones):
    relay = start("--num-threads=2")
    a, b, to = connect(relay, phones, "loud")
    assert len(talk_steadily(a, b, to, 2500, 0.001)) == 2500
    for n in range(3):
        connect(relay, phones, f"quiet-{n}")
    workers = [worker_of(relay, call) for call in ("loud", "quiet-0", "quiet-1", "quiet-2")]
    assert workers[1:] == [workers[1]] * 3 and workers[0] != workers[1]
