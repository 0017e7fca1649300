# SPDX-License-Identifier: Apache-2.0
"""Calls over a restart: a process puts them into a file, the next one goes on with them. The phones notice nothing but
a gap, and the proxy nothing at all."""
import asyncio
import os
import re
import socket
import struct
import time

import pytest

import bencode
import rtp
import stun
from daemon import free_port
from ng import NgError
from srtp import PROFILES, SecurePhone
from test_webrtc import OFFER_BROWSER, TO_BROWSER, TO_PBX, Browser, Tone, in_thread, talk
from turn_admin import TOKEN, Admin


@pytest.fixture
def house(start, tmp_path):
    """Starts relays that leave their calls to the next one."""
    def make(*options, **keys):
        port = free_port()
        relay = start(f"--restart-file={tmp_path}/calls", f"--listen-admin=127.0.0.1:{port}", f"--admin-token={TOKEN}",
                      *options, **keys)
        relay.admin, relay.spool = Admin(port), tmp_path / "calls"
        return relay

    return make


def restored(relay):
    """Calls taken and refused by the process that runs now, as its log says."""
    found = re.findall(r"event=restored calls=(\d+) refused=(\d+)", relay.log())
    return tuple(int(n) for n in found[-1]) if found else None


def restart(relay, *more, taken=1, refused=0):
    relay.end()
    assert relay.spool.stat().st_mode & 0o777 == 0o600
    relay.begin(*more)
    assert not relay.spool.exists()
    assert restored(relay) == (taken, refused), relay.log()[-4000:]
    assert relay.admin.metric("records_restored_total") == taken
    assert relay.admin.metric("records_refused_total") == refused


def refusals(relay, reason):
    return float(re.search(rf'mediaferry_records_refused_total{{reason="{reason}"}} (\d+)', relay.admin.get("/metrics"))[1])


def idle_ports(relay):
    """All ports come back once the calls are gone."""
    deadline = time.monotonic() + 5
    while relay.admin.metric("ports_used") > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    return relay.admin.metric("ports_used") == 0


def passes(sender, to, hearer, seq, **keys):
    """Whether a packet gets from one phone to the other."""
    sender.send(to, rtp.packet(seq, **keys))
    try:
        return rtp.parse(hearer.receive(2)[0])["seq"] == seq
    except TimeoutError:
        return False


class PlainCall:
    def __init__(self, relay, phones, name="plain", **keys):
        self.a, self.b, self.name = phones(), phones(), name
        self.b_to = rtp.media_address(relay.ng.offer(name, self.a.sdp(), **keys))
        self.a_to = rtp.media_address(relay.ng.answer(name, self.b.sdp(), **keys))
        self.seq = 0

    def talks(self):
        """Both ways."""
        self.seq += 1
        return passes(self.a, self.a_to, self.b, self.seq, ssrc=0xA) and \
            passes(self.b, self.b_to, self.a, self.seq, ssrc=0xB)

    def reports(self):
        """RTCP, both ways."""
        report = rtp.sender_report(0xA)
        self.a.rtcp.sendto(report, (self.a_to[0], self.a_to[1] + 1))
        there = self.b.rtcp.recv(2048) == report
        report = rtp.sender_report(0xB)
        self.b.rtcp.sendto(report, (self.b_to[0], self.b_to[1] + 1))
        return there and self.a.rtcp.recv(2048) == report


# --- what goes on ---

def test_a_plain_call(house, phones):
    relay = house()
    call = PlainCall(relay, phones)
    assert call.talks() and call.reports()
    restart(relay)
    assert call.talks() and call.reports()
    assert relay.ng.calls() == ["plain"]


def test_query_gives_the_same_and_counts_on(house, phones):
    relay = house()
    call = PlainCall(relay, phones)
    for _ in range(5):
        assert call.talks()
    assert call.reports()
    before = relay.ng.query("plain")
    restart(relay)
    assert relay.ng.query("plain") == before
    assert call.talks()
    after = relay.ng.query("plain")
    assert after["totals"]["RTP"]["packets"] == before["totals"]["RTP"]["packets"] + 2
    assert after["created"] == before["created"]


