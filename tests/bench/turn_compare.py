# SPDX-License-Identifier: Apache-2.0
"""TURN: mediaferry, the same with batch-wait, and Debian's coturn under the same loads, in the same run.

Loopback, one relay thread each. Clients have loopback addresses of their own (127.20.1.1, ...). A packet that goes
to the peer and back is relayed twice, and counted so.
"""
import pathlib
import subprocess
import tempfile
import time

import process

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORT = 22300
CLIENTS_PER_LOAD = 200000
COLUMNS = ("mediaferry", "batch-wait", "coturn")
OURS = ["--config-file=none", "--interface=127.0.0.1", "--listen-ng=127.0.0.1:22229",
        "--num-threads=1", "--webrtc-port=0", "--port-min=30000", "--port-max=30999", "--log-level=4",
        "--turn-listening-ip=127.0.0.1", f"--turn-listening-port={PORT}", "--turn-user=bench:bench",
        "--turn-realm=bench", "--turn-allow-loopback-peers", "--turn-stale-nonce=600", "--turn-min-port=40000",
        "--turn-max-port=59999"]
COTURN = ["/usr/bin/turnserver", "-n", "--listening-ip=127.0.0.1", f"--listening-port={PORT}", "--relay-ip=127.0.0.1",
          "--relay-threads=1", "--lt-cred-mech", "--user=bench:bench", "--realm=bench", "--allow-loopback-peers",
          "--no-cli", "--no-tls", "--no-dtls", "--stale-nonce=600", "--min-port=40000", "--max-port=59999",
          "--no-software-attribute", "--no-rfc5780", "--no-stun-backward-compatibility",
          "--response-origin-only-with-rfc5780", "--log-file=/dev/null", "--no-stdout-log"]
CODECS = ("message", "value", "write", "channel_data", "fingerprint", "integrity", "hmac")


def build_load(folder):
    load = f"{folder}/turn_load"
    sources = sorted((ROOT / "tests/bench/turn_load").glob("*.c"))
    sources += [ROOT / "src/stun" / f"{name}.c" for name in CODECS]
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O2", f"-I{ROOT}/include", f"-I{ROOT}/src", "-o", load,
                    *map(str, sources), "-lcrypto"], check=True)
    return load


class Server:
    """One server and the loads against it."""

    def __init__(self, load, process_):
        self.load, self.pid, self.first = load, process_.pid, 0

    def start(self, *arguments):
        """A load of clients that the server has not seen before."""
        self.first += CLIENTS_PER_LOAD
        return process.Load(self.load, str(PORT), str(self.first), *map(str, arguments))

    def wait_ready(self):
        """A few allocations, asked for until the server answers: what it makes once is made then."""
        probe = self.start("hold", 10).wait_ready().go_on()
        probe.result()
        probe.wait_ready().go_on().end()

    def cpu(self):
        return process.cpu_seconds(self.pid)

    def voice(self, count, seconds, per_second):
        """Voice of `count` clients: what the load tells, and the server's processor time per packet."""
        load = self.start("voice", count, seconds, per_second).wait_ready()
        started = self.cpu()
        told = load.go_on().result()
        used = self.cpu() - started
        load.end()
        told["us_per_packet"] = used / max(2 * told["received"], 1) * 1e6
        told["busy_percent"] = 100 * used / seconds
        told["lost_percent"] = 100 * (1 - told["received"] / max(told["sent"], 1))
        return told

    def steady(self, options):
        told = self.voice(options.allocations, options.turn_seconds, 50)
        return {"relay: us CPU per packet": told["us_per_packet"], "relay: lost %": told["lost_percent"],
                "relay: round trip p50 ms": told["p50_ms"], "relay: round trip p99 ms": told["p99_ms"]}

    def full_rate(self, options):
        told = self.voice(options.allocations, options.turn_seconds, 0)
        return {"full rate: packets/s": 2 * told["received"] / options.turn_seconds,
                "full rate: us CPU per packet": told["us_per_packet"],
                "full rate: server busy %": told["busy_percent"], "full rate: lost %": told["lost_percent"]}

    def allocations(self, options):
        load = self.start("churn", 256, options.turn_seconds).wait_ready()
        started = self.cpu()
        told = load.go_on().result()
        used = self.cpu() - started
        load.end()
        return {"allocations/s": told["per_s"], "us CPU per allocation": used / max(told["made"], 1) * 1e6,
                "requests sent again %": 100 * told["repeated"] / max(3 * told["made"], 1)}

    def memory(self, options):
        load = self.start("hold", options.idle).wait_ready()
        before = process.resident_kib(self.pid)
        load.go_on().result()
        load.wait_ready()
        time.sleep(1)
        held = process.resident_kib(self.pid) - before
        load.go_on().end()
        return {"KiB per idle allocation": held / options.idle}

    def spoofed(self, options, signed):
        load = self.start("spoof", options.spoofed, 40000, signed).wait_ready()
        before, started = process.resident_kib(self.pid), self.cpu()
        load.go_on().result()
        load.end()
        time.sleep(1)
        name = "spoofed, signed" if signed else "spoofed, bare"
        return {f"{name}: KiB grown": process.resident_kib(self.pid) - before,
                f"{name}: us CPU each": (self.cpu() - started) / options.spoofed * 1e6}

    def flooded(self, name, sources, options):
        """50 clients talk while somebody floods."""
        flood = None
        load = self.start("voice", 50, options.turn_seconds, 50).wait_ready()
        if sources > 0:
            flood = self.start("flood", sources, options.turn_seconds + 1)
            time.sleep(0.5)
        told = load.go_on().result()
        load.end()
        rows = {f"{name}: lost %": 100 * (1 - told["received"] / max(told["sent"], 1)),
                f"{name}: p50 ms": told["p50_ms"], f"{name}: p99 ms": told["p99_ms"]}
        if flood is not None:
            rows[f"{name}: flood packets/s"] = flood.result()["per_s"]
            flood.end()
        return rows

    def relaying(self, options):
        return {**self.steady(options), **self.full_rate(options)}

    def everything(self, options):
        memory = self.memory(options)  # of a new server: nothing that it kept of others is used again
        rows = {**self.relaying(options), **memory, **self.allocations(options)}
        rows.update(self.spoofed(options, 0))
        rows.update(self.spoofed(options, 1))
        rows.update(self.flooded("50 calls, quiet", 0, options))
        rows.update(self.flooded("401 flood, 1 source", 1, options))
        rows.update(self.flooded("401 flood, 50000 sources", 50000, options))
        return rows


def measure(folder, options):
    load = build_load(folder)
    results = {}
    with tempfile.TemporaryDirectory() as own:
        commands = {
            "mediaferry": [options.mediaferry, *OURS],
            "batch-wait": [options.mediaferry, *OURS, f"--batch-wait={options.batch_wait}"],
            "coturn": [*COTURN, f"--userdb={own}/db", f"--pidfile={own}/pid"],
        }
        for name, command in commands.items():
            with process.server(command) as running:
                one = Server(load, running)
                one.wait_ready()
                results[name] = one.relaying(options) if name == "batch-wait" else one.everything(options)
    return results
