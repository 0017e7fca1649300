# SPDX-License-Identifier: Apache-2.0
"""The media relay under test, started in the edge's namespace.

mediaferry is the one that counts: build/mediaferry, or what MEDIAFERRY_BIN names. With
E2E_RELAY=rtpengine the same tests run against an installed rtpengine, for comparison.
"""

import os
import re
import signal
from pathlib import Path

from .admin import ADDRESS as ADMIN_ADDRESS, AdminClient
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
DROPPED = 'dropped_packets_total{reason="%s"}'
TURN_FAULTS = {"inside_full", "turn_malformed", "turn_fingerprint", "turn_no_channel",
               "turn_peer_port", "turn_bandwidth", "turn_client_slow", "turn_lookup", "turn_dtls"}

KIND = os.environ.get("E2E_RELAY", "mediaferry")


def _mediaferry(interfaces, config, threads):
    binary = os.environ.get("MEDIAFERRY_BIN", ROOT / "build" / "mediaferry")
    return [binary, f"--config-file={config}", *(f"--interface={i}" for i in interfaces),
            f"--listen-ng={NG_ADDRESS[0]}:{NG_ADDRESS[1]}",
            f"--listen-admin={ADMIN_ADDRESS[0]}:{ADMIN_ADDRESS[1]}",
            f"--port-min={PORTS[0]}", f"--port-max={PORTS[-1]}", f"--webrtc-port={WEBRTC_PORT}",
            f"--num-threads={threads}", "--delete-delay=0", "--log-level=7"]


def _rtpengine(interfaces, _config, threads):
    return ["rtpengine", "--config-file=none", "--foreground", "--log-stderr", "--table=-1",
            *(f"--interface={i}" for i in interfaces),
            f"--listen-ng={NG_ADDRESS[0]}:{NG_ADDRESS[1]}",
            f"--port-min={PORTS[0]}", f"--port-max={PORTS[-1]}",
            f"--num-threads={threads}", "--delete-delay=0", "--log-level=7"]


LAUNCHERS = {"mediaferry": _mediaferry, "rtpengine": _rtpengine}


class Relay(Process):
    """`config` is the text of its configuration file; most options are on its command line."""

    def __init__(self, namespace, interfaces, config, directory):
        self.interfaces = interfaces
        self.config = directory / "relay.conf"
        self.config.write_text(config)
        super().__init__("relay", namespace, self._argv(), directory)
        self.ng = NgClient(namespace, NG_ADDRESS)
        self.admin = AdminClient(namespace)
        self._wait()

    def _argv(self, threads=2):
        return LAUNCHERS[KIND](self.interfaces, self.config, threads)

    def _wait(self):
        eventually(self._ready, lambda: f"{KIND} answers ping\n{self.log()}", timeout=10)

    def _ready(self):
        assert self.running(), f"{KIND} ended\n{self.log()}"
        reply = self.ng.ask("ping", timeout=0.2)
        return reply is not None and reply["result"] == "pong"

    def restart(self, **options):
        """Starts anew with other options, or back to the usual ones."""
        super().stop()
        self.launch(self._argv(**options))
        self._wait()

    def reload(self, config):
        """Has it read another configuration file while it runs."""
        start = self.log_size()
        self.config.write_text(config)
        self.popen.send_signal(signal.SIGHUP)
        eventually(lambda: "event=reload result=ok" in self.log(start),
                   lambda: f"{KIND} reloads\n{self.log(start)}")

    def calls(self):
        return self.ng.ask("list", limit=1000)["calls"]

    def query(self, call_id):
        return self.ng.ask("query", **{"call-id": call_id})

    def open_ports(self, ports=PORTS):
        """UDP ports of the media range, or another, that are bound just now."""
        lines = self.namespace.run("ss", "-H", "-u", "-a", "-n").splitlines()
        bound = {int(line.split()[3].rpartition(":")[2]) for line in lines}
        return sorted(port for port in bound if port in ports)

    def allocations(self):
        """What TURN clients hold just now."""
        return self.admin.allocations() if KIND == "mediaferry" else []

    def metrics(self):
        return self.admin.metrics() if KIND == "mediaferry" else {}

    def faults(self, start, before):
        """Why packets were dropped that should not have been: since the place `start` in the log,
        and since the metrics were as `before`.

        rtpengine words its log differently and has no such metrics: always none.
        """
        logged = re.findall(r"event=packet-dropped .*?reason=(\w+)", self.log(start))
        now = self.metrics()
        counted = {reason for reason in TURN_FAULTS
                   if now and now[DROPPED % reason] > before[DROPPED % reason]}
        return sorted(FAULTS & set(logged) | counted)

    def stop(self):
        self.ng.close()
        return super().stop()