@pytest.mark.parametrize("suite", PROFILES)
def test_sdes_goes_on_behind_the_last_packet(house, phones, suite):
    """Over a wrap, so that the ROC counts; what was received before is a replay for ever."""
    relay = house()
    a, b = SecurePhone(phones(), suite), SecurePhone(phones(), suite)
    to_b = relay.ng.offer("sdes", a.phone.sdp(protocol="RTP/SAVP", attributes=[a.crypto()]))
    tag = next(line for line in to_b.splitlines() if line.startswith("a=crypto:") and f" {suite} " in line)
    tag = tag.partition(":")[2].partition(" ")[0]
    to_a = relay.ng.answer("sdes", b.phone.sdp(protocol="RTP/SAVP", attributes=[b.crypto(tag)]))
    a.learn(to_a)
    b.learn(to_b)

    def both(seq):
        for sender, hearer, ssrc in ((a, b, 0xA), (b, a, 0xB)):
            packet = rtp.packet(seq, ssrc=ssrc, timestamp=160 * seq)
            sender.send(packet)
            assert hearer.receive() == packet

    for seq in (65530, 65534, 65535, 0, 1):
        both(seq)
    replay = a.tx.protect(rtp.packet(2, ssrc=0xA))
    a.phone.send(a.to, replay)
    assert rtp.parse(b.receive())["seq"] == 2
    a.send_rtcp(rtp.sender_report(0xA))
    assert b.receive_rtcp() == rtp.sender_report(0xA)
    restart(relay)
    a.phone.send(a.to, replay)
    assert b.phone.hears_nothing()
    both(3)
    b.send_rtcp(rtp.sender_report(0xB))
    assert a.receive_rtcp() == rtp.sender_report(0xB)
    a.send_rtcp(rtp.sender_report(0xA))
    assert b.receive_rtcp() == rtp.sender_report(0xA)


def test_sdes_toward_a_plain_phone(house, phones):
    relay = house()
    a, b = phones(), SecurePhone(phones())
    to_b = relay.ng.offer("mixed", a.sdp(), transport_protocol="RTP/SAVP", DTLS="off")
    tag = next(line for line in to_b.splitlines() if b.suite + " " in line).partition(":")[2].partition(" ")[0]
    a_to = rtp.media_address(relay.ng.answer("mixed", b.phone.sdp(protocol="RTP/SAVP", attributes=[b.crypto(tag)])))
    b.learn(to_b)
    for seq in range(10, 30):
        if seq == 20:
            restart(relay)
        a.send(a_to, rtp.packet(seq, ssrc=0xA))
        assert rtp.parse(b.receive())["ssrc"] == 0xA
        b.send(rtp.packet(seq, ssrc=0xB))
        assert rtp.parse(a.receive()[0])["seq"] == seq


def test_a_learned_address_stays_learned(house, phones):
    relay = house()
    call = PlainCall(relay, phones, **{"endpoint-learning": "immediate"})
    behind_nat = phones()
    assert passes(behind_nat, call.a_to, call.b, 1, ssrc=0xA)
    assert passes(call.b, call.b_to, behind_nat, 1, ssrc=0xB)
    restart(relay)
    assert passes(call.b, call.b_to, behind_nat, 2, ssrc=0xB)
    assert passes(behind_nat, call.a_to, call.b, 2, ssrc=0xA)


def test_strict_source_stays_strict(house, phones):
    relay = house()
    call = PlainCall(relay, phones, flags=["strict-source"])
    assert call.talks()
    time.sleep(3.1)  # the window of learning
    assert call.talks()
    restart(relay)
    phones_other = phones()
    phones_other.send(call.a_to, rtp.packet(77, ssrc=0xA))
    assert call.b.hears_nothing()
    assert call.talks()


