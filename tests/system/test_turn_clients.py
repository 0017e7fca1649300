# SPDX-License-Identifier: Apache-2.0
"""Debian's TURN clients (coturn's turnutils) against the server, each over all four transports.

A run takes some seconds, most of them asleep; so all are started at once and looked at one by one.
"""
import concurrent.futures
import re
import subprocess

import pytest

from daemon import free_port
from turn_server import ORACLE, TurnServer, ours_alone

WAYS = {"udp": [], "tcp": ["-t"], "dtls": ["-S"], "tls": ["-t", "-S"]}
# What is sent must come back, all of it.
VARIANTS = {
    "channels": "", "indications": "-s", "client-to-client": "-y", "client-to-client-indications": "-y -s",
    "tcp-relay": "-T", "ipv6": "-x", "ipv4": "-X -g", "dual": "-Z", "mobility": "-M",
    "padding": "-D", "extra-requests": "-G", "many": "-m 10 -n 20", "no-rtcp": "-c",
}
# Of two clients that belong together one connects to the other's relay from outside and hears what that one sends;
# nobody hears him. Over TLS the tool itself fails.
PASSIVE = "-P"
# Without permissions nothing may come back; wrong requests get errors; wrong bytes are survived.
OTHERS = {"no-permission": "-I -s", "negative": "-N", "broken": "-R", "broken-indications": "-R -s"}
SECRET = "north of the wall"
# The tools choose channel numbers as RFC 5766 had them.
OLD_CHANNELS = [] if ORACLE else ["rfc5766-channel-numbers"]
# The keys that uclient -J has built in; it takes any of them.
OAUTH_KEYS = ["oauth-key=north:A256GCM:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEK",
              "oauth-key=union:A128GCM:MTIzNDU2Nzg5MDEyMzQ1Ngo=",
              "oauth-key=oldempire:A256GCM:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIK"]


def totals(text):
    """(sent, received) bytes as the client counts them at its end."""
    found = re.findall(r"tot_send_bytes ~ (\d+), tot_recv_bytes ~ (\d+)", text)
    return tuple(map(int, found[-1])) if found else None


def uclient(server, peer_port, way, arguments, credentials, seconds=40):
    peer = "::1" if "-x" in arguments.split() else "127.0.0.1"
    port = server.tls_port if "-S" in WAYS[way] else server.port
    command = ["turnutils_uclient", *WAYS[way], *arguments.split(), *credentials, "-e", peer, "-r", str(peer_port),
               "-p", str(port), "127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    try:
        return process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        process.terminate()
        return process.communicate()[0]


@pytest.fixture(scope="module")
def server(turn_cert):
    one = TurnServer("mobility", *OLD_CHANNELS, f"static-auth-secret={SECRET}" if not ORACLE else "stale-nonce=600",
                     *([] if ORACLE else ["rfc5766-channel-numbers"]),
                     ips=("127.0.0.1", "::1"), cert=turn_cert,
                     **({} if ORACLE else {"daemon_options": ["--num-threads=2", "--log-level=5"]}))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def peer_port():
    """An echo peer on both families."""
    port = free_port()
    process = subprocess.Popen(["turnutils_peer", "-L", "127.0.0.1", "-L", "::1", "-p", str(port)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield port
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def oauth_server(turn_cert):
    if ORACLE:
        yield None
        return
    one = TurnServer("oauth", *OAUTH_KEYS, *OLD_CHANNELS, "server-name=turn.example.org", users=False, cert=turn_cert)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def runs(server, oauth_server, peer_port):
    """{(variant, way): future of the client's output}, all under way."""
    user = ["-u", "alice", "-w", "wonderland"]
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        started = {}

        def start(name, way, arguments, credentials=user, to=server, seconds=40):
            started[name, way] = pool.submit(uclient, to, peer_port, way, arguments, credentials, seconds)

        for way in ("udp", "tcp"):
            start("passive", way, PASSIVE)
        for way in WAYS:
            for name, arguments in OTHERS.items():
                start(name, way, arguments, seconds=8)
            for name, arguments in VARIANTS.items():
                start(name, way, arguments)
            if not ORACLE:
                start("secret", way, "", ["-u", "zoe", "-W", SECRET])
                start("token", way, "-c -n 2", ["-J", "-u", "whoever"], oauth_server)
        yield started


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_sent_comes_back(runs, variant, way):
    output = runs[variant, way].result()
    got = totals(output)
    assert got and got[0] > 0 and got[0] == got[1], f"{got}\n{output[-3000:]}"


@pytest.mark.parametrize("way", ["udp", "tcp"])
def test_peers_that_connect(runs, way):
    output = runs["passive", way].result()
    assert totals(output) == (1000, 500), output[-3000:]


@ours_alone
@pytest.mark.parametrize("way", WAYS)
def test_time_limited_credentials(runs, way):
    output = runs["secret", way].result()
    assert totals(output) == (1000, 1000), output[-3000:]


@pytest.mark.parametrize("way", WAYS)
def test_without_permissions_nothing_comes_back(runs, server, peer_port, way):
    output = runs["no-permission", way].result()
    if totals(output) == (0, 0):  # so many at once: it has spent its time connecting
        user = ["-u", "alice", "-w", "wonderland"]
        output = uclient(server, peer_port, way, OTHERS["no-permission"], user, seconds=20)
    got = totals(output)
    assert got and got[0] > 0 and got[1] == 0, f"{got}\n{output[-3000:]}"


@pytest.mark.parametrize("way", WAYS)
def test_wrong_requests_are_refused(runs, way):
    assert "error 400" in runs["negative", way].result()


@pytest.mark.parametrize("variant", ["broken", "broken-indications"])
@pytest.mark.parametrize("way", WAYS)
def test_broken_messages_are_survived(server, runs, connect, variant, way):
    runs[variant, way].result()
    assert server.alive()
    for _ in range(5):
        reply = connect(server, way).allocate()
        if reply.ok() or reply.code() != 437:  # the kernel has given us the port of one that left its allocation behind
            break
    assert reply.ok(), repr(reply)


@pytest.fixture(scope="module")
def two_addresses():
    one = TurnServer("rfc5780", ips=("127.0.0.1", "127.0.0.2"))
    yield one
    one.stop()


def test_stunclient_finds_the_other_address(two_addresses):
    done = subprocess.run(["turnutils_stunclient", "-f", "-p", str(two_addresses.port), "127.0.0.1"],
                          capture_output=True, text=True, timeout=20)
    output = done.stdout + done.stderr
    assert done.returncode == 0 and "RFC 5780 response" in output, output
    assert f"Other addr: : 127.0.0.2:{two_addresses.port + 1}" in output, output
    assert "127.0.0.1" in output


@pytest.mark.parametrize("padding", [[], ["-P"]])
def test_natdiscovery_finds_no_nat(two_addresses, padding):
    command = ["turnutils_natdiscovery", "-m", "-f", *padding, "-p", str(two_addresses.port), "-L", "127.0.0.1",
               "127.0.0.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "No NAT! (Endpoint Independent Mapping)" in output and "Endpoint Independent Filtering!" in output, output
    assert "Dependent" not in output.replace("Independent", ""), output


# RFC 7635


@ours_alone
@pytest.mark.parametrize("way", WAYS)
def test_tokens(runs, way):
    output = runs["token", way].result()
    assert totals(output) == (200, 200), output[-3000:]
