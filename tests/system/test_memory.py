# SPDX-License-Identifier: Apache-2.0
"""What calls take of memory: process memory that many of them add, their kept replies included.

For a release build: a sanitizer has memory of its own for each allocation.
"""
import time

CALLS = 2000
KIB_PER_CALL = 6.0

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 0\r\n"


def test_a_plain_call_takes_little_and_gives_it_back(start):
    relay = start("--log-level=4", "--port-min=30000", "--port-max=60000")
    for n in range(200):  # pools and tables are there
        relay.ng.offer(f"warm-{n}", SDP.format(10000), tag=f"a{n}")
        relay.ng.delete(f"warm-{n}", tag=f"a{n}", flags=["fast"])
    time.sleep(0.5)
    before, descriptors = relay.resident_kib(), relay.descriptors()
    for n in range(CALLS):
        relay.ng.offer(f"call-{n}", SDP.format(10000), tag=f"a{n}")
        relay.ng.answer(f"call-{n}", SDP.format(10002), tag=f"a{n}", to=f"b{n}")
    time.sleep(1)
    assert relay.descriptors() - descriptors == 4 * CALLS
    assert (relay.resident_kib() - before) / CALLS <= KIB_PER_CALL
