# SPDX-License-Identifier: Apache-2.0
"""The program mediaferryctl, run as an operator runs it."""
import json
import pathlib
import re
import subprocess

from daemon import BINARY

CTL = str(pathlib.Path(BINARY).with_name("mediaferryctl"))


class Ctl:
    def __init__(self, socket, wrapper=()):
        """`wrapper`: the words of a command that runs it."""
        self.socket, self.wrapper = str(socket), wrapper

    def start(self, *words):
        return subprocess.Popen([*self.wrapper, CTL, f"--socket={self.socket}", *words], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def run(self, *words, timeout=30, **keys):
        """(exit status, standard output, standard error)."""
        done = subprocess.run([*self.wrapper, CTL, f"--socket={self.socket}", *words], capture_output=True, text=True,
                              timeout=timeout, check=False, **keys)
        for line in done.stdout.splitlines() + done.stderr.splitlines():
            assert line.isprintable(), f"{line!r} commands the terminal"
        return done.returncode, done.stdout, done.stderr

    def text(self, *words):
        status, out, err = self.run(*words)
        assert status == 0, err
        return out

    def json(self, *words):
        return json.loads(self.text("--json", *words))

    def calls(self):
        return {row["call_id"]: row for row in self.json("list")["calls"]}

    def findings(self, call_id):
        """What `show` says may be wrong."""
        return re.findall(r"^  - (.*)$", self.text("show", call_id).partition("what may be wrong\n")[2], re.M)
