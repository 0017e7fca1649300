# SPDX-License-Identifier: Apache-2.0
"""Many calls over a restart: how long each is silent, and how long saving and restoring take. The numbers are in the
JUnit file; what is asserted leaves room for sanitizers and busy machines."""
import re
import signal
import threading
import time

import rtp
from daemon import Daemon
from test_restart import house, restored  # noqa: F401

ROUND_S = 0.06  # each call sends one packet in that time


class Chorus:
    """Many calls between two phones: who they are is told by the port of the relay."""

    def __init__(self, relay, phones, count, round_s=ROUND_S):
        self.a, self.b, self.round_s = phones(), phones(), round_s
        self.to, self.last, self.gap = [], {}, {}
        for n in range(count):
            b_to = rtp.media_address(relay.ng.offer(f"call-{n}", self.a.sdp("0")))
            self.to.append(rtp.media_address(relay.ng.answer(f"call-{n}", self.b.sdp("0"))))
            self.last[b_to] = self.gap[b_to] = 0.0
        self.over = False
        self.threads = [threading.Thread(target=part) for part in (self._send, self._listen)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        for thread in self.threads:
            thread.join()

    def _send(self):
        seq, began = 0, time.monotonic()
        while not self.over:
            packet = rtp.packet(seq)
            for n, to in enumerate(self.to):
                if n % 20 == 0:
                    time.sleep(max(0, began + (seq + n / len(self.to)) * self.round_s - time.monotonic()))
                self.a.send(to, packet)
            seq += 1

    def _listen(self):
        self.b.rtp.settimeout(0.2)
        while not self.over:
            try:
                _, source = self.b.rtp.recvfrom(2048)
            except TimeoutError:
                continue
            now, before = time.monotonic(), self.last[source]
            if before > 0:
                self.gap[source] = max(self.gap[source], now - before)
            self.last[source] = now

    def all_heard_since(self, moment, seconds=10):
        deadline = time.monotonic() + seconds
        while min(self.last.values()) < moment and time.monotonic() < deadline:
            time.sleep(0.02)
        return min(self.last.values()) >= moment


def milliseconds(relay, event):
    return int(re.findall(rf"event={event} calls=\d+ .*?\bms=(\d+)", relay.log())[-1])


def hand_over(relay):
    """As systemd restarts a unit: the next process begins when the one before is gone."""
    relay.process.send_signal(signal.SIGTERM)
    assert relay.process.wait() == 0, relay.log()[-4000:]
    Daemon.begin(relay, wait=False)


def test_the_gap_of_300_calls(house, phones, record_property):
    relay = house("--log-level=5")
    with Chorus(relay, phones, 300) as chorus:
        assert chorus.all_heard_since(time.monotonic())
        time.sleep(1)
        chorus.gap = dict.fromkeys(chorus.gap, 0.0)
        began = time.monotonic()
        hand_over(relay)
        relay.wait_ready()
        assert chorus.all_heard_since(time.monotonic()), "a call stays silent"
        took = time.monotonic() - began
    assert restored(relay) == (300, 0)
    gaps = sorted(1000 * gap for gap in chorus.gap.values())
    record_property("gap_ms_max", round(gaps[-1]))
    record_property("gap_ms_median", round(gaps[150]))
    record_property("packet_interval_ms", round(1000 * ROUND_S))
    record_property("saved_ms", milliseconds(relay, "saved"))
    record_property("restored_ms", milliseconds(relay, "restored"))
    print(f"gap of 300 calls: median {gaps[150]:.0f} ms, longest {gaps[-1]:.0f} ms, a packet each {1000 * ROUND_S:.0f} ms; "
          f"saved in {milliseconds(relay, 'saved')} ms, restored in {milliseconds(relay, 'restored')} ms, all in {1000 * took:.0f} ms")
    assert gaps[-1] < 5000


def test_a_thousand_calls(house, phones, record_property):
    relay = house("--log-level=5")
    chorus = Chorus(relay, phones, 1000)
    resident = relay.resident_kib()
    hand_over(relay)
    relay.wait_ready()
    assert restored(relay) == (1000, 0)
    assert len(relay.ng.calls()) == 1000
    record_property("saved_ms", milliseconds(relay, "saved"))
    record_property("restored_ms", milliseconds(relay, "restored"))
    record_property("resident_kib", resident)
    print(f"1000 calls saved in {milliseconds(relay, 'saved')} ms, restored in {milliseconds(relay, 'restored')} ms")
    chorus.over = False
    with chorus:
        assert chorus.all_heard_since(time.monotonic(), 20)
    for n in range(1000):
        relay.ng.delete(f"call-{n}", flags=["fast"])
    deadline = time.monotonic() + 10
    while relay.admin.metric("ports_used") > 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert relay.admin.metric("ports_used") == 0
