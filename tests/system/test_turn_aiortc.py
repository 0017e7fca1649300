# SPDX-License-Identifier: Apache-2.0
"""Two WebRTC endpoints (aiortc) that have nothing but the relay: data channel and audio over UDP, TCP and TLS."""
import asyncio

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError

from turn_server import TurnServer

URIS = {"udp": "turn:127.0.0.1:{port}?transport=udp", "tcp": "turn:127.0.0.1:{port}?transport=tcp",
        "tls": "turns:127.0.0.1:{tls_port}?transport=tcp"}


@pytest.fixture(scope="module")
def server(turn_cert):
    one = TurnServer(cert=turn_cert)
    yield one
    one.stop()


@pytest.fixture(autouse=True)
def relay_only(monkeypatch, turn_cert):
    """aiortc has no iceTransportPolicy: without host addresses only relayed candidates are left."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: [])
    monkeypatch.setenv("SSL_CERT_FILE", turn_cert[0])


def endpoint(server, way):
    uri = URIS[way].format(port=server.port, tls_port=server.tls_port)
    return RTCPeerConnection(RTCConfiguration([RTCIceServer(uri, username="alice", credential="wonderland")]))


def candidates(description):
    return [line for line in description.sdp.splitlines() if line.startswith("a=candidate:")]


async def join(one, two):
    """Offer and answer; both sides have relayed candidates alone."""
    await one.setLocalDescription(await one.createOffer())
    assert candidates(one.localDescription) and all(" typ relay " in c for c in candidates(one.localDescription))
    await two.setRemoteDescription(one.localDescription)
    await two.setLocalDescription(await two.createAnswer())
    assert candidates(two.localDescription) and all(" typ relay " in c for c in candidates(two.localDescription))
    await one.setRemoteDescription(two.localDescription)


def run(server, ways, scenario):
    async def both():
        peers = [endpoint(server, way) for way in ways]
        try:
            await asyncio.wait_for(scenario(*peers), 20)
        finally:
            for peer in peers:
                await peer.close()

    asyncio.run(both())


@pytest.mark.parametrize("ways", [("udp", "udp"), ("tcp", "tcp"), ("tls", "tls"), ("udp", "tls"), ("tcp", "udp")],
                         ids="-".join)
def test_a_data_channel_over_the_relay(server, ways):
    async def scenario(one, two):
        heard = asyncio.get_running_loop().create_future()
        channel = one.createDataChannel("chat")
        got = []

        @two.on("datachannel")
        def arrived(far):
            far.on("message", far.send)

        @channel.on("open")
        def opened():
            for n in range(100):
                channel.send(f"{n}" + "." * (n * 30))

        @channel.on("message")
        def message(text):
            got.append(int(text.rstrip(".")))
            if len(got) == 100:
                heard.set_result(None)

        await join(one, two)
        await heard
        assert got == list(range(100))

    run(server, ways, scenario)


@pytest.mark.parametrize("way", URIS)
def test_audio_over_the_relay(server, way):
    async def scenario(one, two):
        arrived = asyncio.get_running_loop().create_future()
        two.on("track", arrived.set_result)
        one.addTrack(AudioStreamTrack())
        await join(one, two)
        track = await arrived
        for _ in range(30):
            try:
                frame = await track.recv()
            except MediaStreamError:
                pytest.fail("the track ended")
            assert frame.samples > 0

    run(server, (way, way), scenario)