def test_hold_and_resume(house, phones):
    relay = house()
    call = PlainCall(relay, phones)
    assert call.talks()
    sendonly = call.a.sdp(attributes=["a=sendonly"])
    relay.ng.offer("plain", sendonly, to_tag="B")
    relay.ng.answer("plain", call.b.sdp(attributes=["a=recvonly"]))
    restart(relay)
    assert passes(call.a, call.a_to, call.b, 50, ssrc=0xA)
    call.b.send(call.b_to, rtp.packet(50, ssrc=0xB))
    assert call.a.hears_nothing()
    to_b = relay.ng.offer("plain", call.a.sdp(), to_tag="B")
    assert rtp.media_address(to_b) == call.b_to
    assert rtp.media_address(relay.ng.answer("plain", call.b.sdp())) == call.a_to
    call.seq = 60
    assert call.talks()


def test_a_pending_offer_is_answered_by_the_next(house, phones):
    relay = house()
    a, b = phones(), phones()
    b_to = rtp.media_address(relay.ng.offer("late", a.sdp()))
    restart(relay)
    a_to = rtp.media_address(relay.ng.answer("late", b.sdp()))
    assert passes(a, a_to, b, 1, ssrc=0xA) and passes(b, b_to, a, 1, ssrc=0xB)
    relay.ng.offer("late", a.sdp("8"), to_tag="B")  # and one of a call that is up
    restart(relay)
    relay.ng.answer("late", b.sdp("8"))
    assert passes(a, a_to, b, 2, ssrc=0xA) and passes(b, b_to, a, 2, ssrc=0xB)


def test_forks_go_on(house, phones):
    relay = house()
    a, b, c = phones(), phones(), phones()
    relay.ng.offer("fork", a.sdp(), via_branch="1")
    to_b = relay.ng.answer("fork", b.sdp(), via_branch="1", to="B")
    relay.ng.offer("fork", a.sdp(), via_branch="2")
    before = relay.ng.query("fork")
    restart(relay)
    assert relay.ng.query("fork") == before
    to_a = relay.ng.answer("fork", c.sdp(), via_branch="2", to="C")
    assert passes(a, rtp.media_address(to_a), c, 1, ssrc=0xA)
    assert to_b


# --- browsers ---

def handshakes(relay):
    return relay.log().count("event=dtls-connected")


def test_a_browser_talks_on(house, phones):
    """No ICE restart, no handshake: the association was made in another process."""
    relay = house()

    async def scenario():
        browser, phone = Browser(), phones()
        to_phone = relay.ng.offer("web", await browser.offer(), **TO_PBX)
        await browser.take_answer(relay.ng.answer("web", phone.sdp("0"), **TO_BROWSER))
        assert await browser.connected()
        await talk(browser, phone, rtp.media_address(to_phone))
        before = relay.ng.query("web")
        await in_thread(restart, relay)
        browser.frames.clear()
        heard = await talk(browser, phone, rtp.media_address(to_phone), 50)
        assert len({p["ssrc"] for p in heard}) == 1
        assert any(len(set(p["payload"])) > 1 for p in heard), "silence"
        assert browser.loudness() > 5000
        assert browser.peer.connectionState == "connected"
        after = relay.ng.query("web")
        assert after["totals"]["RTP"]["packets"] > before["totals"]["RTP"]["packets"] + 80
        assert "DTLS-SRTP" in after["tags"]["A"]["medias"][0]["flags"]
        await browser.peer.close()

    asyncio.run(scenario())
    assert handshakes(relay) == 1


