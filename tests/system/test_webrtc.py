# SPDX-License-Identifier: Apache-2.0
"""A WebRTC endpoint (aiortc: full ICE, DTLS-SRTP) against a phone with plain RTP."""
import asyncio
import fractions
import re
import time

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

import rtp

TO_PBX = {"ICE": "remove", "rtcp_mux": ["demux"], "transport_protocol": "RTP/AVP",
          "replace": ["origin", "session-connection"], "codec": {"strip": ["all"], "offer": ["PCMU"]}}
# aiortc reads only the long form of a=rtcp.
TO_BROWSER = {"ICE": "force", "flags": ["full-rtcp-attribute"], "rtcp_mux": ["require"], "replace": ["origin", "session-connection"]}
OFFER_BROWSER = {"ICE": "force", "DTLS": "passive", "SDES": ["off"], "rtcp_mux": ["offer"],
                 "transport_protocol": "UDP/TLS/RTP/SAVPF", "flags": ["generate-mid", "full-rtcp-attribute"]}


class Tone(MediaStreamTrack):
    """A square wave at 8 kHz: loud enough to be told from silence."""
    kind = "audio"

    def __init__(self):
        super().__init__()
        self.sent = 0
        self.started = time.monotonic()

    async def recv(self):
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(max(0, self.started + self.sent * 0.02 - time.monotonic()))
        frame = AudioFrame(format="s16", layout="mono", samples=160)
        frame.planes[0].update((b"\x00\x40" * 10 + b"\x00\xc0" * 10) * 8)
        frame.pts, frame.sample_rate, frame.time_base = self.sent * 160, 8000, fractions.Fraction(1, 8000)
        self.sent += 1
        return frame


class Browser:
    def __init__(self):
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.addTrack(Tone())
        self.frames = []
        self.peer.on("track", lambda track: asyncio.ensure_future(self._listen(track)))

    async def _listen(self, track):
        try:
            while True:
                self.frames.append(await track.recv())
        except MediaStreamError:
            pass

    async def offer(self):
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def take_answer(self, sdp):
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="answer"))

    async def take_offer(self, sdp):
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="offer"))
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        return self.peer.localDescription.sdp

    async def connected(self, seconds=10):
        deadline = time.monotonic() + seconds
        while self.peer.connectionState != "connected" and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return self.peer.connectionState == "connected"

    def loudness(self):
        """Mean level of the frames heard."""
        samples = [abs(s) for f in self.frames[-5:] for s in memoryview(bytes(f.planes[0])).cast("h")]
        return sum(samples) / len(samples) if samples else 0


async def in_thread(function, *arguments):
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)


async def talk(browser, phone, phone_sends_to, packets=20):
    """Audio both ways; gives what the phone heard."""
    heard = []
    loud = bytes([0x80, 0x00] * 80)  # full scale in PCMU
    for seq in range(packets):
        phone.send(phone_sends_to, rtp.packet(seq, ssrc=0xB, payload=loud))
        heard.append(rtp.parse((await in_thread(phone.receive))[0]))
    await asyncio.sleep(0.2)
    return heard


def test_browser_calls_phone(ng, call, phones, relay):
    async def scenario():
        browser, phone = Browser(), phones()
        to_phone = ng.offer(call, await browser.offer(), **TO_PBX)
        assert re.search(r"m=audio \d+ RTP/AVP 0\r\n", to_phone)
        for name in ("candidate", "fingerprint", "ssrc", "extmap", "group", "setup", "rtcp-mux", "msid"):
            assert f"a={name}" not in to_phone
        to_browser = ng.answer(call, phone.sdp("0"), **TO_BROWSER)
        assert "a=setup:active" in to_browser and "a=ice-lite" in to_browser
        await browser.take_answer(to_browser)
        assert await browser.connected()
        heard = await talk(browser, phone, rtp.media_address(to_phone))
        assert len({p["ssrc"] for p in heard}) == 1 and {p["pt"] for p in heard} == {0}
        assert not any(p["has_extension"] for p in heard)
        assert any(len(set(p["payload"])) > 1 for p in heard), "silence"
        assert browser.loudness() > 5000
        report = ng.query(call)
        assert "DTLS-SRTP" in report["tags"]["A"]["medias"][0]["flags"]
        assert report["totals"]["RTP"]["packets"] >= 40
        assert report["totals"]["RTP"]["errors"] == 0
        await browser.peer.close()

    asyncio.run(scenario())
    assert "dtls" in relay.log()


