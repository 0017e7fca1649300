# SPDX-License-Identifier: Apache-2.0
"""Programs under test: started in a namespace, logged to a file, ended by their own pid."""

import ctypes
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def eventually(check, what, timeout=10.0, interval=0.1):
    """Waits until `check()` is true and returns its value."""
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(interval)


class Process:
    def __init__(self, name, namespace, argv, directory):
        self.name = name
        self.namespace = namespace
        self.log_path = directory / f"{name}.log"
        self.launch(argv)

    def launch(self, argv):
        """Starts it; once more with other arguments, after stop(). The log goes on."""
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(
                self.namespace.wrap([str(arg) for arg in argv]), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, preexec_fn=_die_with_parent)

    def running(self):
        return self.popen.poll() is None

    def stop(self):
        if self.running():
            self.popen.terminate()
            try:
                self.popen.wait(5)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        return self.popen.wait()

    def log(self, start=0):
        with open(self.log_path, "rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace")

    def log_size(self):
        return self.log_path.stat().st_size
