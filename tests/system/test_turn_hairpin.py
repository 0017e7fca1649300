# SPDX-License-Identifier: Apache-2.0
"""A WebRTC call whose browser reaches the relay through TURN of the same process: payload stays inside it."""
import asyncio
import re
import time

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection

import rtp
import turn_message as m
from daemon import free_port
from test_turn_aiortc import URIS
from test_webrtc import TO_BROWSER, TO_PBX, Browser, Tone, talk
from turn_admin import TOKEN, Admin
from turn_server import TurnServer, ours_alone

pytestmark = ours_alone


@pytest.fixture(scope="module")
def server(turn_cert):
    port = free_port()
    one = TurnServer(cert=turn_cert, daemon_options=[
        "--num-threads=2", f"--listen-admin=127.0.0.1:{port}", f"--admin-token={TOKEN}"])
    one.admin = Admin(port)
    yield one
    one.stop()


@pytest.fixture
def admin(server):
    return server.admin


class RelayedBrowser(Browser):
    def __init__(self, server, way):
        super().__init__()
        uri = URIS[way].format(port=server.port, tls_port=server.tls_port)
        self.peer = RTCPeerConnection(RTCConfiguration([RTCIceServer(uri, username="alice", credential="wonderland")]))
        self.peer.addTrack(Tone())
        self.peer.on("track", lambda track: asyncio.ensure_future(self._listen(track)))


@pytest.mark.parametrize("way", URIS)
def test_a_call_through_our_own_turn(server, phones, monkeypatch, turn_cert, way):
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: [])
    monkeypatch.setenv("SSL_CERT_FILE", turn_cert[0])
    ng = server.process.ng

    async def scenario():
        for n in range(3):  # relay and media port on the same worker, and on two
            browser, phone = RelayedBrowser(server, way), phones()
            offer = await browser.offer()
            assert re.findall(r"typ (\w+)", offer) == ["relay"]
            to_phone = ng.offer(f"hairpin-{way}-{n}", offer, **TO_PBX)
            await browser.take_answer(ng.answer(f"hairpin-{way}-{n}", phone.sdp("0"), **TO_BROWSER))
            assert await browser.connected()
            heard = await talk(browser, phone, rtp.media_address(to_phone))
            assert any(len(set(p["payload"])) > 1 for p in heard), "silence"
            assert browser.loudness() > 5000
            await browser.peer.close()
            ng.delete(f"hairpin-{way}-{n}")

    asyncio.run(scenario())


def test_a_stun_check_from_a_relay_to_a_media_port(server, connect, phones):
    """The smallest round trip inside the process, by the bound address."""
    ng, phone = server.process.ng, phones()
    to = rtp.media_address(ng.offer("plain-hairpin", phone.sdp()))
    for _ in range(6):
        client = connect(server).allocated()
        assert client.bind(0x4000, to).ok()
        binding = m.Draft(m.BINDING)
        client.send_channel(0x4000, binding.bytes())
        number, data = client.receive()
        reply = m.Message(data)
        assert number == 0x4000 and reply.transaction == binding.transaction
        assert reply.address(m.XOR_MAPPED) == client.relayed
    ng.delete("plain-hairpin")


def test_packets_inside_the_process_are_not_on_the_network(server, admin, connect, phones):
    """Neither on their way to the media port nor back."""
    ng, phone = server.process.ng, phones()
    to = rtp.media_address(ng.offer("counted-hairpin", phone.sdp()))
    client = connect(server).allocated()
    assert client.bind(0x4000, to).ok()
    before = admin.metric("delivered_inside_total")
    for _ in range(100):
        client.send_channel(0x4000, m.Draft(m.BINDING).bytes())
        assert client.receive()[0] == 0x4000
    deadline = time.monotonic() + 5  # what is counted in a turn may be told before it is seen
    while admin.metric("delivered_inside_total") - before < 200 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert admin.metric("delivered_inside_total") - before == 200
    ng.delete("counted-hairpin")


def test_relays_of_one_process_reach_each_other_inside_it(server, admin, connect):
    one, two = connect(server).allocated(), connect(server).allocated()
    assert one.permit(two.relayed).ok() and two.permit(one.relayed).ok()
    before = admin.metric("delivered_inside_total")
    for n in range(50):
        one.send_to(two.relayed, b"%d" % n)
        assert two.heard() == (one.relayed, b"%d" % n)
    assert admin.metric("delivered_inside_total") - before == 50
