# SPDX-License-Identifier: Apache-2.0
"""What is asked of a call over TURN, beyond what is asked of every call."""

from . import calls, turn
from .firewall import Firewall
from .processes import eventually
from .world import PUBLIC


def firewall(world, phone_name, way):
    """Lets that client reach nothing but Kamailio's WebSocket and the port of TURN."""
    client = world.client_addresses[phone_name].partition("/")[0]
    return Firewall(world.isp, client, way.transport, way.port)


def assert_relayed(phone, way, remote=PUBLIC):
    """The browser talks to the media port from a relayed address that it reaches in that way."""
    calls.assert_transport(phone, remote)
    for transport in phone.stats()["transports"]:
        local = transport["pair"]["local"]
        assert (local["candidateType"], local["relayProtocol"]) == ("relay", way.protocol), local
        assert local["address"] == PUBLIC and local["port"] in turn.RELAYED, local


def assert_stays_inside(world):
    """Relayed address and media port reach each other and no wire shows it, nor does loopback."""
    inside = world.counted("delivered_inside_total")
    assert inside > 100, f"{inside} packets delivered inside the process"
    relayed = {(ip, port) for ip in (PUBLIC, world.edge_address) for port in turn.RELAYED}
    for capture in (world.outside, world.wire, world.loopback):
        seen = [d for d in capture.since(world.mark) if relayed & {d.source, d.target}]
        assert not seen, f"{len(seen)} datagrams like {seen[0]}"


def assert_only_port(wall):
    """All media went through the firewall's one hole, and nothing was tried elsewhere."""
    assert wall.packets("media") > 100
    assert wall.packets("refused") == 0


def assert_sound(world, phone, way):
    calls.assert_talking(world, phone)
    calls.assert_clean(world, phone)
    assert_relayed(phone, way)
    assert_stays_inside(world)


def assert_released(world, phone):
    calls.assert_freed(world, phone)
    eventually(lambda: not world.relay.allocations(),
               lambda: f"allocations released, but {world.relay.allocations()}")
    assert not world.relay.open_ports(turn.RELAYED)
