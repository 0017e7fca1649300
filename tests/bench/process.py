# SPDX-License-Identifier: Apache-2.0
"""Processes that are measured, and the loads that measure them: each side on a processor of its own."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile

SERVER_CPU, LOAD_CPU = 0, 1


def pin(cpu):
    """For preexec_fn. A machine with one processor has no choice."""
    return lambda: os.sched_setaffinity(0, {cpu % os.cpu_count()})


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


@contextlib.contextmanager
def server(command):
    """Runs it on the server's processor; what it says is shown if it ends by itself."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=pin(SERVER_CPU))
        try:
            yield process
        except Exception:
            if process.poll() is not None:
                log.seek(0)
                print(log.read().decode(errors="replace"))
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Load:
    """A load on the load's processor, which says "ready" and then waits to be told to go on."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=pin(LOAD_CPU))

    def wait_ready(self):
        line = self.process.stdout.readline()
        if line != "ready\n":
            raise RuntimeError(f"the load says {line!r}")
        return self

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self

    def result(self):
        """The next line that it prints."""
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        if self.process.wait(60) != 0:
            raise RuntimeError("the load failed")
