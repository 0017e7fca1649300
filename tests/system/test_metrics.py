# SPDX-License-Identifier: Apache-2.0
"""/metrics of a daemon that works: sound for Prometheus, and true."""
import pytest

import rtp
from ctl import Ctl
from daemon import Daemon
from prometheus import Scrape
from test_plain_call import connect


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    path = tmp_path_factory.mktemp("control") / "control.sock"
    daemon = Daemon(f"--listen-control={path}", "--num-threads=2", "--interface=in/127.0.0.1;out/127.0.0.2",
                    "--turn-user=alice:wonderland", "--max-sessions=3", interface="127.0.0.1")
    yield daemon, Ctl(path)
    daemon.stop()


@pytest.fixture
def relay(watched):
    return watched[0]


@pytest.fixture
def scrape(watched):
    return lambda: Scrape(watched[1].text("metrics"))


def test_prometheus_can_read_it(scrape):
    metrics = scrape()
    assert len(metrics.types) > 90
    again = scrape()
    assert again.types == metrics.types
    for key, value in metrics.values.items():
        if metrics.types[key[0]] == "counter":
            assert again.values[key] >= value, key


def test_calls_move_the_numbers(relay, scrape, call, phones):
    a, b = phones(), phones()
    before = scrape()
    a_sends_to, b_sends_to = connect(relay.ng, call, a, b)
    for seq in range(10):
        a.send(a_sends_to, rtp.packet(seq, ssrc=0xA))
        b.receive()
    b.send(b_sends_to, rtp.packet(1, ssrc=0xB))
    a.receive()
    after = scrape()

    def moved(name, /, **labels):
        return after.get(name, **labels) - before.values.get((name, tuple(sorted(labels.items()))), 0)

    assert moved("mediaferry_calls") == moved("rtpengine_sessions", type="own") == 1
    assert moved("mediaferry_calls_begun_total") == moved("rtpengine_sessions_total") == 1
    assert moved("mediaferry_streams") == moved("rtpengine_mediastreams", type="userspace") == 2
    assert moved("mediaferry_relayed_packets_total") == moved("rtpengine_packets_total", type="userspace") == 11
    assert moved("mediaferry_relayed_bytes_total") == moved("rtpengine_bytes_total", type="userspace") == 11 * 172
    assert moved("mediaferry_received_packets_total") == moved("mediaferry_sent_packets_total") == 11
    assert moved("mediaferry_ports_used", interface="in", address="127.0.0.1") == 4
    assert moved("rtpengine_ports_free", name="in", address="127.0.0.1") == -4
    assert moved("mediaferry_ng_requests_total", command="offer") == 1
    assert moved("rtpengine_requests_total", proxy="127.0.0.1", request="answer") == 1
    for name in ("calls", "streams", "received_packets_total", "sent_packets_total"):
        assert after.sum(f"mediaferry_worker_{name}") == after.sum(f"mediaferry_{name}")
    relay.ng.delete(call)
    ended = scrape()
    assert ended.get("mediaferry_calls") == before.get("mediaferry_calls")
    assert ended.get("mediaferry_calls_ended_total", reason="deleted") == \
        before.get("mediaferry_calls_ended_total", reason="deleted") + 1
    assert ended.get("rtpengine_closed_sessions_total", reason="terminated") == \
        before.get("rtpengine_closed_sessions_total", reason="terminated") + 1


def test_refusals_are_counted(relay, scrape, phones):
    before, names = scrape(), [f"limit-{i}" for i in range(3)]
    for name in names:
        relay.ng.offer(name, phones().sdp())
    assert relay.ng.request(command="offer", call_id="x", from_tag="A", sdp=phones().sdp())["result"] == "error"
    after = scrape()
    for name in names:
        relay.ng.delete(name)
    assert after.get("mediaferry_calls_refused_total") == before.get("mediaferry_calls_refused_total") + 1
    assert after.get("rtpengine_closed_sessions_total", reason="rejected") == \
        before.get("rtpengine_closed_sessions_total", reason="rejected") + 1
    assert after.get("mediaferry_ng_errors_total", command="offer") == \
        before.get("mediaferry_ng_errors_total", command="offer") + 1
    assert after.get("rtpengine_errors_total", proxy="127.0.0.1") == \
        before.get("rtpengine_errors_total", proxy="127.0.0.1") + 1


def test_the_process_tells_of_itself(relay, scrape):
    metrics = scrape()
    info = [dict(labels) for (name, labels) in metrics.values if name == "mediaferry_info"]
    assert len(info) == 1 and set(info[0]) == {"version", "packet_io", "srtp_engine"}
    assert metrics.get("process_resident_memory_bytes") == pytest.approx(relay.resident_kib() * 1024, rel=0.2)
    assert 0 < metrics.get("process_cpu_seconds_total") < 600
    assert metrics.get("process_max_fds") >= 1024
    assert metrics.get("mediaferry_draining") == 0
    assert metrics.get("mediaferry_admin_requests_total", result="answered") > 0


def test_nothing_of_a_call_is_a_label(relay, scrape, call, phones):
    """Neither call-ids nor users nor peers: series would grow without end."""
    connect(relay.ng, call, phones(), phones())
    labels = {label for _, labels in scrape().values for label, _ in labels}
    assert labels <= {"reason", "worker", "interface", "address", "name", "command", "proxy", "request", "result", "type",
                      "version", "packet_io", "srtp_engine", "way", "place"}
