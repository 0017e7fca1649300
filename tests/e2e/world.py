# SPDX-License-Identifier: Apache-2.0
"""Everything a call needs, in namespaces:

    clients (alice, bob, carol) --- isp --- edge (Kamailio, relay, web backend) --- PBXes

Open:    clients have public addresses, carol only an IPv6 one; the edge has its own.
NatWorld: clients sit behind an address-translating router, and the edge has a private address
          that the same router maps one to one to its public one.
"""

import time

from . import admin, turn
from .backend import Backend
from .baresip import Baresip
from .capture import Capture
from .certificates import Authority
from .endpoint import Endpoint
from .kamailio import DOMAIN, WSS_PORT, Kamailio
from .namespaces import Namespace, link
from .phones import Browser, Driver
from .relay import DROPPED, NG_ADDRESS, Relay

PUBLIC = "203.0.113.10"
PUBLIC6 = "2001:db8:113::10"
INSIDE = "10.20.0.10"
PBX, SECOND_PBX, ENDPOINT = "10.20.0.20", "10.20.0.21", "10.20.0.22"

# No tone is a multiple of another, so none can pass for another's distortion.
TONES = {"alice": 520, "bob": 850, "carol": 670, "pbx": 1210, "second": 1730,
         "endpoint": 1930}


