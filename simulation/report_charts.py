"""The charts of a report: bars, distributions and courses. Words and scales are HTML, so that they stay readable on any
width; only what is drawn between them is SVG that stretches.

Rule: text goes through `said`, which escapes it and carries both languages; each chart names its axes and units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from simulation.activity import STATES
from simulation.spec import Shares, Span

Words = tuple[str, str]
"""English and Chinese."""

WIDTH = 1_000
BINS = 30
TICKS = 5
GANTT_MS = 1_200_000  # shown of one run: more than twenty minutes of tasks are no longer told apart
GANTT_SPANS_MAX = 8_000
GANTT_ROW = 20
ORDERS_AN_HOUR = ("orders an hour", "订单/小时")
STATE_WORDS = {
    "busy": ("busy", "作业"), "blocked": ("blocked", "阻塞"), "starved": ("starved", "待命"),
    "faulted": ("faulted", "故障"), "charging": ("charging", "充电"),
}  # fmt: skip


def said(english: str, chinese: str, tag: str = "span", more: str = "") -> str:
    """A text in both languages."""
    return f'<{tag}{more} data-zh="{escape(chinese)}">{escape(english)}</{tag}>'


def in_both(attribute: str, words: Words) -> str:
    """An attribute (title, aria-label) in both languages."""
    return f' {attribute}="{escape(words[0])}" data-zh-{attribute}="{escape(words[1])}"'


def seconds(value: float | None, digits: int = 0) -> str:
    """A time in both languages, a dash if there is none."""
    if value is None:
        return "–"
    return said(f"{value:.{digits}f} s", f"{value:.{digits}f} 秒")


def svg(width: float, height: float, parts: Sequence[str], label: Words, more: str = "") -> str:
    """A drawing with a name for those who cannot see it."""
    box = f'viewBox="0 0 {width:.0f} {height:.0f}"'
    return f'<svg {box} role="img"{in_both("aria-label", label)}{more}>{"".join(parts)}</svg>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def tip(words: Words) -> str:
    """What a shape of a drawing says when pointed at."""
    return said(*words, "title")


def table(heads: Sequence[Words], rows: Sequence[Sequence[str]]) -> str:
    """A table; heads in English and Chinese, cells as markup."""
    head = "".join(said(*words, "th") for words in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def legend(*entries: tuple[str, Words]) -> str:
    """Marks and what they mean; a mark is a class of the style sheet."""
    marks = (f'<span><i class="{mark}"></i>{said(*words)}</span>' for mark, words in entries)
    return f'<div class="legend">{"".join(marks)}</div>'


def state_legend() -> str:
    return legend(*((state, STATE_WORDS[state]) for state in STATES))


def step_of(span: float) -> float:
    """A step of 1, 2 or 5 times a power of ten that cuts a span into about `TICKS`.

    >>> step_of(100), step_of(0.9), step_of(7)
    (20.0, 0.2, 2.0)
    """
    rough = max(span, 1e-9) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= rough * 0.999), 10 * power)


def round_top(most: float) -> float:
    """The end of an upright scale: the next step above the highest value."""
    step = step_of(most)
    return math.ceil(most / step - 1e-9) * step


def axis(low: float, high: float, title: Words, unit: str = "") -> str:
    """The scale under a drawing from its left edge (low) to its right (high)."""
    step = step_of(high - low)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    places = ((100 * (n * step - low) / (high - low), n * step) for n in range(first, last + 1))
    marks = "".join(f'<span style="left:{at:.2f}%">{value:g}{unit}</span>' for at, value in places)
    return f'<div class="ticks">{marks}</div>{said(*title, "div", " class=axis-title")}'


def _bars(rows: Sequence[tuple[str, str, str]], scale: str, kind: str) -> str:
    """Rows of a name (markup), what is drawn and a value, above one scale."""
    drawn = "".join(
        f'<div class="name">{name}</div><div class="bar">{bar}</div><div class="value">{value}</div>'
        for name, bar, value in rows
    )
    return f'<div class="bars {kind}">{drawn}<div class="name"></div><div>{scale}</div><div class="value"></div></div>'


def throughput(rows: Sequence[tuple[Words, float, float | None]], target: float | None) -> str:
    """A bar a scenario (name, mean, half-width) with its interval, and the target if there is one."""
    most = max([mean + (half or 0) for _, mean, half in rows] + [target or 0, 1e-9]) * 1.02
    drawn = []
    for name, mean, half in rows:
        pointed = in_both("title", (f"{name[0]}: {mean:.1f}", f"{name[1]}: {mean:.1f}"))
        parts = f'<i class="busy" style="width:{100 * mean / most:.2f}%"{pointed}></i>'
        if half is not None:
            low, high = (100 * max(0.0, value) / most for value in (mean - half, mean + half))
            parts += f'<i class="whisker" style="left:{low:.2f}%;width:{high - low:.2f}%"></i>'
        if target is not None:
            parts += f'<i class="target" style="left:{100 * target / most:.2f}%"></i>'
        drawn.append((said(*name), parts, f"{mean:.1f}" if half is None else f"{mean:.1f} ± {half:.1f}"))
    entries = [("busy", ("mean of the runs", "各次运行均值"))]
    if any(half is not None for _, _, half in rows):
        entries.append(("whisker", ("95 % interval of the mean", "均值的 95% 置信区间")))
    if target is not None:
        entries.append(("target", (f"target: {target:g}", f"目标：{target:g}")))
    return legend(*entries) + _bars(drawn, axis(0, most, ORDERS_AN_HOUR), "scenarios")


def utilisation(shares: Mapping[str, Shares]) -> str:
    """A stacked bar a device."""
    rows = []
    for device, of in shares.items():
        parts = []
        for state in STATES:
            share, (english, chinese) = getattr(of, state), STATE_WORDS[state]
            words = in_both("title", (f"{device} {english} {share:.1%}", f"{device} {chinese} {share:.1%}"))
            parts.append(f'<i class="{state}" style="width:{100 * share:.2f}%"{words}></i>')
        rows.append((escape(device), "".join(parts), f"{of.busy:.0%}"))
    scale = axis(0, 100, ("share of the measured time", "测量时间占比"), "%")
    return state_legend() + _bars(rows, scale, "devices")


def _plot(parts: Sequence[str], height: int, label: Words, ys: tuple[Words, float], scale: str) -> str:
    """A drawing of WIDTH that stretches, with the name and the highest value of its upright axis, above its scale."""
    title, most = ys
    drawn = svg(WIDTH, height, parts, label, f' preserveAspectRatio="none" style="height:{height}px"')
    ends = f"<span>{most:g}</span><span>0</span>"
    return (
        f'{said(*title, "div", " class=axis-title-y")}<div class="plot"><div class="y">{ends}</div>'
        f"{drawn}<div></div><div>{scale}</div></div>"
    )


def histogram(values: Sequence[float]) -> str:
    """How often which order time (s) came."""
    if not values:
        return said("No order left in this time.", "此期间无订单出库。", "p", ' class="note"')
    step = step_of((max(values) - min(values)) / BINS * TICKS)
    low = math.floor(min(values) / step) * step
    counts = [0] * (math.floor((max(values) - low) / step) + 1)
    for value in values:
        counts[int((value - low) / step)] += 1
    wide, most = WIDTH / len(counts), round_top(max(counts))
    parts = []
    for n, count in enumerate(counts):
        of = f"{low + n * step:g} – {low + (n + 1) * step:g}"
        at = f'x="{n * wide + 1:.1f}" y="{150 - 150 * count / most:.1f}" width="{wide - 2:.1f}"'
        drawn = tip((f"{of} s: {count} orders", f"{of} 秒：{count} 个订单"))
        parts.append(f'<rect class="busy" {at} height="{150 * count / most:.1f}">{drawn}</rect>')
    title = f"orders (in steps of {step:g} s)", f"订单数（每 {step:g} 秒一格）"
    scale = axis(low, low + step * len(counts), ("order time, s", "订单时间（秒）"))
    return _plot(parts, 150, ("order times", "订单时间"), (title, most), scale)


def gantt(spans: Sequence[Span], order: Sequence[str] = ()) -> tuple[str, float]:
    """What each device did at the beginning of a run (spans in order of time), and how many minutes of it are shown.

    Devices stand in this order, those that it does not name behind it.
    """
    if not spans:
        return "", 0.0
    begin, end = spans[0].from_ms, min(spans[0].from_ms + GANTT_MS, max(span.to_ms for span in spans))
    shown = [span for span in spans if span.state != "starved" and span.from_ms < end]
    if len(shown) > GANTT_SPANS_MAX:
        end = shown[GANTT_SPANS_MAX].from_ms
        shown = [span for span in shown if span.from_ms < end]
    present = dict.fromkeys(span.device for span in spans)
    names = dict.fromkeys((*(name for name in order if name in present), *present))
    devices = {name: n for n, name in enumerate(names)}
    wide = WIDTH / max(1, end - begin)
    parts = []
    for span in shown:
        english, chinese = STATE_WORDS[span.state]
        took = (span.to_ms - span.from_ms) / 1000
        words = f"{span.device} {english} {took:.1f} s", f"{span.device} {chinese} {took:.1f} 秒"
        at = f'x="{(span.from_ms - begin) * wide:.2f}" y="{3 + GANTT_ROW * devices[span.device]}" height="14"'
        width = max(0.0, (min(span.to_ms, end) - span.from_ms) * wide)
        parts.append(f'<rect class="{span.state}" {at} width="{width:.2f}">{tip(words)}</rect>')
    height = GANTT_ROW * len(devices)
    drawn = svg(
        WIDTH, height, parts, ("what the devices did", "设备时间线"),
        f' preserveAspectRatio="none" style="height:{height}px"',
    )  # fmt: skip
    marks = "".join(f"<span>{escape(name)}</span>" for name in devices)
    scale = axis(0, (end - begin) / 60_000, ("minutes of measured time", "测量时间（分钟）"))
    lanes = f'<div class="plot lanes"><div class="names">{marks}</div>{drawn}<div></div><div>{scale}</div></div>'
    return lanes, (end - begin) / 60_000


def course(raw: Sequence[float], smooth: Sequence[float], cut: int | None, minutes: float, warm_up: float) -> str:
    """Open orders over time, their moving average, where MSER-5 would cut (None: it finds no end of the warm-up), and
    where the measured time (min) began.
    """
    if len(raw) < 2:
        return ""
    most, wide = round_top(max([*raw, 1.0])), WIDTH / (len(raw) - 1)

    def path(values: Sequence[float], kind: str) -> str:
        points = " ".join(f"{n * wide:.1f},{140 - 140 * value / most:.1f}" for n, value in enumerate(values))
        return f'<polyline class="{kind}" points="{points}"/>'

    parts = [path(raw, "pale"), path(smooth, "curve")]
    entries = [("pale", ("mean over runs", "各次运行均值")), ("curve", ("Welch's moving average", "Welch 滑动平均"))]
    if cut is not None:
        parts.append(line(cut * wide, 0, cut * wide, 140, "target"))
        entries.append(("target", ("MSER-5 would cut here", "MSER-5 截断处")))
    if warm_up:
        x = WIDTH * warm_up / minutes
        parts.append(line(x, 0, x, 140, "begin"))
        entries.append(("begin", ("measured from here", "由此开始测量")))
    scale = axis(0, minutes, ("minutes from the start of the run", "自运行开始（分钟）"))
    ys = ("open orders", "未完成订单"), most
    return legend(*entries) + _plot(parts, 140, ("warm-up", "预热"), ys, scale)
