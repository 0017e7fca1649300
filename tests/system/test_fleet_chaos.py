# SPDX-License-Identifier: Apache-2.0
"""Every trouble at once, while calls come and go: what must be true of the calls is true in the end.

MEDIAFERRY_CHAOS_SECONDS and MEDIAFERRY_FLEET_SEED make it longer, or the same again.
"""
import os
import random
import re
import time

from fleet_calls import EVERY_KIND, Call
from ng import NgError

CHAOS_S = float(os.environ.get("MEDIAFERRY_CHAOS_SECONDS", "30"))
SEED = int(os.environ.get("MEDIAFERRY_FLEET_SEED", "0")) or random.randrange(1, 1 << 32)


class Chaos:
    """Troubles, each with its end; and a proxy that goes on setting up and ending calls by way of any node."""

    def __init__(self, fleet, redis, seed):
        self.fleet, self.redis, self.random = fleet, redis, random.Random(seed)
        self.names, self.doubtful, self.told = iter(range(1 << 30)), set(), []
        self.ended_at, self.redis_is_away, self.is_cut = {}, False, False
        for node in fleet.nodes.values():
            node.ng.socket.settimeout(1.5)

    def doubt(self, seconds=1.0):
        """Of an end that Redis was not told, nobody knows when the node is dead: such a call may come back, and ends
        by its timeout. Those of the last moments, and all while Redis is away, may be such."""
        now = time.monotonic()
        self.doubtful |= {name for name, at in self.ended_at.items() if now - at < seconds}

    def say(self, what):
        self.told.append(f"{time.strftime('%H:%M:%S', time.gmtime())} {what}")

    def tell(self, wrong):
        """What was done, and what the nodes say of the calls named there."""
        print("\n".join(self.told))
        for name in sorted(set(re.findall(r"[a-z-]+-\d+", wrong))):
            print(f"--- {name}")
            for node in self.fleet.nodes.values():
                for line in node.log().splitlines():
                    if f"call-id={name} " in line:
                        print(node.name, line)
        for node in self.fleet.nodes.values():
            print(f"--- {node.name}")
            print("\n".join(line for line in node.log().splitlines()
                            if re.search(r" (notice|warning) event=(start|fleet|node|tak|redis|not-|stop|lost)", line)))

    # Troubles: each gives what ends it

    def node_is_killed(self):
        victim, heir = self._two()
        self.say(f"kill {victim.name}")
        self.doubt()
        victim.kill()
        if self.random.random() < 0.8:
            self._move_places(victim.name, heir.name)

        def again():
            self.say(f"begin {victim.name}")
            victim.begin()

        return again

    def node_is_frozen(self):
        victim, heir = self._two()
        self.say(f"freeze {victim.name}")
        victim.freeze()
        if self.random.random() < 0.5:
            self._move_places(victim.name, heir.name)
        return victim.thaw

    def node_is_cut_off(self):
        victim, heir = self._two()
        self.say(f"cut {victim.name}")
        self.doubt()
        self.is_cut = True
        self.fleet.net.cut(victim.name)
        if self.random.random() < 0.5:
            self._move_places(victim.name, heir.name)

        def heal():
            self.say(f"heal {victim.name}")
            self.fleet.net.heal(victim.name)
            self.is_cut = False

        return heal

    def node_is_restarted(self):
        victim, heir = self._two()
        self.say(f"terminate {victim.name}")
        victim.end()
        if self.random.random() < 0.5:
            self._move_places(victim.name, heir.name)
        return victim.begin

    def place_moves(self):
        victim, heir = self._two()
        self._move_places(victim.name, heir.name)
        return lambda: None

    def redis_is_killed(self):
        return self._without_redis("kill", self.redis.main.kill, self.redis.main.start)

    def redis_is_frozen(self):
        return self._without_redis("freeze", self.redis.main.freeze, self.redis.main.thaw)

    def _without_redis(self, word, begin, end):
        self.say(f"{word} Redis")
        self.doubt()
        self.redis_is_away = True
        begin()

        def over():
            self.say("Redis is back")
            end()
            self.redis_is_away = False

        return over

    TROUBLES = [node_is_killed, node_is_killed, node_is_frozen, node_is_cut_off, node_is_restarted, place_moves,
                redis_is_killed, redis_is_frozen]

    def _two(self):
        nodes = list(self.fleet.nodes.values())
        self.random.shuffle(nodes)
        return nodes

    def _move_places(self, victim, heir):
        for place, node in self.fleet.net.at.items():
            if node == victim:
                self.say(f"place {place} to {heir}")
                self.fleet.net.move(place, heir)

    # The proxy

    def churn(self, seconds):
        """One command after the other; what fails is in doubt from then on."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.1)
            talk, awake = self.fleet.talk, [node for node in self.fleet.alive() if self._answers(node)]
            if not awake:
                continue
            node = self.random.choice(awake)
            if len(talk.calls) < 12:
                self._begin(node)
            elif self.random.random() < 0.5:
                self._end(node, self.random.choice(talk.calls))
            else:
                self._reinvite(node, self.random.choice(talk.calls))

    @staticmethod
    def _answers(node):
        try:
            return node.ng.request(command="ping")["result"] == "pong"
        except OSError:
            return False

    def _begin(self, node):
        places = [place for place, owner in self.fleet.net.at.items() if owner == node.name]
        if not places:
            return
        kind = self.random.choice(EVERY_KIND)
        name = f"{kind}-{next(self.names)}"
        try:
            self.fleet.talk.add(Call(self.fleet.net, node.ng, name, kind, self.random.choice(places)))
        except (NgError, OSError, AssertionError) as error:
            self.doubtful.add(name)
            self.say(f"{name} at {node.name}: {error}")

    def _end(self, node, call):
        try:
            reply = call.delete(node.ng)
            self.say(f"end of {call.name} at {node.name}: {reply.get('warning', reply['result'])}")
            self.ended_at[call.name] = time.monotonic()
            if "warning" in reply or self.redis_is_away or self.is_cut:
                self.doubtful.add(call.name)
        except (NgError, OSError) as error:
            self.doubtful.add(call.name)
            self.say(f"end of {call.name} at {node.name}: {error}")
        self.fleet.talk.remove(call)

    def _reinvite(self, node, call):
        """A node that cannot look into Redis takes it for a new call, as any relay does."""
        try:
            call.invite(node.ng)
        except (NgError, OSError, AssertionError) as error:
            self.say(f"re-INVITE of {call.name} at {node.name}: {error}")
            self.doubtful.add(call.name)
            self.fleet.talk.remove(call)

    # The end

    def calm_down(self):
        """All is there again, and those in doubt are ended."""
        fleet = self.fleet
        for node in fleet.nodes.values():
            node.ng.socket.settimeout(10)
            node.wait_metric("fleet_joined", 1, 40)
        time.sleep(fleet.lease_s + 3)
        for name in self.doubtful:
            reply = fleet.nodes["a"].ng.request(command="delete", call_id=name, flags=["fast"])
            self.say(f"end of {name}, which was in doubt: {reply.get('warning', reply['result'])}")
        known = set().union(*(node.carries() for node in fleet.alive()), fleet.records())
        lost = [call for call in fleet.talk.calls if call.name not in known]
        fleet.talk.remove(*lost)
        return [call.name for call in lost]


def chaos_of(make_fleet, own_redis):
    fleet = make_fleet(own_redis, lease_ms=1000)
    fleet.start("a", "b")
    chaos = Chaos(fleet, own_redis, SEED)
    print(f"MEDIAFERRY_FLEET_SEED={SEED}")
    chaos.churn(2)
    fleet.talk.all_heard()
    return fleet, chaos


def judge(fleet, chaos, lost_may_be):
    lost = chaos.calm_down()
    try:
        assert lost_may_be or not lost, lost
        fleet.sound(40)
        fleet.hang_up(node="b", seconds=40)
    except AssertionError as error:
        chaos.tell(str(error))
        raise
    if lost:
        chaos.tell(" ".join(lost))
    print(f"{len(chaos.told)} events, {next(chaos.names)} calls, {len(chaos.doubtful)} in doubt, lost: {lost}")


def test_one_trouble_after_the_other(make_fleet, own_redis):
    """All that lives is saved before the next one, so nothing is lost."""
    fleet, chaos = chaos_of(make_fleet, own_redis)
    end = time.monotonic() + CHAOS_S / 2
    while time.monotonic() < end:
        over = chaos.random.choice(chaos.TROUBLES)(chaos)
        time.sleep(chaos.random.uniform(0.2, 2))
        over()
        for node in fleet.nodes.values():
            node.wait_metric("fleet_joined", 1, 40)
        fleet.unsettle()
        fleet.wait_settled()
        try:
            fleet.sound(40)
        except AssertionError as error:
            chaos.tell(str(error))
            raise
        chaos.churn(0.5)
        fleet.in_order(40)
    judge(fleet, chaos, lost_may_be=False)


def test_all_troubles_at_once(make_fleet, own_redis):
    """Calls may be lost, when their node and Redis die together. But each that there is has one owner, each record a
    call, each port an owner; and nobody hears a packet twice."""
    fleet, chaos = chaos_of(make_fleet, own_redis)
    end, under_way = time.monotonic() + CHAOS_S / 2, []
    while time.monotonic() < end:
        chaos.churn(chaos.random.uniform(0.1, 1))
        if len(under_way) < 2 and chaos.random.random() < 0.6:
            trouble = chaos.random.choice(chaos.TROUBLES)
            about = "redis" if "redis" in trouble.__name__ else "node"
            if about not in [what for what, _ in under_way]:
                under_way.append((about, trouble(chaos)))
        elif under_way:
            under_way.pop(chaos.random.randrange(len(under_way)))[1]()
    for _, over in under_way:
        over()
    judge(fleet, chaos, lost_may_be=True)
