# SPDX-License-Identifier: Apache-2.0
"""Measures mediaferry beside Debian's rtpengine (media) and coturn (turn), in turn under the same loads.

On loopback: the server runs on processor 0, the load on processor 1. Read the ratios, not the numbers: machines
differ and are noisy. make bench ARGS="turn --rounds=3" measures TURN three times and prints the medians.
"""
import argparse
import json
import pathlib
import statistics
import tempfile

import media_compare
import turn_compare

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = {"media": media_compare, "turn": turn_compare}


def median_of(rounds):
    """The same table with the median of each number."""
    return {column: {key: statistics.median(one[column][key] for one in rounds) for key in rows}
            for column, rows in rounds[0].items()}


def show(columns, results):
    ours = results[columns[0]]
    theirs = results[columns[-1]]
    width = max(map(len, ours)) + 2
    print(f"{'':{width}}" + "".join(f"{name:>12}" for name in columns) + f"{'ratio':>8}")
    for key in ours:
        numbers = "".join(f"{results[name][key]:12.2f}" if key in results[name] else f"{'':12}" for name in columns)
        ratio = f"{ours[key] / theirs[key]:8.2f}" if theirs[key] else f"{'-':>8}"
        print(f"{key:{width}}{numbers}{ratio}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help="media, turn; both if none is named")
    parser.add_argument("--mediaferry", default=str(ROOT / "build" / "mediaferry"), help="the program to measure")
    parser.add_argument("--rounds", type=int, default=1, help="medians of so many (default 1)")
    parser.add_argument("--calls", type=int, default=250, help="media: of 100 packets/s each way (250)")
    parser.add_argument("--seconds", type=int, default=10, help="media: how long (10)")
    parser.add_argument("--allocations", type=int, default=300, help="turn: that talk (300)")
    parser.add_argument("--turn-seconds", type=int, default=5, help="turn: how long each measurement takes (5)")
    parser.add_argument("--idle", type=int, default=4000, help="turn: allocations that are only held (4000)")
    parser.add_argument("--spoofed", type=int, default=100000, help="turn: forged sources (100000)")
    parser.add_argument("--batch-wait", type=int, default=500, help="turn: of the second column, us (500)")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")

    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.parts:
            part = PARTS[name]
            results[name] = median_of([part.measure(folder, options) for _ in range(options.rounds)])
            print(f"\n{part.__doc__}")
            show(part.COLUMNS, results[name])
    print("\n" + json.dumps(results))


if __name__ == "__main__":
    main()
