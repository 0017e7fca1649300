# SPDX-License-Identifier: Apache-2.0
"""Messages on a stream (W38): whatever way the bytes are cut, each message arrives once and whole."""
import random
import time

import pytest

import turn_message as m
from turn_server import ours_alone

WINDOW = 40  # datagrams on their way at a time: loopback drops none of so few


@pytest.fixture(params=["tcp", "tls"])
def bound(request, turn, connect, peers):
    client, peer = connect(turn, request.param).allocated(), peers()
    assert client.bind(0x4000, peer.address).ok()
    return client, peer


def send_indication(peer, payload):
    return m.Draft(m.SEND, m.INDICATION).peer(peer.address).add(m.DATA_VALUE, payload).bytes()


def frame(rng, peer, payload):
    if rng.random() < 0.2:
        return send_indication(peer, payload)
    return m.channel_data(0x4000, payload, padded=True)


def payloads(rng, count):
    return [rng.randbytes(rng.choice([rng.randrange(8), rng.randrange(200), rng.randrange(1400)]))
            for _ in range(count)]


def chunks(rng, stream):
    """The stream in pieces, many of them of a byte or two, some of several messages."""
    while stream:
        size = rng.choice([1, 2, 3, rng.randrange(1, 40), rng.randrange(1, 1500)] if rng.random() < 0.98 else [16000])
        yield stream[:size]
        stream = stream[size:]


def test_w38_ten_thousand_messages_cut_anywhere(bound):
    client, peer = bound
    rng = random.Random(38)
    for _ in range(10000 // WINDOW):
        wanted = payloads(rng, WINDOW)
        for piece in chunks(rng, b"".join(frame(rng, peer, one) for one in wanted)):
            client.send(piece)
        for one in wanted:
            assert peer.receive()[0] == one


def test_w38_cut_once_at_every_byte(bound):
    client, peer = bound
    wanted = [b"", b"a", b"ab", b"abc", b"abcd", b"abcde"]
    stream = b"".join(m.channel_data(0x4000, one, padded=True) for one in wanted) + send_indication(peer, b"last")
    for cut in range(1, len(stream)):
        client.send(stream[:cut])
        time.sleep(0.001)
        client.send(stream[cut:])
        for one in [*wanted, b"last"]:
            assert peer.receive()[0] == one, f"cut at {cut}"


def test_w38_one_byte_at_a_time(bound):
    client, peer = bound
    for byte in m.channel_data(0x4000, b"slow", padded=True) + send_indication(peer, b"and slower"):
        client.send(bytes([byte]))
    assert peer.receive()[0] == b"slow"
    assert peer.receive()[0] == b"and slower"


def test_w38_a_request_in_pieces(turn, connect):
    client = connect(turn, "tcp")
    client.challenge()
    draft = client.draft(m.ALLOCATE, (m.REQUESTED_TRANSPORT, m.transport(m.UDP)))
    for byte in draft.bytes():
        client.send(bytes([byte]))
    assert client.answer(draft.transaction).ok()


def test_w38_to_the_client_everything_is_padded_and_in_frame(bound):
    client, peer = bound
    rng = random.Random(83)
    for _ in range(10000 // WINDOW):
        wanted = payloads(rng, WINDOW)
        for one in wanted:
            peer.send(client.relayed, one)
        for one in wanted:
            assert client.receive() == (0x4000, one)
    assert client.refresh().ok()


def test_w38_unknown_channels_do_not_break_the_frame(bound):
    client, peer = bound
    client.send(m.channel_data(0x4999, b"nobody's", padded=True) + m.channel_data(0x4000, b"mine", padded=True))
    assert peer.receive()[0] == b"mine"


@ours_alone  # loses the frame
def test_w38_the_longest_messages(bound):
    client, peer = bound
    for size in (8000, 40000, 65507, 65535):  # the last is longer than any datagram
        client.send_channel(0x4000, bytes(size))
        client.send_channel(0x4000, b"in frame")
        got = peer.receive()[0]
        if got == bytes(size):  # a server may have a limit of its own
            got = peer.receive()[0]
        assert got == b"in frame"
