# SPDX-License-Identifier: Apache-2.0
"""The chart of a run: bars side by side, as SVG. Pure: results in, text out."""
import dataclasses
from xml.sax.saxutils import escape

from . import report

WIDTH, LABEL, VALUE = 860, 280, 70  # of all, of the names on the left, of the numbers on the right
BAR, GAP, SPACE = 13, 2, 10         # of a bar, between bars, between groups
TITLE, MARGIN = 44, 20
COLORS = {"mediaferry": "#1f6feb", "mediaferry xdp": "#54aeff", "rtpengine": "#c2410c", "coturn": "#8250df",
          "bare loop": "#8b949e"}
VARIANTS = ("#0e7490", "#15803d", "#be185d", "#a16207")
TEXT, FAINT = "#1f2328", "#59636e"


@dataclasses.dataclass(frozen=True)
class Panel:
    title: str
    metric: str
    form: str
    rows: tuple


PANELS = (
    Panel("Processor time of a packet, microseconds (less is better)", "us_per_packet", "{:.1f}",
          ("plain", "srtp-in", "srtp-out", "webrtc", "channel-to-peer", "channel-to-client")),
    Panel("Calls of G.711 that one core carries without loss (more is better)", "calls_per_core", "{:,.0f}",
          ("plain-highest", "srtp-highest", "channel-highest")),
    Panel("Delay of a packet, p99, microseconds (less is better)", "p99_us", "{:,.0f}",
          ("plain", "srtp-in", "srtp-out", "channel-to-peer", "channel-to-client", "storm")),
    Panel("Memory of a call or an allocation, KiB (less is better)", "rss_kib", "{:.1f}",
          ("calls-plain", "calls-webrtc", "allocations")),
)


def _text(x, y, words, size=12, color=TEXT, anchor="start", weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{color}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{escape(words)}</text>')


def _colors(names):
    others = iter(VARIANTS * len(names))
    return {name: COLORS.get(name) or next(others) for name in names}


def _groups(panel, results):
    """(title of the row, [(server, value, its text)]) of what was measured."""
    names = report.columns(results)
    for row in panel.rows:
        found = [(name, results.get(row, {}).get(name, {})) for name in names]
        values = [(name, figures[panel.metric], report.cell(figures, panel.metric, panel.form))
                  for name, figures in found if panel.metric in figures]
        if values:
            yield report.title(row).removesuffix(", highest rate"), values


def _panel(panel, results, colors, top):
    """The elements of a panel that begins at `top`, and where it ends."""
    groups = list(_groups(panel, results))
    if not groups:
        return [], top
    largest = max(value for _, values in groups for _, value, _ in values) or 1
    parts = [_text(MARGIN, top + 24, panel.title, size=14, weight="bold")]
    y = top + TITLE
    for name, values in groups:
        height = len(values) * (BAR + GAP)
        parts.append(_text(LABEL - 10, y + height / 2 + 3, name, anchor="end", color=FAINT))
        for server, value, text in values:
            length = max((WIDTH - LABEL - VALUE - MARGIN) * value / largest, 1)
            parts.append(f'<rect x="{LABEL}" y="{y:.0f}" width="{length:.1f}" height="{BAR}" rx="2" '
                         f'fill="{colors[server]}"><title>{escape(server)}</title></rect>')
            parts.append(_text(LABEL + length + 6, y + BAR - 2, text, size=11))
            y += BAR + GAP
        y += SPACE
    return parts, y


def _legend(colors, top):
    parts, x = [], MARGIN
    for name, color in colors.items():
        parts.append(f'<rect x="{x}" y="{top}" width="12" height="12" rx="2" fill="{color}"/>')
        parts.append(_text(x + 18, top + 10, name))
        x += 18 + 8 * len(name) + 22
    return parts


def as_svg(made):
    results = made["results"]
    colors = _colors(report.columns(results))
    parts, y = [*_legend(colors, MARGIN)], MARGIN + 20
    for panel in PANELS:
        more, y = _panel(panel, results, colors, y)
        parts += more
    parts.append(_text(MARGIN, y + 12, f"mediaferry-bench, {made['date']}, {made['machine']}", size=11, color=FAINT))
    height = y + 12 + MARGIN
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
            f'height="{height:.0f}" font-family="system-ui, sans-serif">\n'
            f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n")
