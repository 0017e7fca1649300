# SPDX-License-Identifier: Apache-2.0
"""CPU per relayed packet of calls: mediaferry and Debian's rtpengine on the same flows.

Plain RTP on loopback, one media thread each: N calls of 100 packets/s each way.
"""
import json
import pathlib
import subprocess
import sys
import time

import process

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
from ng import NgClient  # noqa: E402

NG = ("127.0.0.1", 22229)
COLUMNS = ("mediaferry", "rtpengine")
BOTH = ["--config-file=none", "--interface=127.0.0.1", f"--listen-ng={NG[0]}:{NG[1]}", "--num-threads=1",
        "--port-min=30000", "--port-max=39999", "--log-level=4"]
OURS = [*BOTH, "--turn-listening-port=0", "--webrtc-port=0"]
RTPENGINE = ["/usr/bin/rtpengine", *BOTH, "--table=-1", "--foreground", "--log-stderr"]


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


def measure_relay(command, load, calls, seconds):
    with process.server(command) as relay:
        ng = NgClient(NG, timeout=1)
        wait_ready(ng)
        before, started = process.resident_kib(relay.pid), process.cpu_seconds(relay.pid)
        flows = set_up_calls(ng, calls)
        set_up = process.cpu_seconds(relay.pid) - started
        memory = process.resident_kib(relay.pid) - before
        time.sleep(4)  # rtpengine learns for 3 s
        started = process.cpu_seconds(relay.pid)
        told = subprocess.run([load, str(seconds)], input="".join(f"{a} {b}\n" for a, b in flows),
                              capture_output=True, text=True, check=True,
                              preexec_fn=process.pin(process.LOAD_CPU))
        used = process.cpu_seconds(relay.pid) - started
        counts = json.loads(told.stdout)
        return {
            "us_per_packet": used / max(counts["received"], 1) * 1e6,
            "lost_percent": 100 * (1 - counts["received"] / max(counts["sent"], 1)),
            "packets_per_s": counts["sent"] / seconds,
            "setup_us": set_up / calls * 1e6,
            "kib_per_call": memory / calls,
        }


def measure(folder, options):
    load = f"{folder}/rtp_load"
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-o", load,
                    str(ROOT / "tests/bench/rtp_load.c")], check=True)
    commands = {"mediaferry": [options.mediaferry, *OURS], "rtpengine": RTPENGINE}
    return {name: measure_relay(command, load, options.calls, options.seconds)
            for name, command in commands.items()}
