# SPDX-License-Identifier: Apache-2.0
"""Nodes that share their calls, and what must be true of them whatever happened; conftest.py takes the fixtures in."""
import contextlib
import itertools
import json
import os
import time

import pytest

import fleet_network
import fleet_redis
from fleet_calls import Call, Talk
from fleet_node import LEASE_MS, Node
from fleet_redis import wait_for
from fleet_turn import Allocation

_prefixes = itertools.count()
# Of all records of a kind under the prefix: id and owner. Only an epoch remains of some that are over.
RECORDS = """
local found = {}
for _, key in ipairs(redis.call('keys', ARGV[1] .. ':' .. ARGV[2] .. ':*')) do
    local one = redis.pcall('hmget', key, 'owner', 'record')
    if one[2] then
        table.insert(found, {string.sub(key, #ARGV[1] + #ARGV[2] + 3), one[1]})
    end
end
return cjson.encode(found)
"""


class Fleet:
    """Nodes by their name, and the calls between phones, which talk until the end."""

    def __init__(self, net, redis, *options, lease_ms=LEASE_MS):
        self.net, self.redis, self.lease_s = net, redis, lease_ms / 1000
        self.prefix = f"test-{next(_prefixes)}"
        self.options = [f"--redis={redis.url}", f"--redis-prefix={self.prefix}", f"--node-lease={lease_ms}",
                        *redis.options, *options]
        self.nodes, self.talk, self.names = {}, Talk(), itertools.count()
        self.settled_at = {}

    def __getitem__(self, name):
        return self.nodes[name]

    def start(self, *names, options=(), joins=True):
        """Nodes, each with the place of its number."""
        for name in names:
            self.nodes[name] = Node(self.net, name, f"--node-name={name}", *self.options, *options)
            place = 1 + list(fleet_network.CONTROL).index(name)
            if self.net.at[place] is None:
                self.net.move(place, name)
        for name in names:
            if joins:
                self.nodes[name].wait_metric("fleet_joined", 1)
        self.unsettle(*names)
        return [self.nodes[name] for name in names]

    def begin(self, name):
        """Once more, after its end."""
        self.nodes[name].begin()
        self.nodes[name].wait_metric("fleet_joined", 1)
        self.unsettle(name)

    def unsettle(self, *names):
        """Redis was away for them, or for all: they take nobody for dead before all can have come back."""
        self.settled_at |= dict.fromkeys(names or self.nodes, time.monotonic() + self.lease_s + 2)

    def wait_settled(self, *names):
        """Until they would take others for dead."""
        time.sleep(max(0.0, *(self.settled_at[name] - time.monotonic() for name in names or self.nodes)))

    def call(self, kind="plain", node="a", place=1, name=None, **keys):
        """A call that talks. `kind` may be turn: then it is an allocation."""
        name = name or f"{kind}-{next(self.names)}"
        made = Allocation(self.net, name, place) if kind == "turn" else \
            Call(self.net, self.nodes[node].ng, name, kind, place, **keys)
        return self.talk.add(made)

    def calls(self, *kinds, **keys):
        """Calls of these kinds that talk, and are heard."""
        made = [self.call(kind, **keys) for kind in kinds]
        self.talk.all_heard(made)
        return made

    def end(self, *calls, node="a"):
        """They are hung up."""
        for call in calls:
            call.delete(self.nodes[node].ng)
        self.talk.remove(*calls)

    def alive(self):
        return [node for node in self.nodes.values() if node.alive()]

    # What must be true

    def records(self, kind="call"):
        """{id: owner}"""
        return dict(json.loads(self.redis("eval", RECORDS, 0, self.prefix, kind)) or [])

    def live(self, kind="call"):
        return {call.name for call in self.talk.calls if (call.kind == "turn") == (kind == "allocation")}

    def wait_saved(self, *calls, seconds=20):
        """Until their records are there."""
        names = {call.name for call in calls if call.kind != "turn"}
        count = sum(call.kind == "turn" for call in calls)
        wait_for(lambda: names <= set(self.records()) and len(self.records("allocation")) >= count, seconds,
                 "the records")
        time.sleep(0.5)  # and the last change of each: an address learned, keys, a pair

    def disorder(self):
        """What is not as it must be when all has calmed down; empty: nothing."""
        carried = {node.name: node.carries() for node in self.alive()}
        records, live, wrong = self.records(), self.live(), []
        for name in sorted(live | set(records) | set().union(*carried.values())):
            owners = [node for node, names in carried.items() if name in names]
            if owners != ([records[name]] if name in records else []) or (name in live) != bool(owners):
                wrong.append(f"{name}: {'live' if name in live else 'over'}, carried by {owners}, "
                             f"record of {records.get(name)!r}")
        allocations = self.records("allocation")
        if len(allocations) != len(self.live("allocation")):
            wrong.append(f"{len(self.live('allocation'))} allocations, records {allocations}")
        return wrong

    def in_order(self, seconds=20):
        """Each live call is at one node and has its record; nothing else is anywhere."""
        deadline = time.monotonic() + seconds
        while wrong := self.disorder():
            assert time.monotonic() < deadline, "\n".join(wrong)
            time.sleep(0.1)

    def sound(self, seconds=20):
        """All talk, nothing was heard twice or changed, and all is in order."""
        self.talk.all_heard(seconds=seconds)
        self.in_order(seconds)
        assert not self.talk.faults(), self.talk.faults()

    def hang_up(self, node="a", seconds=20):
        """Every call; nothing is left of any."""
        self.end(*self.talk.calls, node=node)
        self.in_order(seconds)
        for one in self.alive():
            one.wait_metric("ports_used", 0)
            wait_for(lambda one=one: not one.bound_ports(), what=f"the end of the ports at {one.name}")

    def close(self):
        faults = self.talk.faults()
        with contextlib.ExitStack() as stack:
            stack.callback(self.net.reset)
            for node in self.nodes.values():
                stack.callback(node.stop)
            self.talk.close()
        assert not faults, faults


@pytest.fixture(scope="module")
def fleet_net():
    if os.geteuid() != 0:
        pytest.skip("makes network namespaces: run as root")
    with fleet_network.network() as made:
        yield made


@pytest.fixture(scope="module")
def fleet_redis_process(fleet_net):
    made = fleet_redis.plain(fleet_net)
    yield made
    made.close()


@pytest.fixture
def make_fleet(fleet_net):
    """Fleets with a Redis and options of the test's own; stopped at the end, and their faults are failures."""
    made = []

    def make(redis, *options, **keys):
        made.append(Fleet(fleet_net, redis, *options, **keys))
        return made[-1]

    yield make
    for fleet in made:
        fleet.close()


@pytest.fixture
def fleet(make_fleet, fleet_redis_process):
    """Nodes with a plain Redis; none has begun yet."""
    return make_fleet(fleet_redis_process)


@pytest.fixture
def own_redis(fleet_net):
    """One that the test may kill or freeze."""
    port = fleet_redis.PORTS["own"]
    made = fleet_redis.Redis(f"redis://{fleet_redis.REDIS}:{port}/0", [fleet_redis.Process(fleet_net, port)])
    yield made
    if made.main.process:
        made.main.thaw()
    made.close()
