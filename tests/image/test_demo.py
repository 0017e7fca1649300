# SPDX-License-Identifier: Apache-2.0
"""The demonstration of docker/compose.yaml does what docs/deploy.md says of it."""
import asyncio
import json
import re
import time

import pytest

import compose
from sip_phone import SipPhone
from test_webrtc import Browser, in_thread

PROXY = "172.30.0.5"
NODES = ("node-a", "node-b")


@pytest.fixture(scope="module")
def demo(image, tmp_path_factory):
    made = compose.Demo(tmp_path_factory.mktemp("demo"))
    yield made
    made.stop()


def calls(demo, node):
    """Those that are up: one that has ended stays for delete-delay."""
    listed = json.loads(demo.ctl(node, "list", "--json"))["calls"]
    return {call["call_id"]: call for call in listed if call["state"] != "deleted"}


def eventually(what, seconds, why):
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, why() if callable(why) else why
        time.sleep(0.2)
    return found


def node_of(demo, call_id):
    found = [node for node in NODES if call_id in calls(demo, node)]
    assert len(found) <= 1
    return found[0] if found else None


def for_aiortc(sdp):
    """It reads only the long form of a=rtcp."""
    return re.sub(r"a=rtcp:.*\r\n", "", sdp)


async def hears(browser, seconds=3):
    """Whether there is a tone in what comes from now on."""
    browser.frames.clear()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not (len(browser.frames) > 10 and browser.loudness() > 1000):
        await asyncio.sleep(0.05)
    return browser.loudness() > 1000


def test_the_phone_calls_the_pbx(demo):
    def established():
        return "Call established" in demo.log("phone") and "receiving from" in demo.log("pbx")

    eventually(established, 40, lambda: "\n".join(demo.log(name) for name in ("kamailio", "phone", "node-a")))
    assert sum(len(calls(demo, node)) for node in NODES) == 1


def test_calls_go_on_when_a_node_dies(demo):
    """A browser and the phone talk to the PBX, and notice no more than a gap; nor do they when the node is back."""
    async def scenario():
        browser, phone = Browser(), SipPhone("ws://127.0.0.1:8088", PROXY)
        answer = await in_thread(phone.invite, "pbx", await browser.offer())
        await browser.take_answer(for_aiortc(answer))
        assert await browser.connected() and await hears(browser)
        dead = await in_thread(eventually, lambda: node_of(demo, phone.call_id), 5, "one has the call")
        other = NODES[dead == NODES[0]]

        await in_thread(demo.kill, dead)
        # The lease of the node, and two checks of keepalived.
        await in_thread(eventually, lambda: len(calls(demo, other)) == 2, 12, lambda: demo.log(other))
        assert await hears(browser), demo.log(other)

        await in_thread(demo.start, dead)
        await in_thread(eventually, lambda: node_of(demo, phone.call_id) == dead, 20, lambda: demo.log(dead))
        assert await hears(browser), demo.log(dead)
        assert await in_thread(phone.bye) == 200
        phone.close()
        await browser.peer.close()
        return phone.call_id

    ended = asyncio.run(scenario())
    eventually(lambda: not node_of(demo, ended), 5, "the call has ended")
    assert sum(len(calls(demo, node)) for node in NODES) == 1, "the phone still talks"
