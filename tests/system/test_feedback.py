# SPDX-License-Identifier: Apache-2.0
"""What only an AVPF endpoint understands: feedback and header extensions, passed or stripped; video with SDES."""
import rtp
from srtp import SecurePhone

VIDEO = ["a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli"]
EXTENSION = "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level"


def feedback():
    return rtp.receiver_report(0xA) + rtp.picture_loss(0xA, 0xB) + rtp.generic_nack(0xA, 0xB, 7)


def connect(ng, call, a, b, offered, wanted, attributes=()):
    """Offer in one profile, answer in another; gives where A and B send to."""
    to_b = ng.offer(call, a.sdp(protocol=offered, attributes=attributes), transport_protocol=wanted)
    to_a = ng.answer(call, b.sdp(protocol=wanted))
    return rtp.media_address(to_a), rtp.media_address(to_b)


def rtcp(address):
    return address[0], address[1] + 1


def test_feedback_does_not_reach_a_phone_without_avpf(ng, call, phones):
    a, b = phones(), phones()
    a_to, b_to = connect(ng, call, a, b, "RTP/AVPF", "RTP/AVP")
    a.rtcp.sendto(feedback(), rtcp(a_to))
    assert rtp.rtcp_types(b.rtcp.recv(2048)) == [201]
    b.rtcp.sendto(rtp.sender_report(0xB), rtcp(b_to))
    assert rtp.rtcp_types(a.rtcp.recv(2048)) == [200]


def test_a_packet_of_feedback_alone_vanishes_toward_avp(ng, call, phones):
    a, b = phones(), phones()
    a_to, _ = connect(ng, call, a, b, "RTP/AVPF", "RTP/AVP")
    a.rtcp.sendto(rtp.picture_loss(0xA, 0xB), rtcp(a_to))
    a.rtcp.sendto(rtp.receiver_report(0xA), rtcp(a_to))
    assert rtp.rtcp_types(b.rtcp.recv(2048)) == [201]


def test_feedback_passes_between_avpf_legs(ng, call, phones):
    a, b = phones(), phones()
    a_to, _ = connect(ng, call, a, b, "RTP/AVPF", "RTP/AVPF")
    a.rtcp.sendto(feedback(), rtcp(a_to))
    assert b.rtcp.recv(2048) == feedback()
    a.rtcp.sendto(rtp.picture_loss(0xA, 0xB), rtcp(a_to))  # reduced size
    assert b.rtcp.recv(2048) == rtp.picture_loss(0xA, 0xB)


def test_header_extensions_are_what_the_sdp_says(ng, call, phones):
    """Between two that may understand them they pass; test_webrtc has a browser's, which are cut."""
    a, b = phones(), phones()
    to_b = ng.offer(call, a.sdp(protocol="RTP/AVPF", attributes=[EXTENSION]), transport_protocol="RTP/AVP")
    assert EXTENSION in to_b
    a_to = rtp.media_address(ng.answer(call, b.sdp(attributes=[EXTENSION])))
    sent = rtp.packet(1, ssrc=0xA, marker=True, extension=rtp.extension_one_byte({1: b"\x7f"}))
    a.send(a_to, sent)
    assert b.receive()[0] == sent


def test_header_extensions_are_cut_when_the_proxy_says_so(ng, call, phones):
    a, b = phones(), phones()
    to_b = ng.offer(call, a.sdp(attributes=[EXTENSION]), flags=["strip-extmap"])
    assert "extmap" not in to_b
    a_to = rtp.media_address(ng.answer(call, b.sdp()))
    a.send(a_to, rtp.packet(1, ssrc=0xA, marker=True, extension=rtp.extension_one_byte({1: b"\x7f"})))
    assert b.receive()[0] == rtp.packet(1, ssrc=0xA, marker=True)


def test_video_between_two_savpf_legs(ng, call, phones):
    a, b = SecurePhone(phones()), SecurePhone(phones(), "AEAD_AES_128_GCM")
    offer = a.phone.sdp("96", "RTP/SAVPF", [*VIDEO, a.crypto()], media="video")
    to_b = ng.offer(call, offer, DTLS="off")
    assert "a=rtcp-fb:96 nack pli" in to_b
    b.learn(to_b)
    tag = next(line for line in to_b.splitlines() if b.suite in line).split()[0].rpartition(":")[2]
    to_a = ng.answer(call, b.phone.sdp("96", "RTP/SAVPF", [*VIDEO, b.crypto(tag)], media="video"))
    a.learn(to_a)
    for seq in range(65530, 65542):
        sent = rtp.packet(seq, ssrc=0xA, pt=96, timestamp=90 * seq, payload=bytes(1150), marker=seq % 3 == 0)
        a.send(sent)
        assert b.receive() == sent
    b.send_rtcp(rtp.receiver_report(0xB) + rtp.picture_loss(0xB, 0xA))
    assert a.receive_rtcp() == rtp.receiver_report(0xB) + rtp.picture_loss(0xB, 0xA)
    a.send_rtcp(feedback())
    assert b.receive_rtcp() == feedback()
