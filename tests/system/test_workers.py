# SPDX-License-Identifier: Apache-2.0
"""Several media threads, WebRTC legs with ports of their own, several interfaces, advertised addresses."""
import asyncio

import pytest

import rtp
from test_webrtc import OFFER_BROWSER, TO_BROWSER, TO_PBX, Browser, talk


def test_calls_spread_over_the_workers_and_each_announces_its_own_port(start, phones):
    relay = start("--num-threads=2")

    async def scenario():
        legs, ports = [], []
        for n in range(6):
            browser, phone = Browser(), phones()
            to_phone = relay.ng.offer(f"spread-{n}", await browser.offer(), **TO_PBX)
            answer = relay.ng.answer(f"spread-{n}", phone.sdp("0"), **TO_BROWSER)
            await browser.take_answer(answer)
            legs.append((browser, phone, rtp.media_address(to_phone)))
            port = rtp.media_address(answer)[1]
            assert rtp.attribute(answer, "candidate").split()[5] == str(port)
            ports.append(port)
        assert set(ports) == {relay.webrtc_port, relay.webrtc_port + 1}
        for browser, phone, to in legs:
            assert await browser.connected()
            heard = await talk(browser, phone, to, 10)
            assert any(len(set(p["payload"])) > 1 for p in heard), "silence"
        for browser, _, _ in legs:
            await browser.peer.close()

    asyncio.run(scenario())


def plain_and_back(relay, phones, name):
    """A plain call with media both ways, and a re-INVITE in it."""
    a, b = phones(), phones()
    to_b = relay.ng.offer(name, a.sdp())
    to_a = relay.ng.answer(name, b.sdp())
    again = relay.ng.command("offer", call_id=name, from_tag="B", to_tag="A", sdp=b.sdp())["sdp"]
    assert rtp.media_address(again) == rtp.media_address(to_a)
    relay.ng.command("answer", call_id=name, from_tag="B", to_tag="A", sdp=a.sdp())
    for seq in range(3):
        a.send(rtp.media_address(to_a), rtp.packet(seq, ssrc=0xA))
        assert rtp.parse(b.receive()[0])["seq"] == seq
        b.send(rtp.media_address(to_b), rtp.packet(seq, ssrc=0xB))
        assert rtp.parse(a.receive()[0])["seq"] == seq


def test_plain_calls_on_every_worker(start, phones):
    relay = start("--num-threads=3")
    for n in range(9):
        plain_and_back(relay, phones, f"plain-{n}")
    assert sorted(relay.ng.calls()) == [f"plain-{n}" for n in range(9)]
    for n in range(9):
        assert relay.ng.query(f"plain-{n}")["totals"]["RTP"]["packets"] == 6
        relay.ng.delete(f"plain-{n}")
    assert relay.ng.calls() == []


@pytest.mark.parametrize("mux", ["offer", "require"])
def test_a_browser_called_on_a_port_of_its_own(start, phones, mux):
    relay = start("--webrtc-port=0")

    async def scenario():
        browser, phone = Browser(), phones()
        keys = {**OFFER_BROWSER, "rtcp_mux": [mux]}
        to_browser = relay.ng.offer("own", phone.sdp("0"), **keys)
        port = rtp.media_address(to_browser)[1]
        assert 20000 <= port <= 29999
        components = {line.split()[1] for line in to_browser.splitlines() if line.startswith("a=candidate:")}
        assert components == ({"1", "2"} if mux == "offer" else {"1"})
        answer = await browser.take_offer(to_browser)
        to_phone = relay.ng.answer("own", answer, ICE="remove", rtcp_mux=["demux"])
        assert await browser.connected()
        heard = await talk(browser, phone, rtp.media_address(to_phone))
        assert any(len(set(p["payload"])) > 1 for p in heard), "silence"
        assert browser.loudness() > 5000
        again = relay.ng.command("offer", call_id="own", from_tag="A", to_tag="B", sdp=phone.sdp("0"), **keys)["sdp"]
        assert rtp.media_address(again)[1] == port
        await browser.peer.close()

    asyncio.run(scenario())


def test_a_browser_that_calls_on_a_port_of_its_own(start, phones):
    relay = start("--webrtc-port=0", "--num-threads=2")

    async def scenario():
        browser, phone = Browser(), phones()
        to_phone = relay.ng.offer("own", await browser.offer(), **TO_PBX)
        await browser.take_answer(relay.ng.answer("own", phone.sdp("0"), **TO_BROWSER))
        assert await browser.connected()
        await talk(browser, phone, rtp.media_address(to_phone))
        assert browser.loudness() > 5000
        await browser.peer.close()

    asyncio.run(scenario())


def test_each_side_has_its_interface_and_the_advertised_address_is_written(start, phones):
    relay = start(interface="outside/127.0.0.1!192.0.2.33;inside/127.0.0.2;inside/127.0.0.3!192.0.2.44")
    a, b = phones(), phones("127.0.0.2")
    to_b = relay.ng.offer("two", a.sdp(), direction=["outside", "inside"], replace=["origin"])
    to_a = relay.ng.answer("two", b.sdp(), replace=["origin"])
    assert "c=IN IP4 127.0.0.2" in to_b and "IN IP4 127.0.0.2\r\ns=" in to_b
    assert "c=IN IP4 192.0.2.33" in to_a and "IN IP4 192.0.2.33\r\ns=" in to_a
    a.send(("127.0.0.1", rtp.media_address(to_a)[1]), rtp.packet(1, ssrc=0xA))
    assert b.receive()[1] == rtp.media_address(to_b)
    b.send(rtp.media_address(to_b), rtp.packet(1, ssrc=0xB))
    assert a.receive()[1] == ("127.0.0.1", rtp.media_address(to_a)[1])
    # The other way round: who was called offers, and each side keeps its interface.
    again = relay.ng.command("offer", call_id="two", from_tag="B", to_tag="A", sdp=b.sdp())["sdp"]
    assert rtp.media_address(again) == rtp.media_address(to_a)


def test_every_address_of_an_interface_is_a_candidate(start):
    relay = start(interface="web/127.0.0.1!192.0.2.33;web/127.0.0.2;web/::1")
    to_b = relay.ng.offer("many", "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                          "m=audio 9000 RTP/AVP 0\r\n", **OFFER_BROWSER)
    lines = [line.split() for line in to_b.splitlines() if line.startswith("a=candidate:")]
    assert [words[4] for words in lines] == ["192.0.2.33", "127.0.0.2", "::1"]
    priorities = [int(words[3]) for words in lines]
    assert priorities == sorted(priorities, reverse=True) and len(set(priorities)) == 3
