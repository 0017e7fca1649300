# SPDX-License-Identifier: Apache-2.0
"""Calls by the thousand: descriptors and memory come back to where they were."""
import os
import time

import rtp
import stun


def comes_back_to(relay, descriptors, seconds=5):
    """The worker closes sockets after the reply to the delete has gone out."""
    deadline = time.monotonic() + seconds
    while relay.descriptors() > descriptors and time.monotonic() < deadline:
        time.sleep(0.05)
    return relay.descriptors() <= descriptors


def churn(relay, phone, count, first):
    for n in range(first, first + count):
        name = f"churn-{n}"
        if n % 4 == 0:
            relay.ng.offer(name, phone.sdp(), ICE="force", DTLS="passive", transport_protocol="UDP/TLS/RTP/SAVPF")
        else:
            relay.ng.offer(name, phone.sdp())
        if n % 2 == 0:
            relay.ng.answer(name, phone.sdp())
        relay.ng.delete(name, flags=["fast"])


def test_ten_thousand_calls_leave_nothing_behind(start, phones):
    # What AddressSanitizer keeps of freed memory would hide what the relay keeps.
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
    relay = start("--log-level=5", environment={"ASAN_OPTIONS": options.lstrip(":")})
    idle = relay.descriptors()
    phone = phones()
    churn(relay, phone, 2000, 0)  # warm up: pools and caches have their size
    resident = relay.resident_kib()
    churn(relay, phone, 10000, 2000)
    assert relay.ng.calls() == []
    assert comes_back_to(relay, idle)
    # 10,000 calls of 23 KiB would be 230 MiB; the replies kept by cookie for 30-60 s are 64 MiB at most.
    assert relay.resident_kib() - resident < 90 * 1024


def test_a_call_that_had_media_leaves_nothing_behind(start, phones):
    relay = start("--log-level=5")
    idle = relay.descriptors()
    a, b = phones(), phones()
    for n in range(300):
        to_b = relay.ng.offer(f"m{n}", a.sdp())
        to_a = relay.ng.answer(f"m{n}", b.sdp())
        a.send(rtp.media_address(to_a), rtp.packet(n))
        b.receive()
        b.send(rtp.media_address(to_b), stun.message())
        relay.ng.delete(f"m{n}")
    assert relay.ng.calls() == []
    assert comes_back_to(relay, idle)
