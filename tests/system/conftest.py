# SPDX-License-Identifier: Apache-2.0
import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from daemon import Daemon  # noqa: E402
from fleet_fixtures import fleet, fleet_net, fleet_redis_process, make_fleet, own_redis  # noqa: E402, F401
from rtp import Phone  # noqa: E402
from turn_fixtures import client, connect, peers, start_turn, turn, turn_cert, udp, way  # noqa: E402, F401
from xdp_fixtures import between, net, phone_in, start_xdp, turn_ends, xdp, xdp_is_there  # noqa: E402, F401

_calls = itertools.count()


@pytest.fixture(scope="module")
def relay():
    """One relay for the tests of a file; it must stop cleanly, without a sanitizer's finding."""
    daemon = Daemon()
    yield daemon
    daemon.stop()


@pytest.fixture
def start():
    """Starts relays with options of the test's own."""
    started = []

    def begin(*options, **keys):
        started.append(Daemon(*options, **keys))
        return started[-1]

    yield begin
    for daemon in started:
        daemon.stop()


@pytest.fixture
def ng(relay):
    return relay.ng


@pytest.fixture
def call(relay, request):
    """A fresh call-id; what is left of the call is deleted afterwards."""
    name = f"call-{next(_calls)}-{request.node.name}"
    yield name
    if relay.alive():
        relay.ng.request(command="delete", call_id=name, flags=["fast"])


@pytest.fixture
def phones():
    """Makes phones and closes them."""
    made = []

    def make(host="127.0.0.1"):
        made.append(Phone(host))
        return made[-1]

    yield make
    for phone in made:
        phone.close()
