# SPDX-License-Identifier: Apache-2.0
"""TURN clients over a takeover: one that asks for something just then is not sent away, and a mobile one finds its
allocation at the other node by the ticket of the first."""
import time

import turn_message as m
from fleet_network import PHONE, PLACES
from fleet_node import TURN
from turn import Peer, TurnClient
from turn_transport import Udp


def client_of(net):
    with net.inside("phone"):
        return TurnClient(Udp((PLACES[1][0], TURN), (PHONE, 0)))


def wait_records(fleet, count):
    deadline = time.monotonic() + 20
    while len(fleet.records("allocation")) != count:
        assert time.monotonic() < deadline, fleet.records("allocation")
        time.sleep(0.1)
    time.sleep(0.3)  # and the last change


def fail_over(fleet):
    fleet["a"].kill()
    for place, node in fleet.net.at.items():
        if node == "a":
            fleet.net.move(place, "b")


def ask_until_answered(client, *attributes, until=0, seconds=20):
    """Asks all the time, as clients do; gives the codes that came, `until` at the end (0: success)."""
    codes, deadline = [], time.monotonic() + seconds
    while (not codes or codes[-1] != until) and time.monotonic() < deadline:
        reply = client.transact(client.draft(m.REFRESH, *attributes), 0.1)
        if reply is not None and reply.kind == m.ERROR and reply.code == 438:
            client.learn(reply)
        if reply is not None:
            codes.append(reply.code if reply.kind == m.ERROR else 0)
    return codes


def test_who_asks_meanwhile_is_not_sent_away(fleet):
    _, b = fleet.start("a", "b")
    client = client_of(fleet.net).allocated()
    with fleet.net.inside("phone"):
        peer = Peer(PHONE)
    try:
        assert client.bind(0x4001, peer.address).ok()
        wait_records(fleet, 1)
        fleet.wait_settled()
        fail_over(fleet)
        codes = ask_until_answered(client)
        assert codes[-1] == 0 and set(codes) <= {0, 438}, codes
        client.send_channel(0x4001, b"through the other node")
        assert peer.receive() == (b"through the other node", client.relayed)
        assert "event=turn-restored" in b.log()
        assert client.refresh(0).ok()
        wait_records(fleet, 0)
        stranger = client_of(fleet.net)
        stranger.challenge()
        assert 437 in ask_until_answered(stranger, until=437)  # when nothing is expected any more
        stranger.close()
    finally:
        client.close()
        peer.close()


def test_a_mobile_client_finds_its_allocation(fleet):
    fleet.start("a", "b", options=["--turn-mobility"])
    client, elsewhere = client_of(fleet.net), client_of(fleet.net)
    with fleet.net.inside("phone"):
        peer = Peer(PHONE)
    try:
        reply = client.allocate((m.MOBILITY_TICKET, b""))
        assert reply.ok()
        ticket = reply.get(m.MOBILITY_TICKET)
        assert client.permit(peer.address).ok()
        wait_records(fleet, 1)
        fleet.wait_settled()
        fail_over(fleet)
        elsewhere.challenge()
        codes = ask_until_answered(elsewhere, (m.MOBILITY_TICKET, ticket))
        assert codes[-1] == 0 and set(codes) <= {0, 438}, codes
        elsewhere.send_to(peer.address, b"from elsewhere")
        assert peer.receive() == (b"from elsewhere", client.relayed)
        assert len(fleet.records("allocation")) == 1
        elsewhere.relayed = client.relayed
    finally:
        elsewhere.close()
        client.close()
        peer.close()
