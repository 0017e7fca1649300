# SPDX-License-Identifier: Apache-2.0
"""Redis in every state that it can be in: calls never wait for it, and nothing is lost that it could have kept."""
import re
import secrets
import threading
import time

import pytest

import fleet_redis
from fleet_network import PHONE
from fleet_redis import wait_for
from rtp import Phone
from test_fleet_takeover import fail_over

KINDS = ("plain", "sdes", "web", "turn")


@pytest.fixture
def wire(fleet_net, fleet_redis_process):
    del fleet_redis_process
    made = fleet_redis.Wire(fleet_net)
    yield made
    made.close()


@pytest.fixture
def redis(fleet_net):
    """One that the test may kill or freeze."""
    port = fleet_redis.PORTS["own"]
    made = fleet_redis.Redis(f"redis://{fleet_redis.REDIS}:{port}/0", [fleet_redis.Process(fleet_net, port)])
    yield made
    if made.main.process:
        made.main.thaw()
    made.close()


class Proxy:
    """Sets up calls and ends them, on a thread of its own, and keeps how long each answer took."""

    def __init__(self, fleet, node="a"):
        self.ng, self.took, self.error, self.is_over = fleet[node].ng, [], None, False
        with fleet.net.inside("phone"):
            self.phone = Phone(PHONE)
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join()
        self.phone.close()
        if self.error:
            raise self.error

    def _run(self):
        n = 0
        try:
            while not self.is_over:
                n += 1
                self._timed("offer", f"brief-{n}", sdp=self.phone.sdp("0"), direction=["out1", "in1"])
                self._timed("answer", f"brief-{n}", to_tag="B", sdp=self.phone.sdp("0"))
                self._timed("query", f"brief-{n}")
                self._timed("delete", f"brief-{n}")
                time.sleep(0.02)
        except Exception as error:  # told at the end
            self.error = error

    def _timed(self, verb, name, **keys):
        began = time.monotonic()
        self.ng.command(verb, call_id=name, from_tag="A", **keys)
        self.took.append(1000 * (time.monotonic() - began))

    def tell(self, what):
        took = sorted(self.took)
        print(f"{what}: {len(took)} commands, median {took[len(took) // 2]:.1f} ms, 99th "
              f"{took[len(took) * 99 // 100]:.1f} ms, longest {took[-1]:.1f} ms")
        return took


