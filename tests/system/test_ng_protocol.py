# SPDX-License-Identifier: Apache-2.0
"""The ng protocol on the wire: framing, encodings, duplicates, exact error texts."""
import json

import pytest

import bencode
from daemon import Daemon
from ng import NgError


def test_ping_in_both_encodings(ng):
    assert ng.request(command="ping") == {"result": "pong"}
    assert ng.request("json", command="ping") == {"result": "pong"}


def test_a_datagram_without_cookie_gets_no_answer(ng):
    assert ng.silent(b"d7:command4:pinge")
    assert ng.silent(b" d7:command4:pinge")


@pytest.mark.parametrize("document, reason", [
    (b"", "Invalid data (no payload)"),
    (b"hello", "Invalid NG data format"),
    (b"d7:command", "Could not decode bencode dictionary"),
    (b"de", 'Dictionary contains no key "command"'),
    (b"d7:command5:danc?e", "Unrecognized command"),
])
def test_broken_documents_are_named(ng, document, reason):
    reply = bencode.decode(ng.raw(b"cookie_" + str(hash(document)).encode() + b" " + document).partition(b" ")[2])
    assert reply == {"result": "error", "error-reason": reason}


def test_broken_json_is_answered_in_json(ng):
    reply = json.loads(ng.raw(b'json_1 {"command":').partition(b" ")[2])
    assert reply["result"] == "error" and reply["error-reason"] == "Failed to parse JSON document"


@pytest.mark.parametrize("verb, missing, reason", [
    ("offer", "sdp", "No SDP body in message"),
    ("offer", "call_id", "No call-id in message"),
    ("offer", "from_tag", "No from-tag in message"),
    ("answer", "to_tag", "No to-tag in message"),
    ("delete", "call_id", "No call-id in message"),
])
def test_missing_keys_have_rtpengines_words(ng, phones, verb, missing, reason):
    keys = {"call_id": "k", "from_tag": "a", "to_tag": "b", "sdp": phones().sdp()}
    del keys[missing]
    with pytest.raises(NgError) as error:
        ng.command(verb, **keys)
    assert str(error.value) == reason


def test_unknown_calls(ng, phones):
    with pytest.raises(NgError, match="^Unknown call-id$"):
        ng.answer("nobody", phones().sdp())
    reply = ng.request(command="delete", call_id="nobody", from_tag="x")
    assert reply["result"] == "ok" and reply["warning"] == "Call-ID not found or tags didn't match"
    reply = ng.request(command="delete", call_id="nobody", from_tag="x", flags=["fatal"])
    assert reply["result"] == "error"


def test_a_duplicate_is_answered_from_memory(ng, call, phones):
    phone = phones()
    first = ng.request(cookie="same_1", command="offer", call_id=call, from_tag="a", sdp=phone.sdp())
    again = ng.request(cookie="same_1", command="offer", call_id=call, from_tag="a", sdp=phone.sdp())
    assert first == again
    # The cookie alone decides: nothing of the second message is looked at.
    assert ng.request(cookie="same_1", command="ping") == first


def test_unknown_keys_and_flags_are_only_logged(relay, ng, call, phones):
    sdp = ng.offer(call, phones().sdp(), flags=["symmetric", "made-up-flag"], colour="red",
                   replace=["origin", "session-connection"])
    assert "m=audio" in sdp
    assert "made-up-flag" in relay.log()


def test_raw_flag_string_is_parsed_here(ng, call, phones):
    raw = "RTP/SAVPF ICE=force rtcp-mux-offer replace-origin codec=[strip=[all] offer=[PCMA]]"
    sdp = ng.command("offer", call_id=call, from_tag="a", sdp=phones().sdp(), **{"rtpp-flags": raw})["sdp"]
    assert "RTP/SAVPF 8" in sdp and "a=candidate:" in sdp and "a=rtcp-mux" in sdp


def test_load_limit_for_those_who_understand_it(start, phones):
    relay = start("--max-sessions=1")
    relay.ng.offer("one", phones().sdp())
    reply = relay.ng.request(command="offer", call_id="two", from_tag="a", sdp=phones().sdp(),
                             supports=["load limit"])
    assert reply["result"] == "load limit" and reply["message"] == "Parallel session limit reached"
    reply = relay.ng.request(command="offer", call_id="two", from_tag="a", sdp=phones().sdp())
    assert reply == {"result": "error", "error-reason": "Parallel session limit reached"}


def test_ports_run_out(start, phones):
    relay = start("--port-min=31000", "--port-max=31003")
    relay.ng.offer("one", phones().sdp())
    with pytest.raises(NgError, match="^Ran out of ports$"):
        relay.ng.answer("one", phones().sdp())
        relay.ng.offer("two", phones().sdp())
    relay.ng.delete("one")


def test_list_is_limited(ng, phones):
    names = {f"list-{n}" for n in range(3)}
    for name in names:
        ng.offer(name, phones().sdp())
    assert names <= set(ng.calls())
    assert len(ng.command("list", limit=2)["calls"]) == 2
    assert ng.command("list", limit=0)["calls"] == []
    with pytest.raises(NgError):
        ng.command("list", limit=-1)
    for name in names:
        ng.delete(name)


def test_delete_delay_keeps_the_call(start, phones):
    relay = start("--delete-delay=30")
    relay.ng.offer("kept", phones().sdp())
    relay.ng.delete("kept")
    relay.ng.delete("kept")  # Kamailio deletes twice after a CANCEL
    assert relay.ng.calls() == ["kept"]
    assert relay.ng.command("delete", call_id="kept", from_tag="A", **{"delete-delay": 0})["result"] == "ok"


def test_an_impossible_option_is_refused():
    daemon = Daemon("--port-min=70000", wait=False)
    assert daemon.process.wait(10) == 2
    assert "port-min" in daemon.log() and "70000" in daemon.log()
    daemon.stop(expected=2)
