# SPDX-License-Identifier: Apache-2.0
"""Nodes with each kind of Redis, and keys that nobody can read in it."""
import re
import secrets
import time

import fleet_redis
from fleet_redis import wait_for
from test_fleet_takeover import all_moves, fail_over, the_heir_goes_on

KINDS = ("plain", "sdes", "web", "turn")


def test_with_an_acl(make_fleet, fleet_net):
    """A user who may touch the keys of the prefix alone, and what the document says a node needs."""
    rules = ["~test-*", "+ping", "+eval", "+hget", "+hmget", "+hset", "+hdel", "+hlen", "+hgetall", "+hscan", "+hexists",
             "+get", "+set", "+del", "+exists", "+expire", "+pexpire", "+pttl", "+select", "+mget", "+unlink"]
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
