# SPDX-License-Identifier: Apache-2.0
"""Calls of every kind between a phone outside and a PBX inside, and their media, which never pauses."""
import selectors
import threading
import time

from fleet_network import PBX, PBX6, PHONE, PHONE6
from fleet_sides import DtlsSide, HiddenSide, SdesSide, Side, WebSide

EACH_S = 0.04  # between two packets of one phone

REWRITE = {"replace": ["origin", "session-connection"]}
TO_PBX = {"ICE": "remove", "rtcp_mux": ["demux"], "transport_protocol": "RTP/AVP", **REWRITE}
TO_BROWSER = {"ICE": "force", "rtcp_mux": ["require"], **REWRITE}
BROWSER_IS_CALLED = {"ICE": "force", "DTLS": "passive", "SDES": ["off"], "rtcp_mux": ["require"],
                     "transport_protocol": "UDP/TLS/RTP/SAVPF", "flags": ["generate-mid"], **REWRITE}


def _gcm(host):
    return SdesSide(host, "AEAD_AES_256_GCM")


# Who calls from outside, and the flags of offer and answer; a PBX with plain RTP is inside.
KINDS = {
    "plain": (Side, {}, {}),
    "nat": (HiddenSide, {}, {}),
    "sdes": (SdesSide, {"transport_protocol": "RTP/AVP"}, {}),
    "gcm": (_gcm, {"transport_protocol": "RTP/AVP"}, {}),
    "dtls": (DtlsSide, {"transport_protocol": "RTP/AVP", "rtcp_mux": ["demux"]}, {"rtcp_mux": ["require"]}),
    "web": (WebSide, TO_PBX, TO_BROWSER),
}
# Here the PBX calls.
INWARD = {
    "plain-in": (Side, {}, {}),
    "sdes-in": (SdesSide, {"transport_protocol": "RTP/SAVP", "DTLS": "off"}, {}),
    "web-in": (WebSide, BROWSER_IS_CALLED, {"ICE": "remove", "rtcp_mux": ["demux"]}),
}
EVERY_KIND = [*KINDS, *INWARD]


class Call:
    """Set up by one node, at a place; `sides` are caller and called."""

    def __init__(self, net, ng, name, kind="plain", place=1, is_ip6=False):
        self.net, self.name, self.kind = net, name, kind
        make, self.offering, self.answering = (KINDS | INWARD)[kind]
        with net.inside("phone"):
            phone = make(PHONE6 if is_ip6 else PHONE)
        with net.inside("pbx"):
            pbx = Side(PBX6 if is_ip6 else PBX)
        directions = [f"six{place}"] * 2 if is_ip6 else [f"out{place}", f"in{place}"]
        self.sides = [phone, pbx]
        self.outside, self.inside = phone, pbx
        if kind in INWARD:
            self.sides.reverse()
            directions.reverse()
        self.offering = {**self.offering, "direction": directions}
        self.sides[0].hears, self.sides[1].hears = self.sides[1].ssrc, self.sides[0].ssrc
        try:
            self.invite(ng)
        except BaseException:
            self.close()
            raise

    def close(self):
        for side in self.sides:
            side.close()

    def invite(self, ng, *attributes, answer=()):
        """An offer and its answer, the first or one more; the SDP of each."""
        a, b = self.sides
        again = {"to_tag": "B"} if a.to else {}
        before = a.to, b.to
        to_b = ng.offer(self.name, a.sdp(*attributes), **again, **self.offering)
        b.learn(to_b)
        to_a = ng.answer(self.name, b.sdp(*answer, answer_to=to_b), **self.answering)
        a.learn(to_a)
        if again:
            assert (a.to, b.to) == before, "the relay's ports have changed"
        for side in self.sides:
            side.ready()
        return to_b, to_a

    def hold(self, ng):
        """The called side only listens."""
        self.invite(ng, "a=sendonly", answer=["a=recvonly"])
        self.sides[0].is_on_hold = True

    def resume(self, ng):
        self.invite(ng)
        self.sides[0].is_on_hold = False

    def delete(self, ng):
        """It does not matter what is heard from now on, or is not."""
        for side in self.sides:
            side.is_over = True
        return ng.delete(self.name)

    def faults(self):
        return [f"{self.name}: {who} hears {fault}" for who, side in (("phone", self.outside), ("PBX", self.inside))
                for fault in side.faults[:5]]


