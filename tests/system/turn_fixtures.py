# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the TURN tests; conftest.py takes them in."""
import pytest

from turn import Peer, TurnClient
from turn_server import TurnServer, certificate
from turn_transport import TRANSPORTS

WAYS = list(TRANSPORTS)


@pytest.fixture(scope="session")
def turn_cert(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("turn-certificate"))


@pytest.fixture(scope="module")
def turn(turn_cert):
    """One server for the tests of a file: four transports, two families."""
    server = TurnServer(ips=("127.0.0.1", "::1"), cert=turn_cert)
    yield server
    server.stop()


@pytest.fixture
def start_turn():
    """Starts servers with options of the test's own."""
    started = []

    def begin(*options, **keys):
        started.append(TurnServer(*options, **keys))
        return started[-1]

    yield begin
    for server in started:
        server.stop()


@pytest.fixture
def connect():
    """Makes clients of a server and closes them."""
    made = []

    def make(server, way="udp", credentials=None, ip=None, source=None, **keys):
        transport = TRANSPORTS[way](server.address(way, ip), source=source, **keys)
        made.append(TurnClient(transport, credentials))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def client(turn, connect, way):
    """A client over each of the transports."""
    return connect(turn, way)


@pytest.fixture
def udp(turn, connect):
    return connect(turn)


@pytest.fixture
def peers():
    """Makes UDP peers and closes them."""
    made = []

    def make(host="127.0.0.1"):
        made.append(Peer(host))
        return made[-1]

    yield make
    for peer in made:
        peer.close()