def test_a_browser_is_held_and_restarts_ice_afterwards(house, phones):
    relay = house()

    async def scenario():
        browser, phone = Browser(), phones()
        to_browser = relay.ng.offer("web", phone.sdp("0"), **OFFER_BROWSER)
        to_phone = relay.ng.answer("web", await browser.take_offer(to_browser), ICE="remove", rtcp_mux=["demux"])
        assert await browser.connected()
        await talk(browser, phone, rtp.media_address(to_phone))
        await in_thread(restart, relay)
        again = relay.ng.command("offer", call_id="web", from_tag="A", to_tag="B", sdp=phone.sdp("0"), **OFFER_BROWSER)["sdp"]
        for name in ("ice-ufrag", "ice-pwd", "fingerprint", "candidate", "setup"):
            assert rtp.attribute(again, name) == rtp.attribute(to_browser, name) or name == "setup"
        await talk(browser, phone, rtp.media_address(to_phone))
        assert browser.loudness() > 5000
        await browser.peer.close()

    asyncio.run(scenario())
    assert handshakes(relay) == 1


def test_a_browser_that_has_not_connected_yet(house, phones):
    """Neither its checks nor its handshake: both come to the next process, which has the certificate of the first."""
    relay = house()

    async def scenario():
        browser, phone = Browser(), phones()
        to_phone = relay.ng.offer("web", await browser.offer(), **TO_PBX)
        await in_thread(restart, relay)
        await browser.take_answer(relay.ng.answer("web", phone.sdp("0"), **TO_BROWSER))
        assert await browser.connected()
        await talk(browser, phone, rtp.media_address(to_phone))
        assert browser.loudness() > 5000
        await browser.peer.close()

    asyncio.run(scenario())


def test_two_streams_in_a_bundle(house, phones):
    """One transport of the browser, told apart by SSRC; two phones behind it."""
    relay = house()

    async def scenario():
        browser, first, second = Browser(), phones(), phones()
        browser.peer.addTrack(Tone())
        to_phone = relay.ng.offer("bundle", await browser.offer(), **TO_PBX)
        assert to_phone.count("m=audio") == 2
        answer = first.sdp("0") + "\r\n".join(second.sdp("0").splitlines()[-1:] + [""])
        to_browser = relay.ng.answer("bundle", answer, **TO_BROWSER)
        assert "a=group:BUNDLE" in to_browser
        await browser.take_answer(to_browser)
        assert await browser.connected()
        senders = await speak(first, second, to_phone)
        assert len(senders) == 2
        before = relay.ng.query("bundle")
        await in_thread(restart, relay)
        assert await speak(first, second, to_phone) == senders
        after = relay.ng.query("bundle")
        for n in range(2):
            for tag in "AB":
                packets = [q["tags"][tag]["medias"][n]["streams"][0]["stats"]["packets"] for q in (before, after)]
                assert packets[1] >= packets[0] + 10
            lost = [q["tags"]["A"]["medias"][n]["streams"][0]["stats"]["errors"] for q in (before, after)]
            assert lost[0] == lost[1]
        await browser.peer.close()

    async def speak(first, second, to_phone):
        """The SSRCs that the phones hear, in their order."""
        heard = []
        for n, phone in enumerate((first, second)):
            packets = []
            for seq in range(10):
                phone.send(rtp.media_address(to_phone, n), rtp.packet(seq, ssrc=0xB0 + n))
                packets.append(rtp.parse((await in_thread(phone.receive))[0]))
            heard += sorted({packet["ssrc"] for packet in packets})
        return heard

    asyncio.run(scenario())
    assert handshakes(relay) == 1


