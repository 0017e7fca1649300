# SPDX-License-Identifier: Apache-2.0
"""Tables of what was measured, and the bars that it is held to. Pure: results in, text out."""
import dataclasses

from .measure import LOST_PERCENT_MAX

OURS, XDP = "mediaferry", "mediaferry xdp"
PEERS = ("rtpengine", "coturn")
PACKETS_PER_CALL = 100  # of G.711 each second: 20 ms of sound, two directions

TITLES = {
    "plain": "plain RTP",
    "srtp-in": "SRTP in, RTP out",
    "srtp-out": "RTP in, SRTP out",
    "webrtc": "WebRTC to PBX and back",
    "video": "plain RTP, 20 streams of 1,200 bytes at half the rate",
    "channel-to-peer": "TURN channel, client to peer",
    "channel-to-client": "TURN channel, peer to client",
    "indication-to-peer": "TURN indications, client to peer",
    "indication-to-client": "TURN indications, peer to client",
    "plain-highest": "plain RTP, highest rate",
    "srtp-highest": "SRTP on one side, both ways, highest rate",
    "channel-highest": "TURN channel, both ways, highest rate",
    "plain-saturated": "plain RTP, saturated",
    "plain-beyond": "plain RTP, 1.5 times the peer's highest rate",
    "srtp-beyond": "SRTP, 1.5 times the peer's highest rate",
    "channel-beyond": "TURN channel, 1.5 times the peer's highest rate",
    "storm-quiet": "plain RTP, before the storm",
    "storm": "plain RTP during 200 DTLS handshakes/s",
    "workers-1": "plain RTP, one worker, 0.8 times the rate",
    "workers-2": "plain RTP, two workers, 1.6 times the rate",
    "calls-plain": "plain call",
    "calls-sdes": "call with SDES on one side",
    "calls-webrtc": "call of a browser",
    "allocations": "TURN allocation",
    "allocations-channel": "TURN allocation with a channel",
    "churn": "TURN allocation",
    "spoofed-bare": "forged requests",
    "spoofed-signed": "forged requests, signed",
    "fleet-plain-alone": "plain call, not shared",
    "fleet-plain": "plain call, in Redis",
    "fleet-webrtc-alone": "call of a browser, not shared",
    "fleet-webrtc": "call of a browser, in Redis",
    "fleet-takeover": "calls whose node was killed",
    "fleet-steady-alone": "silent calls, not shared",
    "fleet-steady": "silent calls, in Redis",
    "flood-none": "50 TURN clients talk",
    "flood-1": "the same, flooded by one source",
    "flood-50000": "the same, flooded by 50,000 sources",
}


