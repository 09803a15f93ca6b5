"""The charts of a report, as SVG. Rule: text goes through `said`, which escapes it and carries both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from simulation.activity import STATES
from simulation.spec import Shares, Span

WIDTH = 1_000
LEFT = 230  # of names
BINS = 30
GANTT_MS = 1_200_000  # shown of one run: more than twenty minutes of tasks are no longer told apart
GANTT_SPANS_MAX = 4_000


def said(english: str, chinese: str, tag: str = "span", more: str = "") -> str:
    """A text in both languages."""
    return f'<{tag}{more} data-zh="{escape(chinese)}">{escape(english)}</{tag}>'


def svg(height: float, parts: Sequence[str], label: str) -> str:
    """A drawing with a name for those who cannot see it."""
    inside = "".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}">{inside}</svg>'


def text(x: float, y: float, words: str, *, anchor: str = "start", soft: bool = False) -> str:
    """Words that are the same in every language: names and numbers."""
    kind = ' class="soft"' if soft else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{escape(words)}</text>'


def bar(x: float, y: float, wide: float, high: float, kind: str, title: str = "") -> str:
    tip = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect class="{kind}" x="{x:.2f}" y="{y:.2f}" width="{max(0.0, wide):.2f}" height="{high:.2f}">{tip}</rect>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def table(heads: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> str:
    """A table; heads in English and Chinese, cells as markup."""
    head = "".join(said(*words, "th") for words in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def throughput(rows: Sequence[tuple[str, float, float | None]], target: float | None) -> str:
    """A bar a scenario (name, mean, half-width) with its interval, and the target."""
    most = max([mean + (half or 0) for _, mean, half in rows] + [target or 0, 1e-9]) * 1.08
    wide = WIDTH - LEFT - 90
    parts = []
    for n, (name, mean, half) in enumerate(rows):
        y = 10 + 30 * n
        parts += [text(0, y + 15, name[:34]), bar(LEFT, y, wide * mean / most, 20, "busy", f"{name}: {mean:.1f}")]
        if half is not None:
            low, high = LEFT + wide * max(0.0, mean - half) / most, LEFT + wide * (mean + half) / most
            parts += [line(low, y + 10, high, y + 10, "whisker"), line(low, y + 5, low, y + 15, "whisker")]
            parts.append(line(high, y + 5, high, y + 15, "whisker"))
        shown = f"{mean:.1f}" if half is None else f"{mean:.1f} ± {half:.1f}"
        parts.append(text(WIDTH, y + 15, shown, anchor="end"))
    height = 20 + 30 * len(rows)
    if target is not None:
        x = LEFT + wide * target / most
        parts += [line(x, 2, x, height, "target"), text(x + 4, height - 2, f"{target:g}", soft=True)]
    return svg(height, parts, "throughput")


def histogram(values: Sequence[float], unit: str) -> str:
    """How often which value came."""
    if not values:
        return ""
    low, high = min(values), max(values)
    step = (high - low) / BINS or 1.0
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, int((value - low) / step))] += 1
    wide, most = WIDTH / BINS, max(counts)
    parts = [
        bar(n * wide + 1, 150 - 140 * count / most, wide - 2, 140 * count / most, "busy",
            f"{low + n * step:.0f} – {low + (n + 1) * step:.0f} {unit}: {count}")
        for n, count in enumerate(counts)
    ]  # fmt: skip
    parts.append(line(0, 150, WIDTH, 150, "axis"))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        parts.append(text(WIDTH * share, 166, f"{low + (high - low) * share:.0f} {unit}", anchor=anchor, soft=True))
    return svg(172, parts, "distribution")


def utilisation(shares: Mapping[str, Shares]) -> str:
    """A stacked bar a device."""
    parts = []
    for n, (device, of) in enumerate(shares.items()):
        y, x, wide = 4 + 22 * n, 100.0, WIDTH - 170
        parts.append(text(0, y + 13, device))
        for state in STATES:
            share = getattr(of, state)
            parts.append(bar(x, y, wide * share, 16, state, f"{device} {state} {share:.1%}"))
            x += wide * share
        parts.append(text(WIDTH, y + 13, f"{of.busy:.0%}", anchor="end"))
    return svg(10 + 22 * len(shares), parts, "utilisation")


def gantt(spans: Sequence[Span]) -> str:
    """What each device did in the first minutes of a run."""
    if not spans:
        return ""
    begin = min(span.from_ms for span in spans)
    shown = [span for span in spans if span.from_ms < begin + GANTT_MS][:GANTT_SPANS_MAX]
    end = min(begin + GANTT_MS, max(span.to_ms for span in shown))
    devices = list(dict.fromkeys(span.device for span in spans))
    wide = (WIDTH - 100) / max(1, end - begin)
    parts = []
    for span in shown:
        if span.state != "starved":
            x = 100 + (span.from_ms - begin) * wide
            of = f"{span.device} {span.state} {(span.to_ms - span.from_ms) / 1000:.1f} s"
            y = 4 + 20 * devices.index(span.device)
            parts.append(bar(x, y, (min(span.to_ms, end) - span.from_ms) * wide, 14, span.state, of))
    parts += [text(0, 16 + 20 * n, device) for n, device in enumerate(devices)]
    height = 10 + 20 * len(devices)
    for n in range(5):
        minutes = (end - begin) / 60_000 * n / 4
        anchor = "end" if n == 4 else "start" if n == 0 else "middle"
        parts.append(text(100 + (WIDTH - 100) * n / 4, height + 12, f"{minutes:.0f} min", anchor=anchor, soft=True))
    return svg(height + 18, parts, "gantt")


def course(raw: Sequence[float], smooth: Sequence[float], cut: int, minutes: float) -> str:
    """A course over time, its moving average, and where the warm-up ends."""
    if len(raw) < 2:
        return ""
    most, wide = max([*raw, 1.0]), WIDTH / (len(raw) - 1)

    def path(values: Sequence[float], kind: str) -> str:
        points = " ".join(f"{n * wide:.1f},{140 - 130 * value / most:.1f}" for n, value in enumerate(values))
        return f'<polyline class="{kind}" points="{points}"/>'

    parts = [path(raw, "pale"), path(smooth, "curve"), line(0, 140, WIDTH, 140, "axis")]
    parts.append(line(cut * wide, 0, cut * wide, 140, "target"))
    parts += [text(0, 12, f"{most:.0f}", soft=True), text(WIDTH, 156, f"{minutes:.0f} min", anchor="end", soft=True)]
    return svg(160, parts, "warm-up")


def rack(
    cells: Mapping[tuple[int, int], float], bays: int, levels: int, most: float, label: str, unit: str = ""
) -> str:
    """One side of an aisle: the darker a cell, the more of what is counted (loads in and out, or blocked time)."""
    wide, high = WIDTH / max(1, bays), 26.0
    parts = []
    for bay in range(1, bays + 1):
        for level in range(1, levels + 1):
            count = cells.get((bay, level), 0)
            x, y = (bay - 1) * wide, (levels - level) * high
            parts.append(
                f'<rect class="cell" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" '
                f'fill-opacity="{count / most if most else 0:.2f}"><title>{bay}-{level}: {count:g}{unit}</title></rect>'
            )
    return f"<div>{escape(label)}{svg(levels * high, parts, label)}</div>"


def track(
    nodes: Mapping[str, tuple[int, int]],
    edges: Sequence[tuple[str, str]],
    counts: Mapping[str, float],
    unit: str = "",
) -> str:
    """The plan of the roads: the larger a node, the more of what is counted there (passages, or blocked time)."""
    if not nodes:
        return ""
    left, top = min(x for x, _ in nodes.values()), min(y for _, y in nodes.values())
    span = max(max(x for x, _ in nodes.values()) - left, 1)
    tall = max(y for _, y in nodes.values()) - top
    scale = (WIDTH - 60) / span
    at = {name: (30 + (x - left) * scale, 30 + (y - top) * scale) for name, (x, y) in nodes.items()}
    most = max([*counts.values(), 1])
    parts = [line(*at[a], *at[b], "lane") for a, b in edges]
    for name, (x, y) in at.items():
        count = counts.get(name, 0)
        parts.append(
            f'<circle class="heat" cx="{x:.1f}" cy="{y:.1f}" r="{3 + 17 * (count / most) ** 0.5:.1f}" '
            f'fill-opacity="{0.25 + 0.6 * count / most:.2f}"><title>{escape(name)}: {count:g}{unit}</title></circle>'
        )
    return svg(60 + tall * scale, parts, "track")