def test_trickled_candidates_before_and_after(house, phones):
    """A candidate of a lite peer is where media goes: one comes to each process."""
    relay = house()
    a, b = phones(), phones()
    offer = relay.ng.offer("trickle", a.sdp(), ICE="force", rtcp_mux=["require"])
    to, ufrag, password = rtp.media_address(offer), rtp.attribute(offer, "ice-ufrag"), rtp.attribute(offer, "ice-pwd")
    answer = "\r\n".join([
        "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=ice-options:trickle", "a=ice-ufrag:mefirst",
        "a=ice-pwd:" + "p" * 22, "m=audio 9 RTP/AVP 0", "c=IN IP4 0.0.0.0", "a=mid:0", "a=rtcp-mux", ""])

    def trickle():
        body = "\r\n".join(["a=ice-ufrag:mefirst", "a=ice-pwd:" + "p" * 22, "m=audio 9 RTP/AVP 0", "a=mid:0",
                            f"a=candidate:1 1 udp 2130706431 {b.host} {b.port} typ host", ""])
        return relay.ng.request(command="offer", call_id="trickle", from_tag="B", to_tag="A", sdp=body, flags=["fragment"])

    a_to = rtp.media_address(relay.ng.answer("trickle", answer))
    assert trickle()["result"] == "ok"
    restart(relay)
    assert trickle()["result"] == "ok"
    b.send(to, stun.check(ufrag, password, own="mefirst"))
    kind, _, attributes = stun.parse(b.receive()[0])
    assert kind == stun.BINDING_SUCCESS and stun.mapped_address(attributes) == (b.host, b.port)
    a.send(a_to, rtp.packet(1, ssrc=0xA))
    assert rtp.parse(b.receive()[0])["seq"] == 1
    restart(relay)
    a.send(a_to, rtp.packet(2, ssrc=0xA))  # the pair is still selected: no check was needed
    assert rtp.parse(b.receive()[0])["seq"] == 2
    b.send(to, rtp.packet(3, ssrc=0xB))
    assert rtp.parse(a.receive()[0])["seq"] == 3


# --- the life of calls ---

def test_delete_afterwards_frees_everything(house, phones):
    relay = house()
    idle = relay.descriptors()
    calls = [PlainCall(relay, phones, f"call-{n}") for n in range(3)]
    used = relay.admin.metric("ports_used")
    restart(relay, taken=3)
    assert relay.admin.metric("ports_used") == used == 12
    assert all(call.talks() for call in calls)
    for call in calls:
        assert relay.ng.delete(call.name)["totals"]["RTP"]["packets"] == 2
    assert idle_ports(relay)
    deadline = time.monotonic() + 5
    while relay.descriptors() > idle + 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert relay.descriptors() <= idle + 3  # connections to the HTTP port
    assert PlainCall(relay, phones, "call-0").talks()


def test_a_delayed_delete_is_still_pending(house, phones):
    relay = house("--delete-delay=4")
    call = PlainCall(relay, phones)
    began = time.monotonic()
    relay.ng.delete("plain")
    restart(relay)
    assert call.talks()
    assert relay.ng.calls() == ["plain"]
    deadline = time.monotonic() + 10
    while relay.ng.calls() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert 3 < time.monotonic() - began < 8
    assert idle_ports(relay)


def test_timeouts_count_the_time_before(house, phones):
    relay = house("--final-timeout=4", "--timeout=3600")
    call = PlainCall(relay, phones)
    began = time.monotonic()
    time.sleep(2)
    restart(relay)
    assert call.talks()
    deadline = time.monotonic() + 10
    while relay.ng.calls() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert 3 < time.monotonic() - began < 8
    assert "reason=final-timeout" in relay.log()


def test_silence_counts_over_the_restart(house, phones):
    relay = house("--timeout=4")
    call = PlainCall(relay, phones)
    assert call.talks()
    began = time.monotonic()
    time.sleep(2)
    restart(relay)
    deadline = time.monotonic() + 10
    while relay.ng.calls() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert 3 < time.monotonic() - began < 8
    assert "event=timeout reason=media" in relay.log()


def test_again_and_again(house, phones):
    relay = house()
    plain = PlainCall(relay, phones)
    for _ in range(5):
        assert plain.talks()
        restart(relay)
    assert plain.talks()
    assert relay.ng.query("plain")["totals"]["RTP"]["packets"] == 12


