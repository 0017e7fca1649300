# SPDX-License-Identifier: Apache-2.0
"""STUN Binding on the TURN ports, and what is no message at all (W1-W6, W50 of the wire tests)."""
import contextlib
import os
import struct
import subprocess

import pytest

import turn_message as m
from turn_server import ORACLE, ours_alone
from turn_transport import Tcp, Udp


def binding(*attributes):
    return m.Draft(m.BINDING, attributes=attributes)


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
def test_w01_binding_is_answered_with_the_mapped_address_and_little_else(turn, connect, way, ip):
    client = connect(turn, way, ip=ip)
    reply = client.transact(binding())
    assert reply.ok() and reply.address(m.XOR_MAPPED) == client.transport.local
    assert [name for name, _ in reply.attributes] == [m.XOR_MAPPED]
    assert len(reply.data) == (32 if ip == "127.0.0.1" else 44)


def test_w01_fingerprint_is_answered_with_fingerprint(client):
    reply = client.transact(binding().fingerprint())
    assert reply.ok() and reply.fingerprint_right() and len(reply.data) == 40


def test_w01_the_answer_leaves_from_the_address_asked(start_turn, connect):
    server = start_turn(ips=("127.0.0.1", "127.0.0.2"))
    for ip in server.ips:  # the client's socket is connected: it would not hear another address
        client = connect(server, ip=ip)
        assert client.transact(binding()).address(m.XOR_MAPPED) == client.transport.local


@ours_alone
@pytest.mark.parametrize("transport", [Udp, Tcp])
def test_w01_a_wildcard_socket_answers_from_the_address_asked(start_turn, transport):
    shown = subprocess.run(["ip", "-4", "-o", "addr", "show", "scope", "global"], capture_output=True, text=True)
    ips = [line.split()[3].partition("/")[0] for line in shown.stdout.splitlines()]
    if not ips:
        pytest.skip("this machine has no address")
    server = start_turn(ips=("0.0.0.0",))
    for ip in ips:
        one = transport((ip, server.port))
        one.send(binding().bytes())
        assert m.Message(one.receive()).ok()
        one.close()


def test_w02_unknown_required_attributes_are_named(client):
    reply = client.transact(binding((0x0033, b"x"), (0x0034, b"")))
    assert reply.kind == m.ERROR and reply.code == 420
    assert reply.get(m.UNKNOWN_ATTRIBUTES) == bytes.fromhex("00330034")


def test_w03_unknown_optional_attributes_are_ignored(client):
    assert client.transact(binding((0x8033, b"anything"))).ok()


def test_w04_a_wrong_fingerprint_is_no_stun(client):
    wrong = bytearray(binding().fingerprint().bytes())
    wrong[-1] ^= 1
    client.send(bytes(wrong))
    assert client.hears_nothing()


def length_field(data, length):
    return data[:2] + struct.pack("!H", length) + data[4:]


GOOD = binding((m.SOFTWARE, b"four")).bytes()
MALFORMED = {
    "length not a multiple of four": length_field(GOOD + b"xx", 10),
    "attribute longer than the message": GOOD[:22] + b"\x00\x05" + GOOD[24:],
    "attribute header cut": length_field(GOOD, 4)[:24],
    "top bits of the type": b"\x40" + GOOD[1:],
    "wrong cookie": GOOD[:4] + b"\x21\x12\xa4\x43" + GOOD[8:],
    "length beyond the datagram": length_field(GOOD, 0xFFFC),
    "length short of the datagram": length_field(GOOD, 0),
    "a header and no more of it": GOOD[:19],
    "a response": b"\x01" + GOOD[1:],
    "an indication": b"\x00\x11" + GOOD[2:],
    "an error": b"\x01\x11" + GOOD[2:],
    "empty": b"",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_w05_malformed_messages_are_met_with_silence(udp, name):
    if ORACLE and name in ("attribute longer than the message", "attribute header cut"):
        pytest.skip("coturn reads on")
    udp.send(MALFORMED[name])
    assert udp.hears_nothing()
    assert udp.transact(binding()).ok()


@ours_alone
@pytest.mark.parametrize("name", ["length not a multiple of four", "top bits of the type", "wrong cookie"])
@pytest.mark.parametrize("way", ["tcp", "tls"])
def test_w05_a_stream_that_is_out_of_frame_ends(turn, connect, way, name):
    client = connect(turn, way)
    with contextlib.suppress(OSError):  # it may end before all is written
        client.send(MALFORMED[name] + bytes(70000) if name == "top bits of the type" else MALFORMED[name])
    assert client.transport.closed()
    assert connect(turn, way).transact(binding()).ok()


def test_w06_change_request_is_unknown_unless_rfc5780_is_on(client):
    reply = client.transact(binding((m.CHANGE_REQUEST, m.u32(6))))
    assert reply.kind == m.ERROR and reply.code == 420
    assert ORACLE or reply.get(m.UNKNOWN_ATTRIBUTES) == b"\x00\x03"


@ours_alone  # coturn takes some for RFC 3489
def test_w50_first_bytes_of_no_protocol_are_met_with_silence(turn, connect):
    answers = []
    for first in range(256):
        client = connect(turn)
        for rest in (b"", b"\x01" + bytes(30), os.urandom(60), GOOD[1:]):
            if first or rest != GOOD[1:]:
                client.send(bytes([first]) + rest)
        if first >= 4:  # they come in order: this one is the first to be answered
            assert client.transact(binding()).ok() and not client.inbox, first
            continue
        while (got := client.receive(0.1)) is not None:
            answers.append(got)
    # A method nobody knows, or one that needs credentials: an error, never longer than a challenge.
    assert all(got.kind == m.ERROR and len(got.data) <= 100 for got in answers), answers
    assert turn.alive()
