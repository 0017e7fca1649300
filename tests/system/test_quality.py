# SPDX-License-Identifier: Apache-2.0
"""What query tells of the quality of a call, as Kamailio reads it: loss, jitter, round trip and MOS by SSRC."""
import time

import pytest

import rtp
from srtp import SecurePhone

NEAR_S, FAR_S, HELD_S = 0.08, 0.04, 0.05


class PlainLeg:
    def __init__(self, phone):
        self.phone, self.to = phone, None

    def send(self, packet):
        self.phone.send(self.to, packet)

    def receive(self):
        return self.phone.receive()[0]

    def send_rtcp(self, compound):
        self.phone.rtcp.sendto(compound, (self.to[0], self.to[1] + 1))

    def receive_rtcp(self):
        self.phone.rtcp.settimeout(3)
        return self.phone.rtcp.recv(2048)


def plain_call(ng, call, phones):
    a, b = PlainLeg(phones()), PlainLeg(phones())
    b.to = rtp.media_address(ng.offer(call, a.phone.sdp()))
    a.to = rtp.media_address(ng.answer(call, b.phone.sdp()))
    return a, b


def secure_to_plain_call(ng, call, phones):
    a, b = SecurePhone(phones()), PlainLeg(phones())
    offer = a.phone.sdp(protocol="RTP/SAVPF", attributes=[a.crypto()])
    b.to = rtp.media_address(ng.offer(call, offer, transport_protocol="RTP/AVP"))
    a.learn(ng.answer(call, b.phone.sdp()))
    return a, b


def exchange_reports(a, b, block):
    """Each sends a report on itself; the other answers it after a while, and says how long it held it."""
    ntp = int((time.time() + 2208988800) * 2**32)
    middle = (ntp >> 16) & 0xFFFFFFFF
    a.send_rtcp(rtp.sender_report(0xA, ntp))
    b.send_rtcp(rtp.sender_report(0xB, ntp))
    assert rtp.rtcp_types(b.receive_rtcp()) == [200] and rtp.rtcp_types(a.receive_rtcp()) == [200]
    time.sleep(FAR_S)
    a.send_rtcp(rtp.receiver_report(0xA, [rtp.report_block(0xB, lsr=middle)]))
    time.sleep(NEAR_S - FAR_S + HELD_S)
    b.send_rtcp(rtp.receiver_report(0xB, [rtp.report_block(0xA, lsr=middle, dlsr=int(HELD_S * 65536), **block)]))
    assert rtp.rtcp_types(b.receive_rtcp()) == [201] and rtp.rtcp_types(a.receive_rtcp()) == [201]


def expected_mos(rtt_us, jitter_ms, loss_percent):
    """The simplified E-model, as the ng protocol's users know it; times ten."""
    delay_ms = rtt_us / 2000 + jitter_ms
    impairment = 0.024 * delay_ms + (0.11 * (delay_ms - 177.3) if delay_ms > 177.3 else 0)
    r = 93.2 - loss_percent
    rx = 0.18 * r * r - 27.9 * r + 1126.62 - impairment
    return 10 * (1 + 0.035 * rx + rx * (rx - 60) * (100 - rx) * 7e-6)


@pytest.mark.parametrize("make", [plain_call, secure_to_plain_call])
def test_quality_of_a_stream_is_what_its_receiver_reported(ng, call, phones, make):
    a, b = make(ng, call, phones)
    for seq in range(1, 6):
        a.send(rtp.packet(seq, ssrc=0xA))
        b.send(rtp.packet(seq, ssrc=0xB))
        a.receive(), b.receive()
    block = {"fraction": 26, "lost": 7, "highest": 5, "jitter": 160}  # 10 %, and 20 ms of 8000 Hz
    exchange_reports(a, b, {})
    exchange_reports(a, b, block)  # the first round trips were not both known when it began
    time.sleep(1.1)
    exchange_reports(a, b, block)

    report = ng.query(call)
    entry = report["SSRC"][str(0xA)]
    assert entry["packets"] == 5 and entry["last RTP seq"] == 5
    assert entry["cumulative loss"] == 7
    worst = entry["lowest MOS"]
    assert worst["packet loss"] == 10 and worst["jitter"] == 20
    assert NEAR_S * 1e6 <= worst["round-trip time leg"] < (NEAR_S + 0.25) * 1e6
    assert (NEAR_S + FAR_S) * 1e6 <= worst["round-trip time"] < (NEAR_S + FAR_S + 0.5) * 1e6
    assert abs(worst["MOS"] - expected_mos(worst["round-trip time"], 20, 10)) <= 1
    assert abs(worst["reported at"] - time.time()) < 10
    assert entry["average MOS"]["samples"] >= 2
    assert entry["lowest MOS"]["MOS"] <= entry["average MOS"]["MOS"] <= entry["highest MOS"]["MOS"]
    assert entry["MOS progression"]["entries"]
    assert report["SSRC"][str(0xB)]["average MOS"]["packet loss"] == 0
    ingress = report["tags"]["A"]["medias"][0]["ingress SSRCs"]
    assert [one["SSRC"] for one in ingress] == [0xA]
    assert ng.delete(call)["SSRC"][str(0xA)]["lowest MOS"]["packet loss"] == 10


def test_no_mos_is_invented_without_a_round_trip(ng, call, phones):
    a, b = plain_call(ng, call, phones)
    a.send(rtp.packet(1, ssrc=0xA))
    b.receive()
    b.send_rtcp(rtp.receiver_report(0xB, [rtp.report_block(0xA, fraction=128, lost=3)]))
    a.receive_rtcp()
    assert "average MOS" not in ng.query(call)["SSRC"][str(0xA)]
