# SPDX-License-Identifier: Apache-2.0
"""Compares CPU per relayed packet of mediaferry and Debian's rtpengine, in turn on the same flows.

Plain RTP on loopback, one media thread each. Read the ratio, not the microseconds: machines differ
and are noisy. Options: --calls N (default 250, 100 packets/s each way and call), --seconds N (10).
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
from ng import NgClient  # noqa: E402

NG = ("127.0.0.1", 22229)
RELAYS = {
    "mediaferry": [str(ROOT / "build" / "mediaferry"), "--config-file=none", "--interface=127.0.0.1",
                   f"--listen-ng={NG[0]}:{NG[1]}", "--num-threads=1", "--turn-listening-port=0", "--webrtc-port=0",
                   "--port-min=30000", "--port-max=39999", "--log-level=4"],
    "rtpengine": ["/usr/bin/rtpengine", "--config-file=none", "--interface=127.0.0.1",
                  f"--listen-ng={NG[0]}:{NG[1]}", "--num-threads=1", "--table=-1", "--foreground",
                  "--log-stderr", "--port-min=30000", "--port-max=39999", "--log-level=4"],
}


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def sdp(port):
    return f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"


def media_port(text):
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("m="))


def wait_ready(ng):
    for _ in range(100):
        try:
            if ng.request(command="ping")["result"] == "pong":
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the relay does not answer")


def set_up_calls(ng, calls):
    """Offer and answer for each call; gives the flows of both phones."""
    flows = []
    for n in range(calls):
        a, b = 10000 + 4 * n, 10002 + 4 * n
        to_b = media_port(ng.offer(f"bench-{n}", sdp(a)))
        to_a = media_port(ng.answer(f"bench-{n}", sdp(b)))
        flows += [(a, to_a), (b, to_b)]
    return flows


def measure(command, load, calls, seconds):
    with tempfile.TemporaryFile() as log:
        relay = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            ng = NgClient(NG, timeout=1)
            wait_ready(ng)
            before, started = resident_kib(relay.pid), cpu_seconds(relay.pid)
            flows = set_up_calls(ng, calls)
            set_up = cpu_seconds(relay.pid) - started
            memory = resident_kib(relay.pid) - before
            time.sleep(4)  # rtpengine learns for 3 s
            started = cpu_seconds(relay.pid)
            told = subprocess.run([load, str(seconds)], input="".join(f"{a} {b}\n" for a, b in flows),
                                  capture_output=True, text=True, check=True)
            used = cpu_seconds(relay.pid) - started
            counts = json.loads(told.stdout)
            return {
                "us_per_packet": used / max(counts["received"], 1) * 1e6,
                "lost_percent": 100 * (1 - counts["received"] / max(counts["sent"], 1)),
                "packets_per_s": counts["sent"] / seconds,
                "setup_us": set_up / calls * 1e6,
                "kib_per_call": memory / calls,
            }
        finally:
            relay.send_signal(signal.SIGTERM)
            relay.wait(20)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=250)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        load = f"{folder}/rtp_load"
        subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-o", load,
                        str(ROOT / "tests/bench/rtp_load.c")], check=True)
        results = {name: measure(command, load, options.calls, options.seconds) for name, command in RELAYS.items()}
    print(f"{'':14}{'mediaferry':>12}{'rtpengine':>12}{'ratio':>8}")
    for key in next(iter(results.values())):
        ours, theirs = results["mediaferry"][key], results["rtpengine"][key]
        ratio = f"{ours / theirs:8.2f}" if theirs else f"{'-':>8}"
        print(f"{key:14}{ours:12.2f}{theirs:12.2f}{ratio}")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