def test_without_calls_there_is_no_file(house):
    relay = house()
    relay.end()
    assert not relay.spool.exists()
    relay.begin()
    assert restored(relay) is None


def test_nothing_is_saved_unless_asked_for(start, phones, tmp_path):
    relay = start()
    call = PlainCall(relay, phones)
    relay.end()
    relay.begin()
    assert relay.ng.calls() == []
    call.a.send(call.a_to, rtp.packet(1))
    assert call.b.hears_nothing()


def test_sigint_ends_the_calls(house, phones):
    relay = house()
    PlainCall(relay, phones)
    relay.end(2)
    assert not relay.spool.exists()
    assert "reason=shutdown" in relay.log()


def test_commands_wait_for_the_next_process(house, phones):
    """A proxy whose command meets the gap sends it again, and finds its call."""
    relay = house()
    call = PlainCall(relay, phones)
    relay.end()
    with pytest.raises(OSError):
        relay.ng.query("plain")
    relay.begin()
    assert "created" in relay.ng.query("plain")
    assert call.talks()


# --- workers, interfaces, ports ---

def test_several_workers(house, phones):
    """Each browser meets the worker whose port it was told; plain calls are dealt out anew."""
    relay = house("--num-threads=3")
    plain = [PlainCall(relay, phones, f"plain-{n}") for n in range(6)]
    legs = [WebLeg(relay, phones, f"web-{n}") for n in range(6)]
    assert {leg.to[1] for leg in legs} == {relay.webrtc_port + n for n in range(3)}
    assert all(leg.answers_checks() for leg in legs)
    before = {name: relay.ng.query(name) for name in relay.ng.calls()}
    restart(relay, taken=12)
    assert {name: relay.ng.query(name) for name in relay.ng.calls()} == before
    assert all(call.talks() for call in plain)
    assert all(leg.answers_checks() for leg in legs)


def test_more_workers_and_fewer(house, phones):
    relay = house("--num-threads=2")
    plain = [PlainCall(relay, phones, f"plain-{n}") for n in range(4)]
    legs = [WebLeg(relay, phones, f"web-{n}") for n in range(4)]
    restart(relay, "--num-threads=4", taken=8)
    assert all(call.talks() for call in plain) and all(leg.answers_checks() for leg in legs)
    there = [leg for leg in legs if leg.to[1] == relay.webrtc_port]
    assert 0 < len(there) < 4
    restart(relay, "--num-threads=1", taken=4 + len(there), refused=4 - len(there))
    assert refusals(relay, "worker") == 4 - len(there)
    assert all(call.talks() for call in plain) and all(leg.answers_checks() for leg in there)
    assert "no worker has the shared port" in relay.log()


class WebLeg:
    """The leg of a browser on the shared port, of which only the checks matter."""

    def __init__(self, relay, phones, name):
        self.client, self.name = phones(), name
        sdp = relay.ng.offer(name, phones().sdp(), ICE="force", rtcp_mux=["require"], SDES=["off"],
                             transport_protocol="UDP/TLS/RTP/SAVPF")
        self.to = rtp.media_address(sdp)
        self.ufrag, self.password = rtp.attribute(sdp, "ice-ufrag"), rtp.attribute(sdp, "ice-pwd")

    def answers_checks(self):
        self.client.send(self.to, stun.check(self.ufrag, self.password))
        return stun.parse(self.client.receive()[0])[0] == stun.BINDING_SUCCESS


def test_a_port_of_somebody_else_costs_one_call(house, phones):
    relay = house()
    lost, kept = PlainCall(relay, phones, "lost"), PlainCall(relay, phones, "kept")
    relay.end()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.bind(lost.a_to)
        relay.begin()
    assert restored(relay) == (1, 1) and refusals(relay, "ports") == 1
    assert f"call-id=lost event=record-refused reason=ports why=\"{lost.a_to[0]}:{lost.a_to[1]}: address already in use" in relay.log()
    assert kept.talks()
    assert relay.ng.calls() == ["kept"]
    with pytest.raises(NgError, match="Unknown call-id"):
        relay.ng.query("lost")


