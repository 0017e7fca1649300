# SPDX-License-Identifier: Apache-2.0
"""The media relay under test, started in the edge's namespace.

mediaferry is the one that counts: build/mediaferry, or what MEDIAFERRY_BIN names. With
E2E_RELAY=rtpengine the same tests run against an installed rtpengine, for comparison.
"""

import os
import re
from pathlib import Path

from .ng import NgClient
from .processes import Process, eventually

ROOT = Path(__file__).resolve().parents[2]
NG_ADDRESS = ("127.0.0.1", 2223)
PORTS = range(30000, 40000)
WEBRTC_PORT = 40000

# Reasons to drop a packet that no sound call gives.
FAULTS = {"truncated", "no_memory", "send_failed", "unknown_protocol", "srtp_auth", "srtp_replay",
          "srtp_failed", "rtp_malformed", "rtcp_malformed", "wrong_port", "no_stream",
          "source_refused"}

KIND = os.environ.get("E2E_RELAY", "mediaferry")


def _mediaferry(interfaces):
    binary = os.environ.get("MEDIAFERRY_BIN", ROOT / "build" / "mediaferry")
    return [binary, "--config-file=none", *(f"--interface={i}" for i in interfaces),
            f"--listen-ng={NG_ADDRESS[0]}:{NG_ADDRESS[1]}",
            f"--port-min={PORTS[0]}", f"--port-max={PORTS[-1]}", f"--webrtc-port={WEBRTC_PORT}",
            "--num-threads=2", "--delete-delay=0", "--log-level=7"]


def _rtpengine(interfaces):
    return ["rtpengine", "--config-file=none", "--foreground", "--log-stderr", "--table=-1",
            *(f"--interface={i}" for i in interfaces),
            f"--listen-ng={NG_ADDRESS[0]}:{NG_ADDRESS[1]}",
            f"--port-min={PORTS[0]}", f"--port-max={PORTS[-1]}",
            "--num-threads=2", "--delete-delay=0", "--log-level=7"]


LAUNCHERS = {"mediaferry": _mediaferry, "rtpengine": _rtpengine}


class Relay(Process):
    def __init__(self, namespace, interfaces, directory):
        super().__init__("relay", namespace, LAUNCHERS[KIND](interfaces), directory)
        self.namespace = namespace
        self.ng = NgClient(namespace, NG_ADDRESS)
        eventually(self._ready, lambda: f"{KIND} answers ping\n{self.log()}", timeout=10)

    def _ready(self):
        assert self.running(), f"{KIND} ended\n{self.log()}"
        reply = self.ng.ask("ping", timeout=0.2)
        return reply is not None and reply["result"] == "pong"

    def calls(self):
        return self.ng.ask("list", limit=1000)["calls"]

    def query(self, call_id):
        return self.ng.ask("query", **{"call-id": call_id})

    def open_ports(self):
        """UDP ports of the media range that are bound just now."""
        lines = self.namespace.run("ss", "-H", "-u", "-a", "-n").splitlines()
        ports = {int(line.split()[3].rpartition(":")[2]) for line in lines}
        return sorted(port for port in ports if port in PORTS)

    def faults(self, start):
        """The packets dropped for a reason that means a fault, as the log since `start` has them.

        rtpengine words its log differently: always none.
        """
        reasons = re.findall(r"event=packet-dropped .*?reason=(\w+)", self.log(start))
        return sorted(FAULTS & set(reasons))

    def stop(self):
        self.ng.close()
        return super().stop()