def nobody_waits(fleet, seconds, what, trouble=lambda: None, over=lambda: None):
    """Media and commands go on as ever while the trouble lasts."""
    fleet.talk.mark()
    with Proxy(fleet) as before:
        time.sleep(1)
    normal = before.tell("before")
    with Proxy(fleet) as proxy:
        trouble()
        try:
            time.sleep(seconds)
        finally:
            over()
    took = proxy.tell(what)
    gap = fleet.talk.gaps()[-1]
    print(f"{what}: longest silence {1000 * gap:.0f} ms, the phones' own {1000 * fleet.talk.late:.0f} ms")
    # In numbers that a busy machine keeps, too; a command that waited for Redis would take a second and more.
    assert took[len(took) // 2] < normal[len(normal) // 2] + 20
    assert took[len(took) * 95 // 100] < 250
    assert gap < 1


def the_heir_goes_on(fleet):
    """The node dies, and everything is at the other one."""
    fleet.in_order(40)
    fleet.wait_saved(*fleet.talk.calls)
    fleet.wait_settled("b")
    fail_over(fleet)
    fleet.sound(30)
    fleet.hang_up(node="b")


def all_moves(fleet):
    """The address moves, and everything goes with it."""
    fleet.in_order(40)
    fleet.net.move(1, "b")
    wait_for(lambda: fleet["b"].carries() == fleet.live(), what="the calls at b")
    fleet.sound()
    fleet.hang_up(node="b")


def test_it_is_killed_and_comes_back_empty(make_fleet, redis):
    """Everything is written again."""
    fleet = make_fleet(redis)
    a, b = fleet.start("a", "b")
    fleet.calls(*KINDS)
    fleet.in_order()
    nobody_waits(fleet, 3, "killed", redis.main.kill)
    assert a.metric("fleet_store_ready") == 0
    redis.main.start()
    assert fleet.records() == {}
    fleet.in_order(40)
    assert a.log().count("event=fleet-store state=away") == 1 and a.log().count("event=fleet-store state=ready") == 2
    fleet.unsettle()
    the_heir_goes_on(fleet)
    assert b.log().count("event=dtls-connected") == 0


def test_it_is_frozen(make_fleet, redis):
    fleet = make_fleet(redis)
    a, _ = fleet.start("a", "b")
    fleet.calls(*KINDS)
    fleet.in_order()
    nobody_waits(fleet, 4, "frozen", redis.main.freeze, redis.main.thaw)
    ended, new = fleet.talk.calls[0], fleet.calls("plain", "web")
    fleet.end(ended)
    fleet.in_order(40)
    assert a.carries() == fleet.live() and new[0].name in fleet.records()
    all_moves(fleet)


def test_what_ends_while_it_is_away_leaves_no_ghost(make_fleet, redis):
    fleet = make_fleet(redis)
    a, b = fleet.start("a", "b")
    ended = fleet.calls(*KINDS)
    kept = fleet.calls("plain", "web")
    fleet.wait_saved(*ended, *kept)
    redis.main.freeze()
    fleet.end(*ended)
    fleet.calls("plain", "sdes")
    time.sleep(1)
    redis.main.thaw()
    fleet.sound(40)
    assert a.carries() == fleet.live() and b.carries() == set()


def test_every_answer_comes_five_seconds_late(make_fleet, fleet_redis_process, wire):
    fleet = make_fleet(fleet_redis_process, f"--redis={wire.url}", "--redis-cmd-timeout=20000", lease_ms=30000)
    fleet.start("a")
    fleet.calls(*KINDS)
    fleet.in_order()
    nobody_waits(fleet, 6, "slow", lambda: wire.slow(5))
    wire.slow(0)
    fleet.sound(40)


def test_the_connection_breaks_again_and_again(make_fleet, fleet_redis_process, wire):
    fleet = make_fleet(fleet_redis_process, f"--redis={wire.url}")
    a, = fleet.start("a")
    fleet.calls(*KINDS)
    for _ in range(4):
        wire.break_off()
        fleet.end(fleet.talk.calls[0])
        fleet.call("plain")
        time.sleep(0.3)
        wire.mend()
        time.sleep(0.7)
    fleet.sound(40)
    assert a.carries() == fleet.live()


@pytest.mark.parametrize("trouble, cure, word", [
    (["config set maxmemory 1", "config set maxmemory-policy noeviction"], ["config set maxmemory 0"], "OOM"),
    (["config set min-replicas-to-write 1"], ["config set min-replicas-to-write 0"], "NOREPLICAS"),
    ([f"replicaof {fleet_redis.REDIS} 1"], ["replicaof no one"], "READONLY"),
], ids=["full", "too few replicas", "read-only"])
def test_it_refuses_to_write(make_fleet, redis, trouble, cure, word):
    """Said once, with Redis' own words; and all is there afterwards."""
    fleet = make_fleet(redis)
    a, _ = fleet.start("a", "b")
    fleet.calls(*KINDS)
    fleet.in_order()

    def tell(commands):
        for command in commands:
            redis(*command.split())

    nobody_waits(fleet, 2, word, lambda: tell(trouble))
    lines = [line for line in a.log().splitlines() if word in line]
    assert 1 <= len(lines) <= 10, lines
    tell(cure)
    all_moves(fleet)


def test_there_is_none_at_the_start(make_fleet, redis):
    """The node works alone, and shares what it has when Redis comes."""
    fleet = make_fleet(redis)
    redis.main.kill()
    fleet.start("a", joins=False)
    fleet.calls("plain", "web")
    redis.main.start()
    fleet.in_order(40)
    fleet.sound()


def test_somebody_else_has_written_there(make_fleet, redis):
    """Nonsense under the keys of calls is no trouble for the others, nor for the process."""
    fleet = make_fleet(redis)
    a, b = fleet.start("a", "b")
    calls = fleet.calls(*KINDS)
    fleet.in_order()
    for n, (field, value) in enumerate((("epoch", "-1"), ("epoch", "99999999999999999999999"), ("record", "d7:versioni1ee"),
                                        ("places", "x" * 5000), ("owner", "\x01" * 300), ("serial", "x"))):
        redis("hset", f"{fleet.prefix}:call:bad-{n}", "owner", "a", "epoch", 1, "serial", 1, "takes", 0, "places", "",
              "record", "x", field, value)
        redis("hset", f"{fleet.prefix}:index:a", f"call:bad-{n}", "1 10.96.1.101")
    redis("set", f"{fleet.prefix}:call:bad-9", "a string")
    redis("hset", f"{fleet.prefix}:index:a", "call:bad-9", "1 10.96.1.101", "nonsense", "", "call:", "1 1.2.3.4",
          "x:y", "z", "call:long", "7" * 4000)
    redis("hset", f"{fleet.prefix}:nodes", "\x01odd name", "no info", "c", "d4:name1:xe")
    for n in range(10):
        for node in (a, b):
            assert node.ng.request(command="query", call_id=f"bad-{n}")["result"] == "error"
    fleet.wait_saved(*calls)
    fleet.wait_settled("b")
    fail_over(fleet)
    fleet.talk.all_heard(seconds=30)
    assert b.carries() == fleet.live() and b.alive()
    for call in fleet.talk.calls:
        call.delete(b.ng)
    fleet.talk.remove(*fleet.talk.calls)


# Kinds of Redis


def test_with_an_acl(make_fleet, fleet_net):
    """A user who may touch the keys of the prefix alone, and what the document says a node needs."""
    rules = ["~test-*", "+ping", "+eval", "+hget", "+hmget", "+hset", "+hdel", "+hlen", "+hgetall", "+hscan", "+hexists",
             "+hincrby", "+get", "+set", "+del", "+exists", "+expire", "+pexpire", "+pttl", "+select", "+mget", "+unlink"]
    redis = fleet_redis.with_acl(fleet_net, *rules)
    try:
        fleet = make_fleet(redis)
        fleet.start("a", "b")
        fleet.calls(*KINDS)
        all_moves(fleet)
        denied = redis("acl", "log")
        assert "ferry" not in denied, denied
        assert fleet_redis.PASSWORD not in fleet["a"].log() + fleet["b"].log()
    finally:
        redis.close()


def test_with_a_wrong_password(make_fleet, fleet_net):
    redis = fleet_redis.with_acl(fleet_net, "~*", "+@all")
    try:
        fleet = make_fleet(redis, f"--redis={redis.url.replace(fleet_redis.PASSWORD, 'another-one')}")
        a, = fleet.start("a", joins=False)
        fleet.calls("plain")
        wait_for(lambda: "WRONGPASS" in a.log(), what="the reason in the log")
        assert "another-one" not in a.log()
    finally:
        redis.close()


def test_with_tls(make_fleet, fleet_net, tmp_path):
    redis = fleet_redis.with_tls(fleet_net, tmp_path)
    try:
        fleet = make_fleet(redis)
        fleet.start("a", "b")
        fleet.calls(*KINDS)
        all_moves(fleet)
    finally:
        redis.close()


def test_with_an_authority_that_is_not_known(make_fleet, fleet_net, tmp_path):
    redis = fleet_redis.with_tls(fleet_net, tmp_path)
    try:
        fleet = make_fleet(redis, f"--redis-tls-ca={redis.options[1].partition('=')[2]}")
        a, = fleet.start("a", joins=False)
        fleet.calls("plain")
        wait_for(lambda: re.search("certificate", a.log()), what="the reason in the log")
        time.sleep(1)
        assert redis.keys() == []
    finally:
        redis.close()


def test_a_master_dies_behind_sentinels(make_fleet, fleet_net):
    redis = fleet_redis.with_sentinels(fleet_net)
    try:
        fleet = make_fleet(redis)
        fleet.start("a", "b")
        fleet.calls(*KINDS)
        fleet.in_order()
        redis.main.kill()
        wait_for(lambda: "role:master" in redis.data[1]("info", "replication"), 40, "another master")
        redis.main = redis.data[1]
        fleet.calls("plain", "web")
        fleet.sound(40)
        fleet.unsettle()
        the_heir_goes_on(fleet)
    finally:
        redis.close()


def stored(fleet):
    """Ids of calls with a record, in whichever node of a cluster."""
    return {key.rpartition(":")[2] for node in fleet.redis.data
            for key in node("--scan", "--pattern", f"{fleet.prefix}:call:*").splitlines()
            if key and node("hexists", key, "record") == "1"}


def test_in_a_cluster(make_fleet, fleet_net):
    redis = fleet_redis.cluster(fleet_net)
    try:
        fleet = make_fleet(redis)
        a, b = fleet.start("a", "b")
        calls = fleet.calls(*KINDS * 4)
        names = {call.name for call in calls if call.kind != "turn"}
        wait_for(lambda: stored(fleet) == names, what="the records")
        assert all(one("--scan", "--pattern", f"{fleet.prefix}:call:*") for one in redis.data), "all in one node"
        time.sleep(1)
        fleet.wait_settled("b")
        fleet.talk.mark()
        a.kill()
        fleet.net.move(1, "b")
        fleet.talk.all_heard(seconds=40)
        assert b.carries() == fleet.live()
        for call in calls:
            call.delete(b.ng)
        fleet.talk.remove(*calls)
        wait_for(lambda: not stored(fleet), what="the end of the records")
    finally:
        redis.close()


# Keys


def secrets_of(fleet):
    """What would decrypt a call: keys of SDES as text and as bytes, and passwords of ICE."""
    found = []
    for call in fleet.talk.calls:
        side = call.outside
        if hasattr(side, "secure"):
            found += [side.secure.key, side.key, side.secure.crypto().partition("inline:")[2].encode()]
        elif hasattr(side, "handshake"):
            found += [side.password.encode(), (side.remote[1] or "none").encode()]
    return [secret for secret in found if secret != b"none"]


def seal_file(tmp_path, *keys):
    file = tmp_path / f"seal-{secrets.token_hex(4)}"
    file.write_text("# keys of the fleet\n" + "".join(f"{key}\n" for key in keys))
    file.chmod(0o600)
    return f"--seal-key-file={file}"


def test_no_key_can_be_read_where_they_are_sealed(fleet, tmp_path):
    """And what is sealed with a key of yesterday can be opened still."""
    old, new = secrets.token_hex(32), secrets.token_hex(32)
    a, = fleet.start("a", options=[seal_file(tmp_path, old)])
    b, = fleet.start("b", options=[seal_file(tmp_path, new, old)])
    fleet.calls("sdes", "gcm", "web", "dtls", "turn")
    fleet.wait_saved(*fleet.talk.calls)
    stored = fleet.redis.everything(f"{fleet.prefix}:*")
    found = [secret for secret in secrets_of(fleet) if secret in stored]
    assert not found and b"PRIVATE KEY" not in stored and b"7:version" not in stored
    fleet.wait_settled("b")
    fail_over(fleet)
    fleet.sound()
    log = a.log() + b.log()
    assert old not in log and new not in log
    fleet.hang_up(node="b")


def test_without_a_key_they_can(fleet):
    """So that the test before finds what it looks for."""
    fleet.start("a")
    fleet.calls("sdes", "web")
    fleet.wait_saved(*fleet.talk.calls)
    stored = fleet.redis.everything(f"{fleet.prefix}:*")
    assert all(secret in stored for secret in secrets_of(fleet)[3:]) and b"PRIVATE KEY" in stored


def test_the_wrong_key_opens_nothing(fleet, tmp_path):
    a, = fleet.start("a", options=[seal_file(tmp_path, secrets.token_hex(32))])
    b, = fleet.start("b", options=[seal_file(tmp_path, secrets.token_hex(32))])
    call, = fleet.calls("plain")
    fleet.wait_saved(call)
    assert b.ng.query(call.name)["created"]  # forwarding needs no record
    fleet.wait_settled("b")
    a.kill()
    fleet.net.move(1, "b")
    wait_for(lambda: "seal" in b.log(), 30, "the reason in the log")
    assert b.carries() == set() and b.alive()
    a.begin()  # with the right one
    fleet.net.move(1, "a")
    fleet.sound(40)


def test_records_are_what_the_document_says(fleet):
    fleet.start("a")
    call, = fleet.calls("plain")
    fleet.wait_saved(call)
    key = f"{fleet.prefix}:call:{call.name}"
    told = fleet.redis("hkeys", key).split()
    assert {"owner", "epoch", "serial", "places", "record"} <= set(told)
    assert fleet.redis("hget", key, "owner") == "a" and fleet.redis("hget", key, "epoch") == "1"
    assert set(fleet.redis("hget", key, "places").split()) == {"10.96.1.101", "10.96.2.101"}
    assert 86000 < int(fleet.redis("ttl", key)) <= 86400
    assert fleet.redis("hget", f"{fleet.prefix}:index:a", f"call:{call.name}")
