# SPDX-License-Identifier: Apache-2.0
"""Nodes that are restarted or held while others are there: who waits for whom, and who takes over."""
import re
import time

import pytest

from fleet_redis import wait_for

KINDS = ("plain", "sdes", "web", "dtls", "turn")


@pytest.fixture
def pair(fleet, tmp_path):
    """Two nodes that leave their calls in a file."""
    for name in "ab":
        fleet.start(name, options=[f"--restart-file={tmp_path}/{name}"])
    return fleet


def taken(node):
    return node.metric("fleet_taken_total")


def test_in_place_with_a_file(pair):
    """The next process has all of it, exactly, and the other node keeps its hands off."""
    a, b = pair["a"], pair["b"]
    calls = pair.calls(*KINDS)
    pair.wait_saved(*calls)
    for _ in range(2):
        pair.talk.mark()
        a.end()
        a.begin()
        pair.sound()
        print(f"longest silence {1000 * pair.talk.gaps()[-1]:.0f} ms")
        assert a.carries() == pair.live() and taken(a) == 0 and taken(b) == 0
        assert re.findall(r"event=restored calls=4 refused=0", a.log())
    pair.talk.reports_go_on()
    pair.hang_up(node="b")


def test_its_address_moves_meanwhile(pair):
    """The file is of no use then: its calls are where their address is, from their records."""
    a, b = pair["a"], pair["b"]
    calls = pair.calls(*KINDS)
    pair.wait_saved(*calls)
    a.end()
    pair.net.move(1, "b")
    a.begin()
    pair.talk.all_heard(seconds=30)
    wait_for(lambda: b.carries() == pair.live() and not a.carries(), 30, "the calls at b")
    pair.sound()
    assert b.log().count("event=dtls-connected") == 0
    pair.hang_up(node="a")


def test_it_does_not_come_back(pair):
    """The others wait for it, and take over in the end."""
    a, b = pair["a"], pair["b"]
    calls = pair.calls(*KINDS)
    pair.wait_saved(*calls)
    pair.wait_settled("b")
    a.end()
    pair.net.move(1, "b")
    pair.talk.all_heard(seconds=40)
    pair.sound(40)
    assert b.carries() == pair.live()
    a.begin()  # with a file of calls that others have by now
    pair.net.move(2, "a")
    time.sleep(1)
    pair.sound()
    assert a.carries() == set()
    pair.hang_up(node="b")


def test_a_held_node_takes_nothing(pair):
    """It drains; when it works again it takes what is left."""
    a, b = pair["a"], pair["b"]
    calls = pair.calls(*KINDS)
    pair.wait_saved(*calls)
    pair.wait_settled("b")
    b.ctl.text("drain")
    a.kill()
    pair.net.move(1, "b")
    time.sleep(pair.lease_s + 1.5)
    assert b.carries() == set()
    b.ctl.text("undrain")
    pair.sound(30)
    assert b.carries() == pair.live()
    pair.hang_up(node="b")


def test_two_of_one_name(pair):
    """The second shares nothing, and says why; it joins when the first is gone."""
    a, _ = pair["a"], pair["b"]
    calls = pair.calls("plain", "web")
    pair.wait_saved(*calls)
    b = pair["b"]
    b.end()
    b.begin("--node-name=a")
    b.wait_log("event=fleet-name-taken")
    time.sleep(pair.lease_s + 0.5)
    assert b.metric("fleet_joined") == 0 and a.metric("fleet_joined") == 1
    pair.sound()
    assert a.carries() == pair.live()
    a.kill()
    pair.net.move(1, "b")
    b.wait_metric("fleet_joined", 1)
    pair.talk.all_heard(seconds=30)
    assert b.carries() == pair.live()
