# SPDX-License-Identifier: Apache-2.0
"""The TURN server inside the relay: what it is told, and what a web backend tells browsers."""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass

HOST = "turn.e2e.test"
REALM = "e2e.test"
SECRET = "shared with the web backend"
RELAYED = range(41000, 45000)


@dataclass(frozen=True)
class Way:
    """How a browser reaches the server: the only port it needs."""

    scheme: str
    transport: str
    port: int
    protocol: str  # what getStats() calls it

    def url(self, host=HOST):
        return f"{self.scheme}:{host}:{self.port}?transport={self.transport}"


WAYS = {
    "udp": Way("turn", "udp", 3478, "udp"),
    "tcp": Way("turn", "tcp", 3478, "tcp"),
    "tls": Way("turns", "tcp", 5349, "tls"),
}


def section(listening_ips, external_ips, identity, **options):
    """The section [turn] of the relay's configuration; `options` with `_` for `-`."""
    values = {
        "listening-ip": ";".join(listening_ips), "external-ip": ";".join(external_ips),
        "listening-port": WAYS["udp"].port, "tls-listening-port": WAYS["tls"].port,
        "cert": identity[0], "pkey": identity[1],
        "server-name": HOST, "realm": REALM, "static-auth-secret": SECRET,
        "min-port": RELAYED[0], "max-port": RELAYED[-1],
        **{name.replace("_", "-"): value for name, value in options.items()}}
    return "[turn]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())


def credentials(user, secret=SECRET, valid_s=600):
    """Time-limited ones, as the web backend of a site makes them."""
    username = f"{int(time.time()) + valid_s}:{user}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return {"username": username, "credential": base64.b64encode(digest).decode()}


def server(way, user="alice", host=HOST, secret=SECRET):
    """An entry of `iceServers`."""
    return {"urls": way.url(host), **credentials(user, secret)}


def only(way, **keys):
    """Options of a call that uses nothing but TURN, and only in that way."""
    return {"iceServers": [server(way, **keys)], "iceTransportPolicy": "relay"}
