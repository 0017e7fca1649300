# SPDX-License-Identifier: Apache-2.0
"""Calls by the thousand: descriptors and memory come back to where they were."""
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
    relay = start("--log-level=5")
    phone = phones()
    churn(relay, phone, 2000, 0)  # warm up: pools and caches have their size
    descriptors, resident = relay.descriptors(), relay.resident_kib()
    churn(relay, phone, 10000, 2000)
    assert relay.ng.calls() == []
    assert comes_back_to(relay, descriptors)
    # The quarantine of AddressSanitizer alone may hold 256 MiB; a leak of one call's state would be more.
    assert relay.resident_kib() - resident < 300 * 1024


def test_a_call_that_had_media_leaves_nothing_behind(start, phones):
    relay = start("--log-level=5")
    a, b = phones(), phones()
    descriptors = None
    for n in range(300):
        to_b = relay.ng.offer(f"m{n}", a.sdp())
        to_a = relay.ng.answer(f"m{n}", b.sdp())
        a.send(rtp.media_address(to_a), rtp.packet(n))
        b.receive()
        b.send(rtp.media_address(to_b), stun.message())
        relay.ng.delete(f"m{n}")
        descriptors = descriptors or relay.descriptors()
    assert relay.ng.calls() == []
    assert comes_back_to(relay, descriptors)