class Talk:
    """The media of calls, on a thread of its own, from add() to remove()."""

    def __init__(self):
        self.calls, self.is_over = [], False
        self.spoken_for, self.changes = [], []  # the thread's own, and what is to become of it
        self.selector = selectors.DefaultSelector()
        self.lock = threading.Lock()
        self.late = 0.0  # the longest that this thread itself was late
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def add(self, *calls):
        for call in calls:
            for side in call.sides:
                for sock in side.sockets():
                    sock.setblocking(False)
        with self.lock:
            self.changes += [(self._begin, call) for call in calls]
            self.calls += calls
        return calls[0]

    def remove(self, *calls):
        """Its media ends; afterwards its sockets are closed."""
        with self.lock:
            self.changes += [(self._end, call) for call in calls]
            self.calls = [call for call in self.calls if call not in calls]

    def close(self):
        self.is_over = True
        self.thread.join()
        for call in self.spoken_for:
            call.close()
        self.selector.close()

    def _begin(self, call):
        self.spoken_for.append(call)
        for side in call.sides:
            for sock in side.sockets():
                self.selector.register(sock, selectors.EVENT_READ, side)

    def _end(self, call):
        self.spoken_for.remove(call)
        for side in call.sides:
            for sock in side.sockets():
                self.selector.unregister(sock)
        call.close()

    def _run(self):
        due = time.monotonic()
        while not self.is_over:
            with self.lock:
                changes, self.changes = self.changes, []
            for change, call in changes:
                change(call)
            now = time.monotonic()
            self.late = max(self.late, now - due)
            due = max(due + EACH_S, now)
            for call in self.spoken_for:
                for side in call.sides:
                    side.speak(now)
            while (left := due - time.monotonic()) > 0:
                for key, _ in self.selector.select(left):
                    self._receive(key.fileobj, key.data)

    @staticmethod
    def _receive(sock, side):
        for _ in range(50):
            try:
                data, source = sock.recvfrom(2048)
            except OSError:  # nothing more, or an ICMP error
                return
            side.hear(data, source, time.monotonic())

    # What is heard

    def sides(self, calls=None):
        return [side for call in (self.calls if calls is None else calls) for side in call.sides 
                if not side.is_on_hold]

    def silent_since(self, moment, calls=None):
        return [f"{call.name} {'phone' if side is call.outside else 'PBX'}"
                for call in (self.calls if calls is None else calls) for side in call.sides
                if side.last < moment and not side.is_on_hold]

    def all_heard(self, calls=None, seconds=20, since=None):
        """Everybody hears the other one, from now on or that moment; in both directions and with RTCP."""
        moment = time.monotonic() if since is None else since
        deadline = time.monotonic() + seconds
        while silent := self.silent_since(moment, calls):
            assert time.monotonic() < deadline, f"silent: {silent}"
            time.sleep(0.02)

    def reports_go_on(self, calls=None, seconds=20):
        before = [(side, side.reports) for side in self.sides(calls) if side.reports]
        deadline = time.monotonic() + seconds
        while silent := [side for side, count in before if side.reports <= count]:
            assert time.monotonic() < deadline, f"{len(silent)} of {len(before)} hear no RTCP"
            time.sleep(0.02)

    def checks_go_on(self, seconds=20):
        """Browsers' checks are answered."""
        before = [(side, side.checks) for side in self.sides() if type(side) is WebSide]
        deadline = time.monotonic() + seconds
        while any(side.checks <= count for side, count in before):
            assert time.monotonic() < deadline, "checks without an answer"
            time.sleep(0.02)

    def mark(self):
        """Silence is told from now on."""
        for side in self.sides():
            side.gap = 0.0
        self.late = 0.0

    def wait_resumed(self, seconds=30):
        """Until all have heard something after this moment; how long that took."""
        began = time.monotonic()
        for side in self.sides():
            side.resumed = 0.0
        deadline = began + seconds
        while not all(side.resumed for side in self.sides()):
            assert time.monotonic() < deadline, f"silent: {self.silent_since(began)}"
            time.sleep(0.01)
        return max(side.resumed for side in self.sides()) - began

    def gaps(self, calls=None):
        """The longest silence that each side has heard, in ascending order."""
        return sorted(side.gap for side in self.sides(calls))

    def faults(self):
        return [fault for call in list(self.calls) for fault in call.faults()]
