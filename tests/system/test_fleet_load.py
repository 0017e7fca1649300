# SPDX-License-Identifier: Apache-2.0
"""Many calls, and many deaths: so many as MEDIAFERRY_KILLS says. The figures are printed, and in the JUnit file."""
import os
import re
import time

from fleet_calls import EVERY_KIND
from fleet_network import PHONE
from fleet_redis import wait_for
from rtp import Phone
from test_fleet_takeover import fail_over
from test_restart_load import Chorus

KILLS = int(os.environ.get("MEDIAFERRY_KILLS", "10"))
KINDS = [*EVERY_KIND, "turn"]
MANY = 1000


def test_a_thousand_calls_are_taken_over(fleet, record_property):
    a, b = fleet.start("a", "b", options=["--log-level=5"])

    def phone():
        with fleet.net.inside("phone"):
            return Phone(PHONE)

    began = time.monotonic()
    chorus = Chorus(a, phone, MANY, round_s=0.3)
    set_up_s = time.monotonic() - began
    try:
        with chorus:
            assert chorus.all_heard_since(time.monotonic(), 20)
            wait_for(lambda: len(fleet.records()) == MANY and a.metric("fleet_items_waiting") == 0, 60, "the records")
            fleet.wait_settled()
            a.kill()
            fleet.net.move(1, "b")
            left_s = max(0, int(fleet.redis("pttl", f"{fleet.prefix}:lease:a"))) / 1000
            ended = time.monotonic() + left_s
            assert chorus.all_heard_since(ended, 60), "a call stays silent"
            heard_s = time.monotonic() - ended
        taken, took_ms = map(int, re.findall(r"event=taken-over node=a records=(\d+) ms=(\d+)", b.log())[-1])
        record_property("taken_ms", took_ms)
        record_property("gap_after_lease_ms", round(1000 * heard_s))
        print(f"{taken} calls taken over in {took_ms} ms; all heard {1000 * heard_s:.0f} ms after the end of the lease, "
              f"a packet each 300 ms; set up at {MANY / set_up_s:.0f} a second")
        assert taken == MANY and took_ms < 20000
        for n in range(MANY):
            b.ng.delete(f"call-{n}", flags=["fast"])
        wait_for(lambda: not fleet.records(), 30, "the end of the records")
        b.wait_metric("ports_used", 0)
    finally:
        chorus.a.close()
        chorus.b.close()


def test_several_workers(fleet):
    """Each browser meets the worker that has the port it was told."""
    a, b = fleet.start("a", "b", options=["--num-threads=3"])
    calls = fleet.calls(*["web"] * 6, *["plain", "sdes"] * 4, "turn", "turn", "turn")
    assert len({call.outside.to[1] for call in calls if call.kind == "web"}) == 3
    fleet.wait_saved(*calls)
    fleet.wait_settled("b")
    fail_over(fleet)
    fleet.sound(30)
    fleet.hang_up(node="b")
    assert a.is_killed and b.metric("fleet_taken_total") == len(calls)


def test_one_death_after_the_other(make_fleet, fleet_redis_process):
    """The heir dies as soon as it has taken over, before it has written anything, and so does the next."""
    fleet = make_fleet(fleet_redis_process, lease_ms=1000)
    fleet.start("a", "b")
    calls = fleet.calls(*KINDS)
    fleet.wait_saved(*calls)
    for victim, heir in (("a", "b"), ("b", "a"), ("a", "b")):
        fleet.wait_settled(heir)
        fleet[victim].kill()
        fleet.net.move(1, heir)
        fleet[victim].begin()
        fleet.unsettle(victim)
        wait_for(lambda heir=heir: fleet[heir].carries() == fleet.live(), 30, f"the calls at {heir}")
    fleet.sound(30)
    fleet.talk.reports_go_on()
    fleet.hang_up(node="a")


def test_kill_after_kill(make_fleet, fleet_redis_process, record_property):
    """Both die in turn, twice each, and come back; no call is lost, and nothing is left of any."""
    fleet = make_fleet(fleet_redis_process, lease_ms=1000)
    fleet.start("a", "b")
    fleet.calls(*KINDS)
    gaps = []
    for n in range(KILLS):
        victim, heir = ("a", "b") if n % 4 < 2 else ("b", "a")
        fleet.net.move(1, victim)
        fleet.in_order()
        fleet.wait_saved(*fleet.talk.calls)
        fleet.wait_settled(heir)
        gaps.append(fail_over(fleet, victim, heir))
        fleet.sound(30)
        assert fleet[heir].carries() == fleet.live()
        # One call ends and one of its kind begins, by way of the heir.
        ended = fleet.talk.calls[0]
        fleet.end(ended, node=heir)
        fleet.calls(ended.kind, node=heir)
        fleet.begin(victim)
    print(f"{KILLS} kills: heard again after the end of the lease: median {1000 * sorted(gaps)[KILLS // 2]:.0f} ms, "
          f"longest {1000 * max(gaps):.0f} ms")
    record_property("gap_after_lease_ms_max", round(1000 * max(gaps)))
    fleet.sound()
    fleet.hang_up(node="a")
    # What remains of calls that had several owners is the number of the last, for an hour.
    for key in fleet.redis.keys(f"{fleet.prefix}:*"):
        if ":index:" in key:
            assert fleet.redis("hlen", key) == "0"
        elif not re.search(r":(nodes:?|lease:[ab])$", key):
            assert fleet.redis("hkeys", key) == "epoch" and 0 < int(fleet.redis("ttl", key)) <= 3600