class World:
    """Base: what both worlds have. A subclass wires its network in `_connect()`."""

    client_addresses = {}
    edge_address = PUBLIC
    listeners = []
    interfaces = []
    turn_ips = []
    turn_external_ips = []
    media_relay = f"udp:{NG_ADDRESS[0]}:{NG_ADDRESS[1]}"  # what Kamailio calls it

    def __init__(self, directory):
        self.directory = directory
        self.started = []
        self.browsers = {}
        self.phones = []
        self.mark = 0.0
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _keep(self, thing):
        """Takes `thing`; stop() ends all in the opposite order."""
        self.started.append(thing)
        return thing

    def _namespace(self, name):
        namespace = Namespace(name)
        self.started.append(_Removal(namespace))
        return namespace

    def _start(self):
        self.isp = self._namespace("isp")
        self.edge = self._namespace("edge")
        self.pbx_sides = {PBX: self._namespace("pbx"), SECOND_PBX: self._namespace("pbx2"),
                          ENDPOINT: self._namespace("endpoint")}
        self.clients = {name: self._namespace(name) for name in self.client_addresses}
        self._connect()
        self._connect_inside()
        # Sockets of other programs stay out of the relay's range.
        self.edge.sysctl("net.ipv4.ip_local_port_range", "50000 60999")

        self.outside = self._keep(Capture(self.isp, "edge"))
        self.wire = self._keep(Capture(self.edge, *(n.label for n in self.pbx_sides.values())))
        self.loopback = self._keep(Capture(self.edge, "lo"))
        self._certify()
        self.backend = self._keep(Backend(self.edge, DOMAIN))
        self.pbx = self._keep(Baresip(
            "baresip", self.pbx_sides[PBX], PBX, TONES["pbx"], self.directory))
        self.second_pbx = self._keep(Baresip(
            "baresip2", self.pbx_sides[SECOND_PBX], SECOND_PBX, TONES["second"], self.directory))
        self.endpoint = self._keep(Endpoint(
            self.pbx_sides[ENDPOINT], ENDPOINT, TONES["endpoint"]))
        self.relay = self._start_relay()
        self.kamailio = self._keep(Kamailio(
            self.edge, self.directory, self.kamailio_identity, self.listeners, INSIDE,
            [PBX, SECOND_PBX], self.media_relay))
        self.driver = self._keep(Driver(self.directory))

    def _start_relay(self):
        return self._keep(Relay(
            self.edge, self.interfaces, self.relay_config(), self.directory))

    def _connect_inside(self):
        self.edge.bridge("in", f"{INSIDE}/24")
        for address, namespace in self.pbx_sides.items():
            link(namespace, "eth0", self.edge, namespace.label, bridge_b="in")
            namespace.address("eth0", f"{address}/24")

    def _certify(self):
        authority = Authority(self.directory)
        self.kamailio_identity = authority.issue("kamailio", f"IP:{PUBLIC}", f"IP:{PUBLIC6}")
        self.turn_identity = authority.issue("turn", f"DNS:{turn.HOST}")
        self.chromium_policy = authority.chromium_policy()

    def relay_config(self, **options):
        """The file for the relay: TURN, with these options changed, and secrets."""
        return (f"[mediaferry]\nadmin-token = {admin.TOKEN}\n"
                + turn.section(self.turn_ips, self.turn_external_ips, self.turn_identity,
                               **options))

    def browser(self, name):
        """Chromium of that client, started when first asked for."""
        if name not in self.browsers:
            self.browsers[name] = Browser(
                self.driver, name, self.clients[name], TONES[name], self.directory,
                self.chromium_policy, self._server(name), self._turn_server(name))
        return self.browsers[name]

    def _server(self, name):
        """The edge's address for that client, as in a URL."""
        return f"[{PUBLIC6}]" if ":" in self.client_addresses[name] else PUBLIC

    def _turn_server(self, name):
        return self._server(name)

    def phone(self, name, **options):
        """A registered phone of that user."""
        phone = self.browser(name).open(name, f"{self._server(name)}:{WSS_PORT}", **options)
        self.phones.append(phone)
        return phone

    # Around each test

    def begin(self):
        self.mark = time.monotonic()
        self.outside.forget()
        self.wire.forget()
        self.loopback.forget()
        self.backend.requests.clear()
        self.log_marks = {p: p.log_size() for p in self._processes()}
        self.metrics = self.relay.metrics()

    def end(self):
        """Closes the phones and whatever call is left, so that the next test starts clean."""
        for phone in self.phones:
            phone.close()
        self.phones.clear()
        for pbx in (self.pbx, self.second_pbx):
            pbx.command("hangupall")
        self.endpoint.forget()
        for call_id in self.relay.calls():
            self.relay.ng.ask("delete", **{"call-id": call_id})
        for allocation in self.relay.allocations():
            self.relay.admin.end_allocation(allocation)

    def counted(self, metric):
        """How much a counter of the relay has grown."""
        return self.relay.metrics().get(metric, 0) - self.metrics.get(metric, 0)

    def dropped(self, reason):
        return self.counted(DROPPED % reason)

    def faults(self):
        return self.relay.faults(self.log_marks[self.relay], self.metrics)

    def browser_endpoints(self):
        """Where the relay sees the browsers' media come from."""
        return {d.source for d in self.outside.since(time.monotonic() - 0.5)
                if d.target[0] == self.edge_address and d.is_rtp}

    def ng_messages(self):
        return [d for d in self.loopback.since(self.mark)
                if NG_ADDRESS[1] in (d.source[1], d.target[1])]

    def _processes(self):
        return [self.relay, self.kamailio.process, self.pbx, self.second_pbx]

    def evidence(self):
        """(title, text) of all that helps to explain a failed test."""
        for process in self._processes():
            yield f"{process.name} log", process.log(self.log_marks.get(process, 0))[-20000:]
        yield "ng", "\n".join(_shown(d, self.mark) for d in self.ng_messages())
        metrics = self.relay.metrics()
        yield "metrics that have changed", "\n".join(
            f"{name} {value - self.metrics.get(name, 0):+}" for name, value in metrics.items()
            if value != self.metrics.get(name, 0))
        sip = [d for d in self.wire.since(self.mark) if d.is_sip]
        yield "SIP at the PBX", "\n".join(_shown(d, self.mark) for d in sip)
        for phone in self.phones:
            yield f"console of {phone.user}", "\n".join(phone.console())

    def stop(self):
        for thing in reversed(self.started):
            thing.stop()


class _Removal:
    def __init__(self, namespace):
        self.namespace = namespace

    def stop(self):
        self.namespace.remove()


