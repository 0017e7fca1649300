# SPDX-License-Identifier: Apache-2.0
"""Any node answers for every call: commands about a call of another node are forwarded to it."""
import time

import pytest

import rtp
from fleet_network import CONTROL, PBX, PHONE
from fleet_node import NG
from fleet_redis import wait_for
from ng import NgError
from rtp import Phone


@pytest.fixture
def pair(make_fleet, fleet_redis_process):
    """Two nodes, neither of which is taken for dead on a busy machine."""
    fleet = make_fleet(fleet_redis_process, lease_ms=2000)
    fleet.start("a", "b")
    return fleet


def one_call(fleet, kind="plain", **keys):
    call = fleet.calls(kind, **keys)[0]
    fleet.wait_saved(call)
    return call


def test_the_same_answer_from_both(pair):
    call = one_call(pair)
    a, b = pair["a"], pair["b"]
    mine, other = a.ng.query(call.name), b.ng.query(call.name)
    assert other["created"] == mine["created"] and other["tags"].keys() == mine["tags"].keys()
    assert other["totals"]["RTP"]["packets"] >= mine["totals"]["RTP"]["packets"]
    assert a.carries() == {call.name} and b.carries() == set()
    assert b.ng.request(encoding="json", command="query", call_id=call.name)["created"] == mine["created"]


@pytest.mark.parametrize("kind", ["plain", "sdes", "web"])
def test_a_dialog_goes_on_by_way_of_the_other(pair, kind):
    """Re-INVITE, hold and hang-up come to the node that has not the call."""
    call = one_call(pair, kind)
    b = pair["b"]
    call.invite(b.ng)
    pair.talk.all_heard()
    call.hold(b.ng)
    call.resume(b.ng)
    pair.talk.all_heard()
    assert pair["a"].carries() == {call.name} and b.carries() == set()
    assert call.delete(b.ng)["totals"]["RTP"]["packets"] > 0
    pair.talk.remove(call)
    pair.in_order()
    assert "forwarded-to=a" in b.log()


def test_a_dialog_of_many_nodes(pair):
    """Each command by way of the node whose turn it is, as a proxy with two relays sends them."""
    a, b = pair["a"], pair["b"]
    with pair.net.inside("phone"):
        phone = Phone(PHONE)
    with pair.net.inside("pbx"):
        pbx = Phone(PBX)
    try:
        for n in range(10):
            name, (one, other) = f"turns-{n}", ((a, b), (b, a))[n % 2]
            place = 1 + n % 2
            pbx_to = rtp.media_address(one.ng.offer(name, phone.sdp("0"), direction=[f"out{place}", f"in{place}"]))
            wait_for(lambda name=name: name in pair.records(), what="the record")
            phone_to = rtp.media_address(other.ng.answer(name, pbx.sdp("0")))
            phone.send(phone_to, rtp.packet(n))
            assert rtp.parse(pbx.receive()[0])["seq"] == n
            pbx.send(pbx_to, rtp.packet(n))
            assert rtp.parse(phone.receive()[0])["seq"] == n
            assert other.ng.delete(name)["totals"]["RTP"]["packets"] == 2
    finally:
        phone.close()
        pbx.close()
    pair.in_order()


def test_all_calls_are_listed_everywhere(pair):
    names = {one_call(pair).name, one_call(pair, node="b", place=2).name, one_call(pair, "web").name}
    wait_for(lambda: set(pair["a"].ng.calls()) == names and set(pair["b"].ng.calls()) == names, what="the list")
    assert len(pair["a"].ng.calls(2)) == 2


def test_nobody_knows_it(pair):
    for node in pair.alive():
        for command in ("query", "delete"):
            began = time.monotonic()
            reply = node.ng.request(command=command, call_id="nobody's", from_tag="A")
            print(f"{command} of an unknown call: {1000 * (time.monotonic() - began):.1f} ms")
            if command == "query":
                assert reply["result"] == "error" and "Unknown call-id" in reply["error-reason"]
            else:
                assert reply["result"] == "ok" and "not found" in reply["warning"]
        with pytest.raises(NgError, match="Unknown call-id"):
            node.ng.answer("nobody's", "v=0\r\n")


def test_the_owner_does_not_answer(pair):
    """Frozen, but its lease has not ended: an error in time, and nobody else touches the call."""
    call = one_call(pair)
    a, b = pair["a"], pair["b"]
    b.ng.socket.settimeout(15)
    a.freeze()
    try:
        reply = b.ng.request(command="query", call_id=call.name)
    finally:
        a.thaw()
    assert reply["result"] == "error"
    pair.sound(40)
    assert a.carries() == {call.name} and b.carries() == set()
    assert b.ng.query(call.name)["created"]


def test_forged_and_looping_requests(pair):
    """What says that it was forwarded is not forwarded again, and costs no other node anything."""
    call = one_call(pair)
    b = pair["b"]
    reply = b.ng.request(command="query", call_id=call.name, mediaferry_from="c")
    assert reply["result"] == "error" and "Unknown call-id" in reply["error-reason"]
    assert b.ng.query(call.name)["created"]


def test_a_new_call_does_not_wait(pair):
    """The look into the store costs an offer about a millisecond, and is over soon when the store says nothing."""
    a, took = pair["a"], []
    with pair.net.inside("phone"):
        phone = Phone(PHONE)
    try:
        for n in range(50):
            began = time.monotonic()
            a.ng.offer(f"new-{n}", phone.sdp("0"), direction=["out1", "in1"])
            took.append(1000 * (time.monotonic() - began))
            a.ng.delete(f"new-{n}", flags=["fast"])
    finally:
        phone.close()
    took.sort()
    print(f"offers: median {took[25]:.1f} ms, longest {took[-1]:.1f} ms")
    assert took[25] < 50
    pair.in_order()


def test_the_place_has_moved_but_nothing_was_taken_yet(pair):
    """The first command for a call of a dead node brings it over."""
    calls = [one_call(pair), one_call(pair, "sdes"), one_call(pair, "web")]
    a, b = pair["a"], pair["b"]
    pair.wait_settled()
    a.kill()
    pair.net.move(1, "b")
    time.sleep(pair.lease_s)
    for call in calls:
        call.invite(b.ng)
    pair.sound()
    assert b.carries() == {call.name for call in calls}


def test_the_other_way_round_after_it(pair):
    """A call that has moved is found from where it was."""
    call = one_call(pair, "web")
    a, b = pair["a"], pair["b"]
    pair.net.move(1, "b")
    wait_for(lambda: b.has(call.name), what="the call at b")
    pair.sound()
    call.invite(a.ng)
    assert a.ng.query(call.name)["created"] == b.ng.query(call.name)["created"]
    call.delete(a.ng)
    pair.talk.remove(call)
    pair.in_order()


def test_nodes_are_told_of(pair):
    one_call(pair)
    for node in pair.alive():
        told = {row["node"]: row for row in node.ctl.json("status")["fleet"]["nodes"]}
        assert all(told[name]["alive"] and told[name]["ng"] == f"{CONTROL[name]}:{NG}" for name in "ab")
        assert [name for name in "ab" if told[name]["self"]] == [node.name]
        text = node.ctl.text("status")
        assert f"node {node.name}" in text and "Redis 10." in text
        node.wait_metric("fleet_nodes", 2, state="alive")
    pair.wait_settled()
    pair["a"].kill()
    pair["b"].wait_metric("fleet_nodes", 1, state="alive")
