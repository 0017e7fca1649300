# SPDX-License-Identifier: Apache-2.0
"""A PBX: baresip with plain G.711 RTP, a tone as voice, steered over its control socket."""

import json
import socket
import time

from .kamailio import RING_GROUP
from .processes import Process, eventually

# What calling each of these numbers does.
ANSWERS = "echo"
RINGS = "desk"

CONFIG = """\
poll_method epoll
sip_listen {address}:5060
module_path /usr/lib/baresip/modules
module g711.so
module ausine.so
module aubridge.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {address}:4444
audio_source ausine,{hz}
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
ausrc_srate 48000
ausrc_channels 2
ausrc_format s16
auplay_format s16
rtp_ports 10000-10998
statmode_default off
"""

ACCOUNT = "<sip:{user}@{address}>;regint=0;answermode={mode};audio_codecs=PCMU,PCMA\n"
MODES = {ANSWERS: "auto", RINGS: "manual", RING_GROUP: "manual"}


class Baresip(Process):
    def __init__(self, name, namespace, address, hz, directory):
        self.address = address
        self.hz = hz
        self.events = []
        home = directory / name
        home.mkdir()
        (home / "config").write_text(CONFIG.format(address=address, hz=hz))
        (home / "accounts").write_text("".join(
            ACCOUNT.format(user=user, address=address, mode=mode)
            for user, mode in MODES.items()))
        (home / "contacts").write_text("")
        super().__init__(name, namespace, ["baresip", "-f", home, "-v"], directory)
        self.control = eventually(lambda: self._connect(namespace),
                                  lambda: f"{name} listens\n{self.log()}")
        self.buffer = b""

    def _connect(self, namespace):
        assert self.running(), self.log()
        control = namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        if control.connect_ex((self.address, 4444)) == 0:
            return control
        control.close()
        return None

    def _read(self, timeout):
        """Takes in whatever netstrings have arrived; returns the responses among them."""
        self.control.settimeout(timeout)
        try:
            self.buffer += self.control.recv(65536)
        except TimeoutError:
            pass
        responses = []
        while b":" in self.buffer:
            length, _, rest = self.buffer.partition(b":")
            if len(rest) < int(length) + 1:
                break
            message = json.loads(rest[:int(length)])
            self.buffer = rest[int(length) + 1:]
            if "response" in message:
                responses.append(message)
            else:
                self.events.append({**message, "at": time.monotonic()})
        return responses

    def command(self, command, params=""):
        body = json.dumps({"command": command, "params": params, "token": command}).encode()
        self.control.sendall(b"%d:%s," % (len(body), body))
        return eventually(lambda: self._read(0.1), f"{self.name} answers {command}")

    def wait_for(self, event, since=0.0, timeout=10.0):
        """The first event of that type after `since`."""
        def found():
            self._read(0.05)
            return [e for e in self.events if e["type"] == event and e["at"] >= since]
        return eventually(found, lambda: f"{self.name}: {event}, but {self.events}", timeout)[0]

    def seen(self, event, since=0.0):
        self._read(0.05)
        return any(e["type"] == event and e["at"] >= since for e in self.events)

    def dial(self, target, account=ANSWERS):
        self.command("uafind", f"sip:{account}@{self.address}")
        self.command("dial", target)

    def accept(self):
        self.command("accept")

    def hangup(self):
        self.command("hangup")

    def hold(self):
        self.command("hold")

    def resume(self):
        self.command("resume")

    def stop(self):
        self.control.close()
        return super().stop()