def _shown(datagram, start):
    text = datagram.payload.decode(errors="replace").replace("\r\n", "\n    ")
    (source, source_port), (target, target_port) = datagram.source, datagram.target
    return (f"--- +{datagram.at - start:.3f} {source}:{source_port} -> {target}:{target_port} "
            f"({datagram.size} bytes)\n    {text}")


class OpenWorld(World):
    client_addresses = {
        "alice": "198.51.100.20/24", "bob": "198.51.100.21/24", "carol": "2001:db8:51::22/64"}
    listeners = [f"{PUBLIC}:{WSS_PORT}", f"[{PUBLIC6}]:{WSS_PORT}"]
    interfaces = [f"external/{PUBLIC}", f"external/{PUBLIC6}", f"internal/{INSIDE}"]
    turn_ips = [PUBLIC, PUBLIC6]

    def _connect(self):
        self.isp.bridge("lan", "198.51.100.1/24", "2001:db8:51::1/64")
        self.isp.sysctl("net.ipv4.ip_forward", 1)
        self.isp.sysctl("net.ipv6.conf.all.forwarding", 1)
        for name, address in self.client_addresses.items():
            link(self.clients[name], "eth0", self.isp, name, bridge_b="lan")
            self.clients[name].address("eth0", address)
            self.clients[name].route("2001:db8:51::1" if ":" in address else "198.51.100.1")
        link(self.edge, "out", self.isp, "edge")
        self.isp.address("edge", "203.0.113.1/24", "2001:db8:113::1/64")
        self.edge.address("out", f"{PUBLIC}/24", f"{PUBLIC6}/64")
        self.edge.route("203.0.113.1", "2001:db8:113::1")


HOME = "192.168.77.0/24"
EDGE_PRIVATE = "172.31.5.10"
FIRST_MAPPING = "198.51.100.1"
SECOND_MAPPING = "198.51.100.2"

# Packets of the clients leave from `mapping` with a port the router chose. UDP has a conntrack
# zone of its own: a new zone number makes the router forget the mappings of UDP, not those of TCP.
NAT_RULES = """
flush ruleset
table ip translate {{
    chain zones {{
        type filter hook prerouting priority raw;
        meta l4proto udp ct zone set {zone}
    }}
    chain inwards {{
        type nat hook prerouting priority dstnat;
        ip daddr {public} dnat to {edge}
    }}
    chain outwards {{
        type nat hook postrouting priority srcnat;
        ip saddr {home} meta l4proto udp snat to {mapping}:{ports}
        ip saddr {home} snat to {first}
        ip saddr {edge} snat to {public}
    }}
    chain through {{
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        ct status dnat accept
    }}
}}
"""


class NatWorld(World):
    client_addresses = {"alice": "192.168.77.20/24"}
    edge_address = EDGE_PRIVATE
    listeners = [f"{EDGE_PRIVATE}:{WSS_PORT} advertise {PUBLIC}:{WSS_PORT}"]
    interfaces = [f"external/{EDGE_PRIVATE}!{PUBLIC}", f"internal/{INSIDE}"]
    turn_ips = [EDGE_PRIVATE]
    turn_external_ips = [f"{PUBLIC}/{EDGE_PRIVATE}"]

    def _connect(self):
        self.isp.bridge("lan", "192.168.77.1/24")
        self.isp.sysctl("net.ipv4.ip_forward", 1)
        for name, address in self.client_addresses.items():
            link(self.clients[name], "eth0", self.isp, name, bridge_b="lan")
            self.clients[name].address("eth0", address)
            self.clients[name].route("192.168.77.1")
        link(self.edge, "out", self.isp, "edge")
        self.isp.address("edge", "172.31.5.1/24")
        self.edge.address("out", f"{EDGE_PRIVATE}/24")
        self.edge.route("172.31.5.1")
        self.map_clients(FIRST_MAPPING, "61000-61999", zone=1)

    def map_clients(self, mapping, ports, zone):
        self.isp.run("nft", "-f", "-", stdin=NAT_RULES.format(
            public=PUBLIC, edge=EDGE_PRIVATE, home=HOME, first=FIRST_MAPPING,
            mapping=mapping, ports=ports, zone=zone))
