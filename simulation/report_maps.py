"""The maps of a report: racks and roads, and how much of something was where. Each says its scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from simulation.report_charts import WIDTH, Words, line, said, svg, tip

LABELLED = 5  # of the nodes: the busiest are named on the map, the others when pointed at
RACK_ROW = 12


TEXT, TEXT_NARROW = 14, 26  # heights of the labels, as the style sheet has them: on a narrow page larger ones


def _amount(value: float, unit: Words) -> Words:
    """A number as it is if it is a small one, without its fractions where it is a large one."""
    shown = f"{value:.0f}" if value >= 10 else f"{round(value, 1):g}"
    return shown + unit[0], shown + unit[1]


def _labelled(name: str, value: float, unit: Words) -> Words:
    english, chinese = _amount(value, unit)
    return f"{name}: {english}", f"{name}: {chinese}"


def shades(most: float, unit: Words) -> str:
    """What the darkness of a cell means."""
    return f'<div class="legend"><span>0 <i class="shades"></i> {said(*_amount(most, unit))}</span></div>'


def rack(
    cells: Mapping[tuple[int, int], float], bays: int, levels: int, most: float, label: str, unit: Words = ("", "")
) -> str:
    """One side of an aisle: the darker a cell, the more of what is counted (loads in and out, or blocked time)."""
    wide = WIDTH / max(1, bays)
    parts = []
    for bay in range(1, bays + 1):
        for level in range(1, levels + 1):
            count = cells.get((bay, level), 0)
            x, y = (bay - 1) * wide, (levels - level) * RACK_ROW
            name = tip(_labelled(f"{bay}-{level}", count, unit))
            parts.append(
                f'<rect class="cell" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{RACK_ROW}" '
                f'fill-opacity="{count / most if most else 0:.2f}">{name}</rect>'
            )
    height = levels * RACK_ROW
    drawn = svg(WIDTH, height, parts, (label, label), f' preserveAspectRatio="none" style="height:{height}px"')
    axes = said(f"bays 1 to {bays} →, levels 1 to {levels} ↑", f"列 1 至 {bays} →，层 1 至 {levels} ↑", "div", _TITLE)
    return f'<div class="map"><div class="name">{escape(label)}</div>{drawn}{axes}</div>'


_TITLE = ' class="axis-title"'


def track(
    nodes: Mapping[str, tuple[int, int]],
    edges: Sequence[tuple[str, str]],
    counts: Mapping[str, float],
    unit: Words,
) -> str:
    """The plan of the roads: the larger a node, the more of what is counted there (passages, or blocked time)."""
    if not nodes:
        return ""
    left, top = min(x for x, _ in nodes.values()), min(y for _, y in nodes.values())
    span = max(max(x for x, _ in nodes.values()) - left, 1)
    tall = max(y for _, y in nodes.values()) - top
    scale = (WIDTH - 160) / span
    at = {name: (80 + (x - left) * scale, 40 + (y - top) * scale) for name, (x, y) in nodes.items()}
    most = max([*counts.values(), 1])
    busiest = [name for name in sorted(nodes, key=lambda name: (-counts.get(name, 0), name)) if counts.get(name)]
    labels = {name: _labelled(name, counts[name], unit) for name in busiest[:LABELLED]}
    roomy, narrow = (
        _apart({name: (*at[name], labels[name][0]) for name in labels}, high) for high in (TEXT, TEXT_NARROW)
    )
    parts = [line(*at[a], *at[b], "lane") for a, b in edges]
    for name, (x, y) in at.items():
        count = counts.get(name, 0)
        parts.append(
            f'<circle class="heat" cx="{x:.1f}" cy="{y:.1f}" r="{3 + 17 * (count / most) ** 0.5:.1f}" '
            f'fill-opacity="{0.25 + 0.6 * count / most:.2f}">{tip(_labelled(name, count, unit))}</circle>'
        )
        if name in roomy:
            where = f' x="{x:.1f}" y="{y - 24:.1f}" text-anchor="middle"'
            parts.append(said(*labels[name], "text", where + ("" if name in narrow else ' class="if-wide"')))
    largest = _amount(most, unit)
    words = f"the largest circle: {largest[0]}; the plan is to scale", f"最大圆：{largest[1]}；平面图按比例"
    return svg(WIDTH, 70 + tall * scale, parts, ("roads", "路网"), ' class="roads"') + said(*words, "div", _TITLE)


def _apart(labels: Mapping[str, tuple[float, float, str]], high: int) -> list[str]:
    """Of labels (middle, height and text, the most important first) those that do not cover one before them."""
    kept: dict[str, tuple[float, float, float]] = {}
    for name, (x, y, text) in labels.items():
        half = len(text) * high * 0.3  # a letter is about six tenths as wide as high
        if all(abs(x - other_x) > half + other or abs(y - other_y) > high for other_x, other_y, other in kept.values()):
            kept[name] = x, y, half
    return list(kept)