def test_phone_calls_browser(ng, call, phones):
    async def scenario():
        browser, phone = Browser(), phones()
        to_browser = ng.offer(call, phone.sdp("0"), **OFFER_BROWSER)
        assert "a=setup:actpass" in to_browser and "a=mid:" in to_browser and "a=rtcp-mux" in to_browser
        to_phone = ng.answer(call, await browser.take_offer(to_browser), ICE="remove", rtcp_mux=["demux"])
        assert await browser.connected()
        heard = await talk(browser, phone, rtp.media_address(to_phone))
        assert any(len(set(p["payload"])) > 1 for p in heard), "silence"
        assert browser.loudness() > 5000
        await browser.peer.close()

    asyncio.run(scenario())


def test_wrong_fingerprint_means_no_media(ng, call, phones, relay):
    async def scenario():
        browser, phone = Browser(), phones()
        offer = re.sub(r"(a=fingerprint:sha-256 )..", r"\g<1>00", await browser.offer())
        offer = re.sub(r"a=fingerprint:sha-(384|512).*\r\n", "", offer)
        to_phone = ng.offer(call, offer, **TO_PBX)
        await browser.take_answer(ng.answer(call, phone.sdp("0"), **TO_BROWSER))
        await browser.connected(2)
        phone.send(rtp.media_address(to_phone), rtp.packet(1, ssrc=0xB))
        assert await in_thread(phone.hears_nothing, 1.0)
        assert not browser.frames
        await browser.peer.close()

    asyncio.run(scenario())
    assert "fingerprint" in relay.log()


def test_reinvite_keeps_the_dtls_association(ng, call, phones, relay):
    async def scenario():
        browser, phone = Browser(), phones()
        offer = await browser.offer()
        to_phone = ng.offer(call, offer, **TO_PBX)
        first = ng.answer(call, phone.sdp("0"), **TO_BROWSER)
        await browser.take_answer(first)
        assert await browser.connected()
        await talk(browser, phone, rtp.media_address(to_phone), 5)
        handshakes = relay.log().count("dtls-connected")
        again = ng.command("offer", call_id=call, from_tag="A", to_tag="B", sdp=offer, **TO_PBX)["sdp"]
        assert rtp.media_address(again) == rtp.media_address(to_phone)
        second = ng.answer(call, phone.sdp("0"), **TO_BROWSER)
        for name in ("ice-ufrag", "ice-pwd", "fingerprint", "candidate"):
            assert rtp.attribute(second, name) == rtp.attribute(first, name)
        await talk(browser, phone, rtp.media_address(again), 5)
        assert relay.log().count("dtls-connected") == handshakes
        await browser.peer.close()

    asyncio.run(scenario())


def test_two_browsers(ng, call):
    async def scenario():
        a, b = Browser(), Browser()
        both = {"ICE": "force", "transport_protocol": "UDP/TLS/RTP/SAVPF", "flags": ["full-rtcp-attribute"]}
        to_b = ng.offer(call, await a.offer(), **both)
        to_a = ng.answer(call, await b.take_offer(to_b), ICE="force", flags=["full-rtcp-attribute"])
        await a.take_answer(to_a)
        assert await a.connected() and await b.connected()
        deadline = time.monotonic() + 5
        while (a.loudness() < 3000 or b.loudness() < 3000) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        assert a.loudness() > 3000 and b.loudness() > 3000
        await a.peer.close()
        await b.peer.close()

    asyncio.run(scenario())


def test_one_webrtc_port_serves_many_calls(ng, relay, phones):
    async def scenario():
        browsers = [Browser() for _ in range(4)]
        for n, browser in enumerate(browsers):
            phone = phones()
            ng.offer(f"many-{n}", await browser.offer(), **TO_PBX)
            answer = ng.answer(f"many-{n}", phone.sdp("0"), **TO_BROWSER)
            assert rtp.media_address(answer)[1] == relay.webrtc_port
            await browser.take_answer(answer)
        assert all([await browser.connected() for browser in browsers])
        for n, browser in enumerate(browsers):
            await browser.peer.close()
            ng.delete(f"many-{n}")

    asyncio.run(scenario())
