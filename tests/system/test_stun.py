# SPDX-License-Identifier: Apache-2.0
"""STUN Binding: the public service, on its port and on media ports, and ICE connectivity checks."""
import socket

import pytest

import rtp
import stun


@pytest.fixture
def client():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.settimeout(2)
        yield one


def exchange(client, to, data):
    client.sendto(data, to)
    reply, source = client.recvfrom(2048)
    assert source == to, "the reply must leave from the address asked"
    return stun.parse(reply)


def silent(client, to, data):
    client.sendto(data, to)
    client.settimeout(0.3)
    try:
        return not client.recv(2048)
    except TimeoutError:
        return True
    finally:
        client.settimeout(2)


@pytest.mark.parametrize("port", ["stun_port", "webrtc_port"])
def test_binding_tells_the_mapped_address(relay, client, port):
    request = stun.message()
    kind, transaction, attributes = exchange(client, ("127.0.0.1", getattr(relay, port)), request)
    assert kind == stun.BINDING_SUCCESS
    assert transaction == request[8:20]
    assert stun.mapped_address(attributes) == client.getsockname()


def test_binding_on_a_media_port(relay, ng, call, phones, client):
    to = rtp.media_address(ng.offer(call, phones().sdp()))
    kind, _, attributes = exchange(client, to, stun.message())
    assert kind == stun.BINDING_SUCCESS
    assert stun.mapped_address(attributes) == client.getsockname()


def test_unknown_required_attribute_is_named(relay, client):
    kind, _, attributes = exchange(client, ("127.0.0.1", relay.stun_port),
                                   stun.message(attributes=[(0x7777, b"")]))
    assert kind == stun.BINDING_ERROR and stun.error_code(attributes) == 420
    assert attributes[stun.UNKNOWN_ATTRIBUTES][:2] == b"\x77\x77"


def ice_leg(ng, call, phone):
    """A leg with ICE and no encryption, made by an offer from a plain phone."""
    sdp = ng.offer(call, phone.sdp(), ICE="force", rtcp_mux=["require"])
    return sdp, rtp.media_address(sdp), rtp.attribute(sdp, "ice-ufrag"), rtp.attribute(sdp, "ice-pwd")


def webrtc_leg(ng, call, phone):
    """A leg on the shared port: ICE and DTLS."""
    sdp = ng.offer(call, phone.sdp(), ICE="force", rtcp_mux=["require"], transport_protocol="UDP/TLS/RTP/SAVPF",
                   SDES=["off"])
    return sdp, rtp.media_address(sdp), rtp.attribute(sdp, "ice-ufrag"), rtp.attribute(sdp, "ice-pwd")


def test_ice_lite_is_announced(ng, call, phones, relay):
    sdp, address, ufrag, password = webrtc_leg(ng, call, phones())
    assert "a=ice-lite" in sdp.partition("m=")[0]
    assert address == ("127.0.0.1", relay.webrtc_port)
    assert len(ufrag) >= 4 and len(password) >= 22
    assert f" 127.0.0.1 {relay.webrtc_port} typ host" in rtp.attribute(sdp, "candidate")


@pytest.mark.parametrize("leg", [webrtc_leg, ice_leg])
def test_w51_connectivity_check_is_answered_with_integrity(ng, call, phones, client, leg):
    _, address, ufrag, password = leg(ng, call, phones())
    client.sendto(stun.check(ufrag, password), address)
    reply = client.recv(2048)
    kind, _, attributes = stun.parse(reply)
    assert kind == stun.BINDING_SUCCESS
    assert stun.mapped_address(attributes) == client.getsockname()
    assert stun.FINGERPRINT in attributes and stun.signed_with(reply, password)


def test_w51_wrong_password_is_refused(ng, call, phones, client):
    _, address, ufrag, _ = ice_leg(ng, call, phones())
    kind, _, attributes = exchange(client, address, stun.check(ufrag, "x" * 26))
    assert kind == stun.BINDING_ERROR and stun.error_code(attributes) == 401


def test_w51_role_conflict(ng, call, phones, client):
    """A lite agent never controls: one that says it is controlled too must switch (RFC 8445, 7.3.1.1)."""
    _, address, ufrag, password = ice_leg(ng, call, phones())
    kind, _, attributes = exchange(client, address, stun.check(ufrag, password, controlling=False))
    assert kind == stun.BINDING_ERROR and stun.error_code(attributes) == 487


def test_w51_check_without_fingerprint_or_for_a_stranger_is_not_answered(ng, call, phones, client):
    _, address, ufrag, password = webrtc_leg(ng, call, phones())
    bare = stun.message(attributes=[(stun.USERNAME, f"{ufrag}:me".encode())], password=password)
    assert silent(client, address, bare)
    no_priority = stun.message(attributes=[(stun.USERNAME, f"{ufrag}:me".encode()), (stun.ICE_CONTROLLING, bytes(8))],
                               password=password, fingerprint=True)
    kind, _, attributes = exchange(client, address, no_priority)
    assert kind == stun.BINDING_ERROR and stun.error_code(attributes) == 400
    assert silent(client, address, stun.check("nobodyxx", password))


def test_w51_media_from_an_unvalidated_address_is_dropped(ng, call, phones, client):
    a = phones()
    _, address, ufrag, password = ice_leg(ng, call, a)
    answer = "\r\n".join([
        "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=ice-options:trickle",
        "m=audio 9 RTP/AVP 0", "c=IN IP4 0.0.0.0", "a=rtcp-mux", "a=ice-ufrag:me", "a=ice-pwd:" + "p" * 22, ""])
    ng.answer(call, answer)
    client.sendto(rtp.packet(1, ssrc=0xB), address)
    assert a.hears_nothing()
    exchange(client, address, stun.check(ufrag, password))
    client.sendto(rtp.packet(2, ssrc=0xB), address)
    assert rtp.parse(a.receive()[0])["seq"] == 2


def test_w51_a_client_hello_from_an_unvalidated_address_changes_nothing(ng, call, phones, client):
    _, address, ufrag, password = webrtc_leg(ng, call, phones())
    hello = bytes.fromhex("16feff0000000000000000003a0100002e0000000000000022fefd") + bytes(32) + bytes.fromhex("0000000200ff0100")
    assert silent(client, address, hello)
    kind, _, _ = exchange(client, address, stun.check(ufrag, password))
    assert kind == stun.BINDING_SUCCESS