def test_an_interface_that_is_gone_costs_its_calls(house, phones):
    relay = house(interface="in/127.0.0.1;out/127.0.0.2")
    inside = PlainCall(relay, phones, "inside")
    outside = PlainCall(relay, phones, "outside", direction=["out", "out"])
    assert inside.talks() and outside.talks()
    relay.command = [word.partition(";")[0] for word in relay.command]  # options that are lists add up
    restart(relay, taken=1, refused=1)
    assert refusals(relay, "interface") == 1
    assert inside.talks() and relay.ng.calls() == ["inside"]


def test_another_range_of_ports(house, phones):
    relay = house()
    PlainCall(relay, phones)
    restart(relay, "--port-min=15000", "--port-max=15999", taken=0, refused=1)
    assert refusals(relay, "ports") == 1 and "not within the range of ports" in relay.log()


# --- the file ---

def records_of(content):
    """Where each record lies in the file: (first byte, last byte + 1)."""
    at, found = content.index(b"\n") + 1, []
    while (size := struct.unpack("!I", content[at:at + 4])[0]) > 0:
        found.append((at + 4, at + 4 + size))
        at += 4 + size + 8
    assert at + 4 == len(content)
    return found


def checksum(data):
    """SipHash-1-3 with a key of zeros."""
    mask = (1 << 64) - 1
    v = [0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573]

    def rotate(x, by):
        return (x << by | x >> (64 - by)) & mask

    def mix():
        v[0] = (v[0] + v[1]) & mask
        v[1] = rotate(v[1], 13) ^ v[0]
        v[0] = rotate(v[0], 32)
        v[2] = (v[2] + v[3]) & mask
        v[3] = rotate(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & mask
        v[3] = rotate(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & mask
        v[1] = rotate(v[1], 17) ^ v[2]
        v[2] = rotate(v[2], 32)

    whole = data + bytes(7 - len(data) % 8) + bytes([len(data) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", whole):
        v[3] ^= word
        mix()
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(3):
        mix()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def file_of(records):
    body = b"".join(struct.pack("!I", len(r)) + r + struct.pack("!Q", checksum(r)) for r in records)
    return b"mediaferry-records 1\n" + body + bytes(4)


def change_file(relay, change):
    """Ends the process and has `change` give the file another content."""
    relay.end()
    content = bytearray(relay.spool.read_bytes())
    relay.spool.write_bytes(change(content))


def test_one_damaged_record_costs_one_call(house, phones):
    relay = house()
    calls = [PlainCall(relay, phones, f"call-{n}") for n in range(3)]

    def damage(content):
        first, last = records_of(content)[1]
        content[(first + last) // 2] ^= 0x10
        return content

    change_file(relay, damage)
    relay.begin()
    assert restored(relay) == (2, 1) and refusals(relay, "damaged") == 1
    assert sorted(relay.ng.calls()) == ["call-0", "call-2"]
    assert calls[0].talks() and calls[2].talks()


@pytest.mark.parametrize("where", ["in a record", "between two", "before the end"])
def test_a_torn_file_gives_what_is_whole(house, phones, where):
    relay = house()
    calls = [PlainCall(relay, phones, f"call-{n}") for n in range(3)]

    def tear(content):
        first, last = records_of(content)[2]
        return content[:{"in a record": (first + last) // 2, "between two": first - 4, "before the end": last + 8}[where]]

    whole = 3 if where == "before the end" else 2
    change_file(relay, tear)
    relay.begin()
    assert restored(relay) == (whole, 1) and refusals(relay, "damaged") == 1
    assert "ends too early" in relay.log()
    assert all(call.talks() for call in calls[:whole])


@pytest.mark.parametrize("content", [b"", b"mediaferry-records 9\n\0\0\0\0", b"something else entirely"])
def test_another_file_is_not_used(house, phones, content):
    relay = house()
    PlainCall(relay, phones)
    change_file(relay, lambda _: content)
    relay.begin()
    assert relay.ng.calls() == [] and refusals(relay, "damaged") == 1
    assert not relay.spool.exists()
    assert "event=restart-file why=" in relay.log() and "no file of records" in relay.log()


def test_a_record_of_a_later_version_costs_its_call(house, phones):
    relay = house()
    calls = [PlainCall(relay, phones, f"call-{n}") for n in range(2)]

    def change(content):
        records = [bytes(content[first:last]) for first, last in records_of(content)]
        assert file_of(records) == content
        records[0] = records[0].replace(b"7:versioni1e", b"7:versioni2e", 1)
        return file_of(records)

    change_file(relay, change)
    relay.begin()
    assert restored(relay) == (1, 1) and refusals(relay, "version") == 1
    assert calls[1].talks() and relay.ng.calls() == ["call-1"]


def test_names_of_tomorrow_are_passed_over(house, phones):
    relay = house()
    call = PlainCall(relay, phones)

    def change(content):
        (first, last), = records_of(content)
        record = bencode.decode(bytes(content[first:last]))
        record["later"] = {"what": ["ever"]}
        record["media"]["later"] = 1
        for part in record["media"]["transports"] + record["media"]["streams"] + record["call"]["parties"]:
            part["later"] = "too"
        return file_of([bencode.encode(record)])

    change_file(relay, change)
    relay.begin()
    assert restored(relay) == (1, 0)
    assert call.talks()


def test_a_file_that_others_can_read_is_not_used(house, phones):
    relay = house()
    PlainCall(relay, phones)
    relay.end()
    relay.spool.chmod(0o644)
    relay.begin()
    assert relay.ng.calls() == [] and "open to others" in relay.log()


def test_an_old_file_is_not_used(house, phones):
    relay = house("--restart-max-age=1")
    PlainCall(relay, phones)
    relay.end()
    time.sleep(2.1)
    relay.begin()
    assert restored(relay) == (0, 1) and refusals(relay, "old") == 1
    assert not relay.spool.exists() and idle_ports(relay)


def test_a_folder_that_cannot_be_written_is_said_at_the_start(start, phones, tmp_path):
    relay = start(f"--restart-file={tmp_path}/nowhere/calls")
    assert "event=restart-file" in relay.log() and "nothing can be written there" in relay.log()
    PlainCall(relay, phones)
    relay.end()
    assert "calls are lost" in relay.log()


def test_no_secret_is_logged(house, phones):
    relay = house()
    a, b = SecurePhone(phones()), SecurePhone(phones())
    to_b = relay.ng.offer("sdes", a.phone.sdp(protocol="RTP/SAVP", attributes=[a.crypto()]))
    relay.ng.answer("sdes", b.phone.sdp(protocol="RTP/SAVP", attributes=[b.crypto()]))
    restart(relay)
    keys = [a.crypto(), b.crypto(), *[line for line in to_b.splitlines() if "inline:" in line]]
    log = relay.log()
    assert not any(key.partition("inline:")[2] in log for key in keys)
    assert "PRIVATE KEY" not in log


def test_the_record_is_what_the_document_says(house, phones):
    relay = house()
    PlainCall(relay, phones)
    relay.end()
    content = relay.spool.read_bytes()
    first, last = records_of(content)[0]
    record = bencode.decode(content[first:last])
    assert record["version"] == 1 and record["id"] == "plain"
    assert record["created"] <= record["signalled"] <= record["saved"] <= time.time() * 1e6
    assert "BEGIN PRIVATE KEY" in record["certificate"] and "worker-port" not in record
    assert record["media"]["exact"] == 1 and len(record["media"]["transports"]) == 2
    relay.begin()
    assert os.path.exists(f"/proc/{relay.process.pid}")
