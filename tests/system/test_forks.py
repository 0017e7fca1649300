# SPDX-License-Identifier: Apache-2.0
"""Forked calls, early media, CANCEL, late offers: who hears whom at each step."""
import socket

import rtp


def hears(phone, sender, to, ssrc, seconds=0.4):
    sender.send(to, rtp.packet(1, ssrc=ssrc))
    try:
        return rtp.parse(phone.receive(seconds)[0])["ssrc"] == ssrc
    except TimeoutError:
        return False


def test_the_second_branch_answers(ng, call, phones):
    a, b1, b2 = phones(), phones(), phones()
    to_b1 = rtp.media_address(ng.offer(call, a.sdp(), via_branch="one"))
    to_b2 = rtp.media_address(ng.offer(call, a.sdp(), via_branch="two"))
    assert to_b1 != to_b2
    ng.answer(call, b1.sdp(), to="B1", via_branch="one")  # 183
    assert hears(a, b1, to_b1, 0xB1)
    to_a = rtp.media_address(ng.answer(call, b2.sdp(), to="B2", via_branch="two"))  # 200
    assert hears(a, b2, to_b2, 0xB2) and hears(b2, a, to_a, 0xA)
    ng.delete(call, via_branch="one", to_tag="B1")  # the CANCEL of the other
    assert ng.calls().count(call) == 1
    assert hears(a, b2, to_b2, 0xB2) and hears(b2, a, to_a, 0xA)
    assert not hears(a, b1, to_b1, 0xB1)
    ng.delete(call, to_tag="B2", via_branch="two")
    assert call not in ng.calls()


def test_early_media_and_the_final_answer_from_another_server(ng, call, phones):
    a, announcement, b = phones(), phones(), phones()
    to_b = rtp.media_address(ng.offer(call, a.sdp()))
    to_a = rtp.media_address(ng.answer(call, announcement.sdp(), to="early"))
    assert hears(a, announcement, to_b, 0xE)
    assert rtp.media_address(ng.answer(call, b.sdp(), to="final")) == to_a
    assert hears(a, b, to_b, 0xB) and hears(b, a, to_a, 0xA)


def test_a_cancelled_call_is_deleted_twice_without_harm(ng, call, phones):
    ng.offer(call, phones().sdp())
    assert "warning" not in ng.delete(call)
    again = ng.delete(call)
    assert again["result"] == "ok" and again["warning"] == "Call-ID not found or tags didn't match"


def test_a_late_offer(ng, call, phones):
    """INVITE without SDP: the offer is in the 200, the answer in the ACK, from-tag is who made the offer."""
    a, b = phones(), phones()
    to_a = rtp.media_address(ng.offer(call, b.sdp(), tag="B", to_tag="A"))
    to_b = rtp.media_address(ng.answer(call, a.sdp(), tag="B", to="A"))
    assert hears(b, a, to_a, 0xA) and hears(a, b, to_b, 0xB)
    again = ng.command("offer", call_id=call, from_tag="A", to_tag="B", sdp=a.sdp())["sdp"]
    assert rtp.media_address(again) == to_b


def test_a_refused_reinvite_changes_nothing(ng, call, phones):
    a, elsewhere, b = phones(), phones(), phones()
    to_b = rtp.media_address(ng.offer(call, a.sdp()))
    to_a = rtp.media_address(ng.answer(call, b.sdp()))
    assert hears(b, a, to_a, 0xA) and hears(a, b, to_b, 0xB)
    ng.command("offer", call_id=call, from_tag="A", to_tag="B", sdp=elsewhere.sdp(attributes=["a=inactive"]))  # 488
    assert hears(b, a, to_a, 0xA) and hears(a, b, to_b, 0xB)
    ng.command("offer", call_id=call, from_tag="B", to_tag="A", sdp=b.sdp())
    ng.answer(call, a.sdp(), tag="B", to="A")
    assert hears(b, a, to_a, 0xA) and hears(a, b, to_b, 0xB)


def test_video_is_dropped_and_comes_back(ng, call, phones):
    class Both:
        def __init__(self):
            self.audio, self.video = phones(), phones()

        def sdp(self, with_video):
            port = self.video.port if with_video else 0
            return self.audio.sdp() + f"m=video {port} RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"

    def exchange(with_video, **keys):
        to_b = ng.command("offer", call_id=call, from_tag="A", sdp=a.sdp(with_video), **keys)["sdp"]
        return ng.answer(call, b.sdp(with_video)), to_b

    a, b = Both(), Both()
    to_a, to_b = exchange(True)
    assert hears(b.video, a.video, rtp.media_address(to_a, 1), 0xA)
    gone = rtp.media_address(to_a, 1)
    to_a, to_b = exchange(False, to_tag="B")
    assert rtp.media_address(to_a, 1)[1] == 0 and rtp.media_address(to_b, 1)[1] == 0
    assert not hears(b.video, a.video, gone, 0xA)
    assert hears(b.audio, a.audio, rtp.media_address(to_a), 0xA)
    to_a, to_b = exchange(True, to_tag="B")
    assert hears(b.video, a.video, rtp.media_address(to_a, 1), 0xA)
    assert hears(a.video, b.video, rtp.media_address(to_b, 1), 0xB)
    assert hears(b.audio, a.audio, rtp.media_address(to_a), 0xA)


def test_fax_takes_the_place_of_audio(ng, call, phones):
    """UDPTL is no RTP: what it carries passes as it is."""
    a, b = phones(), phones()
    ng.offer(call, a.sdp())
    ng.answer(call, b.sdp())
    fax = ("t38", "udptl", ["a=T38FaxVersion:0"], None, "image")
    to_a = ng.command("offer", call_id=call, from_tag="B", to_tag="A", sdp=b.sdp(*fax))["sdp"]
    to_b = ng.answer(call, a.sdp(*fax), tag="B", to="A")
    assert "m=image" in to_a and "a=T38FaxVersion:0" in to_b
    for sender, receiver, to in ((b, a, to_b), (a, b, to_a)):
        sender.send(rtp.media_address(to), b"\x00\x01\x02 a page")
        assert receiver.receive()[0] == b"\x00\x01\x02 a page"


def test_packets_carry_the_type_of_service(start, phones):
    relay = start("--tos=184")
    a, b = phones(), phones()
    b.rtp.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    relay.ng.offer("tos", a.sdp())
    to_a = rtp.media_address(relay.ng.answer("tos", b.sdp()))
    a.send(to_a, rtp.packet(1))
    _, ancillary, _, _ = b.rtp.recvmsg(2048, 64)
    assert [data[0] for _, kind, data in ancillary if kind == socket.IP_TOS] == [184]
    relay.ng.command("offer", call_id="tos", from_tag="A", to_tag="B", sdp=a.sdp(), TOS=96)
    relay.ng.answer("tos", b.sdp())
    a.send(to_a, rtp.packet(2))
    _, ancillary, _, _ = b.rtp.recvmsg(2048, 64)
    assert [data[0] for _, kind, data in ancillary if kind == socket.IP_TOS] == [96]