def title(row):
    if row.startswith("streams-"):
        words = row.split("-")
        return f"plain RTP, {int(words[1]):,} streams" + (", 50/s each" if len(words) > 2 else "")
    return TITLES[row]


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows are those that have its first metric. Several metrics share a cell."""
    title: str
    metrics: tuple
    form: str = "{:.2f}"
    compared: str = ""      # the metric that makes the ratio; empty: the first
    has_ratio: bool = True
    skip: tuple = ()        # rows whose names end so


_AT_THE_LIMIT = ("-highest", "-saturated", "-beyond")
TABLES = (
    Table("Processor time of a packet, us", ("us_per_packet",)),
    Table("Delay of a packet, us: p50 / p99 / p99.9", ("p50_us", "p99_us", "p999_us"), "{:.0f}", "p99_us",
          skip=_AT_THE_LIMIT),
    Table("Lost, %", ("lost_percent",), "{:.3f}", has_ratio=False, skip=("-highest", "-saturated")),
    Table("DTLS handshakes of the storm: done / failed", ("handshakes_done", "handshakes_failed"), "{:.0f}",
          has_ratio=False),
    Table("Highest rate without loss, packets/s", ("highest",), "{:,.0f}"),
    Table("G.711 calls of a core", ("calls_per_core",), "{:,.0f}"),
    Table("Processor time of a set-up, us", ("setup_us",), "{:.0f}"),
    Table("Processor time of ICE and a DTLS handshake, us", ("handshake_cpu_us",), "{:.0f}"),
    Table("Set-ups of a core, per second", ("per_s",), "{:,.0f}"),
    Table("Allocations made and given back, per second", ("churn_per_s",), "{:,.0f}"),
    Table("Processor time of an allocation made and given back, us", ("churn_us",), "{:.0f}"),
    Table("Processor time that sharing adds to a call, us", ("sharing_us",), "{:.0f}"),
    Table("Processor time of a hang-up, us", ("delete_us",), "{:.0f}"),
    Table("Time to the reply to an offer, us: p50 / p99", ("offer_p50_us", "offer_p99_us"), "{:.0f}"),
    Table("Time to the reply to an answer, us: p50 / p99", ("answer_p50_us", "answer_p99_us"), "{:.0f}"),
    Table("Asked of Redis for a set-up: commands / bytes", ("redis_commands", "redis_bytes"), "{:,.0f}",
          "redis_bytes"),
    Table("Processor time of Redis for a set-up, us", ("redis_us",), "{:.0f}"),
    Table("Takeover: calls / ms from the first to the last", ("taken", "takeover_ms"), "{:,.0f}"),
    Table("Gap that phones hear in a takeover, ms: p50 / longest / longest after the end of the lease",
          ("gap_p50_ms", "gap_max_ms", "gap_beyond_ms"), "{:,.0f}"),
    Table("Processor time of 1,000 silent calls, % of a core", ("idle_percent",)),
    Table("Asked of Redis by 1,000 silent calls: commands/s / KB/s", ("redis_commands_per_s", "redis_kb_per_s"),
          "{:.1f}", has_ratio=False),
    Table("Processor time of Redis for 1,000 silent calls, % of a core", ("redis_percent",), has_ratio=False),
    Table("Memory of each, KiB (RSS)", ("rss_kib",), "{:.1f}"),
    Table("Processor time of a forged request, us", ("forged_us",)),
    Table("Memory grown by forged requests, KiB", ("grown_kib",), "{:.0f}"),
)


@dataclasses.dataclass(frozen=True)
class Bar:
    """`metric` of our `row`, as it is or divided by that of `other` server (and of `other_row`), is at most this."""
    title: str
    row: str
    metric: str
    at_most: float
    other: str = ""
    other_row: str = ""


@dataclasses.dataclass(frozen=True)
class Verdict:
    title: str
    server: str
    value: float
    at_most: float
    is_met: bool


def _bars_of_packets():
    for row, peer, at_most in (("plain", "rtpengine", 0.50), ("srtp-in", "rtpengine", 0.45),
                               ("srtp-out", "rtpengine", 0.45), ("channel-to-peer", "coturn", 0.65),
                               ("channel-to-client", "coturn", 0.65), ("plain", "bare loop", 0.90),
                               ("plain-saturated", "bare loop", 1.10)):
        yield Bar(f"{TITLES[row]}: processor time of a packet / {peer}", row, "us_per_packet", at_most, peer)


def _bars_of_delay():
    for row, peer in (("plain", "rtpengine"), ("srtp-in", "rtpengine"), ("srtp-out", "rtpengine"),
                      ("webrtc", "rtpengine"), ("channel-to-peer", "coturn"), ("channel-to-client", "coturn"),
                      ("indication-to-peer", "coturn"), ("indication-to-client", "coturn")):
        yield Bar(f"{TITLES[row]}: delay p99 / {peer}", row, "p99_us", 1.0, peer)
        yield Bar(f"{TITLES[row]}: delay p99, us", row, "p99_us", 1000)


BARS = (
    *_bars_of_packets(),
    *_bars_of_delay(),
    *(Bar(f"{TITLES[row]}: lost, %", row, "lost_percent", LOST_PERCENT_MAX)
      for row in ("plain-beyond", "srtp-beyond", "channel-beyond")),
    Bar("8,000 streams / 300: processor time of a packet", "streams-8000", "us_per_packet", 1.3, OURS, "streams-300"),
    Bar(f"{TITLES['storm']}: delay p99, us", "storm", "p99_us", 1000),
    Bar("memory of a plain call, KiB", "calls-plain", "rss_kib", 6),
    Bar("memory of a call of a browser, KiB", "calls-webrtc", "rss_kib", 16),
    Bar("calls whose node was killed: ms from the first to the last", "fleet-takeover", "takeover_ms", 2000),
    Bar("calls whose node was killed: longest gap after the end of the lease, ms", "fleet-takeover", "gap_beyond_ms",
        1000),
    Bar("memory of an idle TURN allocation, KiB", "allocations", "rss_kib", 4),
)


def _used_by_call(metrics):
    """Processor time from its set-up to its end."""
    return sum(metrics.get(name, 0) for name in ("setup_us", "handshake_cpu_us", "delete_us"))


def complete(results):
    """With what follows from the rest."""
    for row, servers in results.items():
        for name, metrics in servers.items():
            if "highest" in metrics:
                metrics["calls_per_core"] = metrics["highest"] / PACKETS_PER_CALL
            alone = results.get(f"{row}-alone", {}).get(name, {})
            if "setup_us" in metrics and "setup_us" in alone:
                metrics["sharing_us"] = _used_by_call(metrics) - _used_by_call(alone)
    return results


def _measured(bar, server, results):
    """What the bar is compared with, or None."""
    value = results.get(bar.row, {}).get(server, {}).get(bar.metric)
    if value is None or not bar.other:
        return value
    peer = server if bar.other == OURS else bar.other
    other = results.get(bar.other_row or bar.row, {}).get(peer, {}).get(bar.metric)
    return value / other if other else None


def verdicts(results):
    """Of each bar whose figures are there, by sockets and by XDP."""
    found = []
    for bar in BARS:
        for server in (OURS, XDP):
            value = _measured(bar, server, results)
            if value is not None:
                found.append(Verdict(bar.title, server, value, bar.at_most, value <= bar.at_most))
    return found


def columns(results):
    """The servers that were measured: ours, its variants, the peers, the bare loop."""
    found = dict.fromkeys(name for servers in results.values() for name in servers)
    last = [name for name in (*PEERS, "bare loop") if name in found]
    first = [name for name in (OURS, XDP) if name in found]
    return first + [name for name in found if name not in (*first, *last)] + last


def _rows(table, results):
    for row, servers in results.items():
        if not row.endswith(table.skip) and any(table.metrics[0] in metrics for metrics in servers.values()):
            yield row, servers


def cell(figures, metric, form):
    """One figure as text."""
    mark = ">= " if figures.get("at_least") and metric in ("highest", "calls_per_core") else ""
    return mark + form.format(figures[metric])


def _cell(table, figures):
    if table.metrics[0] not in figures:
        return ""
    return " / ".join(cell(figures, metric, table.form) for metric in table.metrics)


_RATIOS = {"ratio": OURS, "ratio xdp": XDP}


def _ratio(servers, table, name):
    """Ours, of that name, to the peer's, as text."""
    if not table.has_ratio:
        return ""
    metric = table.compared or table.metrics[0]
    ours = servers.get(name, {}).get(metric)
    theirs = next((servers[name][metric] for name in PEERS if metric in servers.get(name, {})), None)
    return f"{ours / theirs:.2f}" if ours is not None and theirs else ""


