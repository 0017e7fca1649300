# SPDX-License-Identifier: Apache-2.0
"""A Redis of the test's own."""
import subprocess
import tempfile
import time

from daemon import free_port


class Redis:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mediaferry-redis-")
        self.port = free_port()
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
             "--dir", self.folder.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while "PONG" not in self._cli("ping").stdout:
            assert time.monotonic() < deadline, "redis-server did not start"
            time.sleep(0.05)

    def _cli(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True, timeout=10)

    def __call__(self, *words):
        done = self._cli(*map(str, words))
        assert done.returncode == 0 and "ERR" not in done.stdout, done.stdout + done.stderr
        return done.stdout.strip()

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self):
        self.stop()
        self.folder.cleanup()
