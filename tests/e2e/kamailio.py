# SPDX-License-Identifier: Apache-2.0
"""Kamailio with the configuration that ships, config/kamailio/kamailio.cfg, unchanged.

Only its site.cfg, certificate and list of PBXes are the test's own.
"""

import shutil
import socket
from pathlib import Path

from . import backend
from .processes import Process, eventually

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "kamailio" / "kamailio.cfg"
DOMAIN = "sip.e2e.test"
ORIGIN = "https://phone.e2e.test"
RING_GROUP = "team"
WSS_PORT = 8443
SIP_PORT = 5060


def _definitions(directory, identity, listeners, inside, media_relay, media_per_branch):
    values = {
        "SIP_DOMAIN": DOMAIN,
        "TLS_CERTIFICATE": identity[0],
        "TLS_KEY": identity[1],
        "WEB_ORIGIN": ORIGIN,
        "MEDIA_RELAY": media_relay,
        "PBX_FAMILY": "IP4",
        "PBX_LIST": directory / "pbx.list",
        "RING_GROUP": RING_GROUP,
        "BACKEND_URL": f"http://{backend.ADDRESS[0]}:{backend.ADDRESS[1]}",
        "FROM_SECRET": "e2e",
    }
    lines = [f'listen = tls:{listener} name "wss{i}"' for i, listener in enumerate(listeners)]
    lines += [f'listen = udp:{inside}:{SIP_PORT} name "pbx"']
    lines += [f'#!substdef "!{key}!{value}!g"' for key, value in values.items()]
    lines += ["#!define MAX_REQUESTS 500", "#!define MAX_GUESSES 5"]
    lines += ["#!define MEDIA_PER_BRANCH"] if media_per_branch else []
    return "\n".join(lines) + "\n"


def _pbx_list(pbxes):
    lines = [f"{group} sip:{pbx}:{SIP_PORT} 0 {10 - rank} sockname=pbx"
             for group in (1, 2) for rank, pbx in enumerate(pbxes)]
    return "\n".join(lines) + "\n"


class Kamailio:
    """`listeners` are `address:port` (with `advertise ...`) for WSS, `inside` faces the PBXes,
    `identity` is the paths of its certificate and key, `media_relay` what its module rtpengine is
    told."""

    def __init__(self, namespace, directory, identity, listeners, inside, pbxes, media_relay):
        self.namespace = namespace
        self.directory = directory / "kamailio"
        self.directory.mkdir()
        self.identity = identity
        self.listeners = listeners
        self.inside = inside
        self.pbxes = pbxes
        self.media_relay = media_relay
        shutil.copy(SHIPPED, self.directory)
        self.start()

    def start(self, pbxes=None, media_per_branch=False):
        (self.directory / "pbx.list").write_text(_pbx_list(pbxes or self.pbxes))
        (self.directory / "site.cfg").write_text(
            _definitions(self.directory, self.identity, self.listeners, self.inside,
                         self.media_relay, media_per_branch))
        self.process = Process("kamailio", self.namespace, [
            "kamailio", "-DD", "-E", "-m", "64", "-M", "8", "-Y", self.directory,
            "-w", self.directory, "-f", self.directory / "kamailio.cfg"], self.directory)
        eventually(self._listens, lambda: f"Kamailio listens\n{self.process.log()}", timeout=15)

    def _listens(self):
        assert self.process.running(), f"Kamailio ended\n{self.process.log()}"
        host, _, port = self.listeners[0].split()[0].rpartition(":")
        with self.namespace.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            return probe.connect_ex((host, int(port))) == 0

    def restart(self, **options):
        """Starts anew with other options, or back to the usual ones; registrations are lost."""
        self.process.stop()
        self.start(**options)

    def stop(self):
        self.process.stop()