def tables(results):
    """(title, heading, rows of cells) of each table that has anything to show."""
    names = columns(results)
    for table in TABLES:
        rows = [[title(row), *(_cell(table, servers.get(name, {})) for name in names),
                 *(_ratio(servers, table, name) for name in _RATIOS.values())]
                for row, servers in _rows(table, results)]
        heading = ["", *names, *_RATIOS]
        used = [i for i in range(len(heading)) if i == 0 or any(row[i] for row in rows)]
        if rows:
            yield table.title, [heading[i] for i in used], [[row[i] for i in used] for row in rows]


def bars(results):
    """(heading, rows of cells); no rows when nothing was measured that has a bar."""
    by_title = {}
    for v in verdicts(results):
        by_title.setdefault(v.title, {"at most": f"{v.at_most:g}"})[v.server] = (
            f"{v.value:.2f} {'met' if v.is_met else 'NOT MET'}")
    names = [name for name in (OURS, XDP) if any(name in row for row in by_title.values())]
    heading = ["", "at most", *names]
    return heading, [[name, *(row.get(column, "") for column in heading[1:])] for name, row in by_title.items()]


def _lines_of_text(heading, rows):
    widths = [max(len(row[i]) for row in (heading, *rows)) for i in range(len(heading))]
    for row in (heading, *rows):
        yield "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()


def as_text(results):
    parts = [[name, *_lines_of_text(heading, rows)] for name, heading, rows in tables(results)]
    heading, rows = bars(results)
    if rows:
        parts.append(["Bars", *_lines_of_text(heading, rows)])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _lines_of_markdown(heading, rows):
    yield "| " + " | ".join(heading) + " |"
    yield "|---|" + "---:|" * (len(heading) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def as_markdown(made):
    """The section of a page: what was measured when and where, and the tables."""
    results = made["results"]
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items() if version)
    settings = made["settings"]
    rounds = f"; medians of {made['rounds']} rounds" if made["rounds"] > 1 else ""
    lines = [f"{made['date']}, {made['machine']}: {versions}.", f"{settings['rate']:,} packets/s in all from "
             f"{settings['streams']} streams of 20 ms of G.711 unless it says otherwise,", "one worker on one core"
             f"{rounds}.", ""]
    for name, heading, rows in tables(results):
        lines += [f"**{name}**", "", *_lines_of_markdown(heading, rows), ""]
    heading, rows = bars(results)
    if rows:
        lines += ["**Bars**", "", *_lines_of_markdown(heading, rows), ""]
    lines += [line for server, why in made.get("left_out", {}).items()
              for line in (f"Not measured: {server} ({why.splitlines()[0]}).", "")]
    for where, server, why in made["failures"]:
        lines += [f"Not measured: {where} of {server} ({why.splitlines()[0]}).", ""]
    return "\n".join(lines)


BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def put_into_page(page, section):
    """The page with what stands between its marks replaced."""
    before, mark, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"the page lacks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{section.strip()}\n{END}{after}"
