# SPDX-License-Identifier: Apache-2.0
"""Browser phones: Chromium in a namespace, a page with JsSIP in it (see browser/)."""

import json
import queue
import subprocess
import threading
from pathlib import Path

from . import backend, kamailio, tones, turn

BROWSER_FOLDER = Path(__file__).resolve().parent / "browser"
# `ip netns exec` gives a view of the files of its own, so nothing else sees the mount.
WRAPPER = """\
#!/bin/sh
exec ip netns exec {namespace} sh -c '
    mount --bind {policy} /etc/chromium &&
    exec /usr/bin/chromium "$@"' chromium "$@"
"""


class Driver:
    """The node process that holds the browsers; one request at a time."""

    def __init__(self, directory):
        self.log_path = directory / "driver.log"
        self.log = open(self.log_path, "ab")
        self.popen = subprocess.Popen(
            ["node", "driver.js"], cwd=BROWSER_FOLDER, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.replies = queue.Queue()
        self.count = 0
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self):
        for line in self.popen.stdout:
            self.replies.put(json.loads(line))
        self.replies.put(None)

    def ask(self, verb, timeout=30, **arguments):
        self.count += 1
        request = {"id": self.count, "verb": verb, **arguments}
        self.popen.stdin.write(json.dumps(request) + "\n")
        self.popen.stdin.flush()
        while True:
            reply = self.replies.get(timeout=timeout)
            if reply is None:
                raise RuntimeError(f"driver ended: {self.log_path.read_text()}")
            if reply["id"] != self.count:
                continue
            if "error" in reply:
                raise RuntimeError(f"{verb} {arguments}: {reply['error']}")
            return reply["result"]

    def stop(self):
        """The driver closes its browsers when its input ends."""
        self.popen.stdin.close()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.log.close()


class Browser:
    """A Chromium in `namespace` whose microphone plays `hz`; opens phones.

    `policy` is what it sees in the place of /etc/chromium; the only name it can look up is that of
    the TURN server, which is at the address `turn_server`, and else it knows the one of `server`.
    """

    def __init__(self, driver, name, namespace, hz, directory, policy, server, turn_server):
        self.driver = driver
        self.name = name
        self.hz = hz
        voice = directory / f"{name}.wav"
        tones.write_wav(voice, hz)
        wrapper = directory / f"{name}-chromium"
        wrapper.write_text(WRAPPER.format(namespace=namespace.name, policy=policy))
        wrapper.chmod(0o755)
        # TURN over UDP is looked up with a dot at the end.
        known = ",".join(f"EXCLUDE {one.strip('[]')}" for one in (server, turn_server))
        names = f"MAP {turn.HOST}* {turn_server},{known},MAP * ~NOTFOUND"
        driver.ask("launch", browser=name, executable=str(wrapper), voice=str(voice), names=names,
                   profile=str(directory / f"{name}-profile"))

    def open(self, user, server, password=backend.PASSWORD):
        return Phone(self, user, server, password)

    def stop(self):
        self.driver.ask("quit", browser=self.name)


class Phone:
    """A registered phone of `user`; `server` is host:port of the WebSocket."""

    def __init__(self, browser, user, server, password):
        self.driver = browser.driver
        self.hz = browser.hz
        self.user = user
        self.page = f"{browser.name}-{user}"
        self.driver.ask("open", browser=browser.name, page=self.page, origin=kamailio.ORIGIN)
        try:
            self._do("start", url=f"wss://{server}", uri=f"sip:{user}@{kamailio.DOMAIN}",
                     password=password)
        except RuntimeError:
            self.driver.ask("close", page=self.page)
            raise

    def _do(self, method, **argument):
        return self.driver.ask("phone", page=self.page, method=method, argument=argument)

    def call(self, target, **options):
        return self._do("call", target=f"sip:{target}@{kamailio.DOMAIN}", **options)

    def answer(self, **options):
        return self._do("answer", **options)

    def gather(self, **options):
        """The ICE candidates and errors of a connection with these options."""
        return self._do("gather", **options)

    def hangup(self, **options):
        return self._do("hangup", **options)

    def hold(self):
        return self._do("hold")

    def unhold(self):
        return self._do("unhold")

    def send_digits(self, digits):
        return self._do("sendDigits", digits=digits)

    def restart_ice(self):
        return self._do("restartIce")

    def stats(self):
        return self._do("stats")

    def hear(self):
        return self._do("hear")

    def history(self):
        return self._do("history")

    def saw(self, event):
        """The details of an event of the current call, or None."""
        found = [e["detail"] for e in self.history()["events"] if e["name"] == event]
        return found[-1] if found else None

    def console(self):
        return self.driver.ask("console", page=self.page)

    def close(self):
        self._do("stop")
        self.driver.ask("close", page=self.page)
