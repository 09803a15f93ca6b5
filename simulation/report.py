"""A report of runs that people look at: one HTML file that needs no network, in English and Chinese.

Rule: every number in it is one of the rows or of the log; nothing is drawn that was not run.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path

import msgspec

from simulation import report_charts as charts
from simulation import report_maps as maps
from simulation.activity import OPENING_STOCK, STATES, blocked_at, seen_by_moves, seen_by_passages
from simulation.figures import (
    GOALS,
    Figures,
    candidates,
    figures_of,
    not_kept_up,
    order_time_difference,
    throughput_difference,
)
from simulation.report_asked import Asked, asked_list
from simulation.report_charts import Words, said, seconds
from simulation.scenario_names import in_both_languages, short_names
from simulation.sensitivity import CONVEYORS, FLEET, PEOPLE, Sensitivity, bottlenecks
from simulation.spec import RunLog, RunResult, RunSpec, Shares
from simulation.statistics import mean_series, mser5, welch
from wcs.plant.model import Plant

PASSAGES_MAX = 60_000  # in the playback: about 1.5 MB of numbers
BOTTLENECKS_SHOWN = 5
BELTS_SHOWN = 40  # in charts of all devices: those on which something stands most of the time
WELCH_WINDOW = 10  # minutes on each side
_LOADS, _PASSAGES, _SECONDS = (" loads", " 件"), (" passages", " 次"), (" s", " 秒")
_TOGGLE = ' class="toggle" aria-pressed="false"'

NOBODY: Words = ("", "")
FASTER_WORDS = {
    FLEET: ("all vehicles", "全部 AGV"), CONVEYORS: ("all conveyors", "全部输送机"),
    PEOPLE: ("the people at the stations", "拣选台人员"),
}  # fmt: skip
_BRINGS = (
    "What it brings if one of them is a tenth faster: the same seeds run again. An interval that holds 0 decides "
    "nothing; where nothing reacts, the orders are what limits.",
    "若其中之一快 10%（相同种子重新运行）带来的变化；区间包含 0 则不能判定；若均无变化，则受限于订单量。",
)
_BRINGS_HEADS = (
    ("a tenth faster", "快 10%"), ("orders an hour", "订单/小时"), ("mean order time", "平均订单时间"),
)  # fmt: skip
_DECIDED = (
    "Compared with the one that leads on the same seeds, where one has more runs on all of them too; all comparisons "
    "together hold with 95 % (Bonferroni). Who does not keep up with the orders takes no part, unless nobody does.",
    "与领先方案按相同种子比较，次数不等时亦按全部运行比较；全部比较同时成立的置信度为 95%（Bonferroni）。"
    "跟不上订单的方案不参与，除非全部如此。",
)


def write_report(
    results: Sequence[RunResult],
    path: Path,
    *,
    specs: Mapping[str, RunSpec] | None = None,
    asked: Asked | None = None,
    target_per_hour: float | None = None,
    sensitivities: Sequence[Sensitivity] = (),
    goal: str = GOALS[0],
    language: str = "en",
) -> None:
    """Write the report of these runs (at least one).

    Args:
        results: of one or several scenarios, told apart by the label of their rows.
        path: the file; replaced if it is there.
        specs: of each scenario's first run, by label, for the head and the plans; without one both are left out.
        asked: what the head says besides.
        target_per_hour: what the throughput is held against.
        sensitivities: what faster machines would bring, told to their scenarios by the label.
        goal: by which of the `GOALS` a scenario is the best.
        language: in which it opens, "en" or "zh".
    """
    scenarios: dict[str, list[RunResult]] = {}
    for result in results:
        scenarios.setdefault(result.row.label, []).append(result)
    figures = [figures_of(runs) for runs in scenarios.values()]
    names = {label: in_both_languages(short) for label, short in short_names(list(scenarios)).items()}
    known, several = specs or {}, len(scenarios) > 1
    parts = [
        _asked(scenarios, [known[label] for label in scenarios if label in known], asked),
        _summary(figures, names),
        _throughput(figures, names, target_per_hour),
        _compared(scenarios, names, goal),
        *(
            _scenario(runs, known.get(label), sensitivities, names[label] if several else NOBODY)
            for label, runs in scenarios.items()
        ),
    ]
    logged = next((run for run in results if run.log is not None), None)
    spec = known.get(logged.row.label) if logged else None
    playback = "null"
    if logged is not None and logged.log is not None and spec is not None:
        parts.append(_player(logged.row.seed, names[logged.row.label] if several else NOBODY))
        playback = _playback(logged.log, spec.plant)
    title = ", ".join(dict.fromkeys(spec.plant.name for spec in known.values()))
    path.write_text(
        page(("Simulation report", "仿真报告"), title, "".join(parts), language, playback), encoding="utf-8"
    )


def page(title: Words, about: str, body: str, language: str, playback: str = "null", *, more_css: str = "") -> str:
    """The whole of a report's file: everything it needs is in it."""
    folder = resources.files("simulation") / "page"
    css, script = ((folder / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    tab = tuple(f"{words}: {about}" if about else words for words in title)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{said(tab[0], tab[1], "title")}'
        f"<style>{css}{more_css}</style></head><body><header>{said(*title, 'h1')}"
        f'<span class="plant">{escape(about)}</span><button id="language" data-zh="English">中文</button></header>'
        f"<main>{body}</main>"
        f'<script type="application/json" id="playback">{playback}</script><script>{script}</script></body></html>\n'
    )


def section(title: Words, note: Words, *content: str, of: Words = NOBODY) -> str:
    """A part with its heading; `of` is the scenario that it tells about, where there are several."""
    whose = " " + said(*of, "small") if of != NOBODY else ""
    head = f"<h2>{said(*title)}{whose}</h2>" + said(*note, "p", ' class="note"')
    return f"<section>{head}{''.join(content)}</section>"


def _asked(scenarios: Mapping[str, Sequence[RunResult]], specs: Sequence[RunSpec], asked: Asked | None) -> str:
    if not specs:
        return ""
    runs = [run for some in scenarios.values() for run in some]
    seeds = sorted({run.row.seed for run in runs})
    counts = sorted({len(some) for some in scenarios.values()})
    each = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"
    words = (
        f"{each} for each of {len(scenarios)} scenarios, seeds {seeds[0]} to {seeds[-1]}",
        f"{len(scenarios)} 个方案，每个 {each} 次，种子 {seeds[0]} 至 {seeds[-1]}",
    )
    if len(scenarios) == 1:
        words = f"{each}, seeds {seeds[0]} to {seeds[-1]}", f"{each} 次，种子 {seeds[0]} 至 {seeds[-1]}"
    return asked_list(specs, asked or Asked(), words, list(dict.fromkeys(run.row.run for run in runs)))


def _summary(figures: Sequence[Figures], names: Mapping[str, Words]) -> str:
    heads = (
        ("scenario", "方案"), ("orders an hour", "订单/小时"), ("order time, half", "订单时间 中位"),
        ("order time, 95 %", "订单时间 95%"), ("transports", "搬运"), ("open at the end", "未完成"), ("runs", "次数"),
    )  # fmt: skip
    rows = "".join(f"<tr>{_row(one, names[one.label])}</tr>" for one in figures)
    table = (
        f'<div class="wide"><table><thead><tr>{"".join(said(*head, "th") for head in heads)}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    note = (
        "Intervals hold 95 %, over runs. Transports of all runs; the most orders that were open at the end of one.",
        "区间为各次运行的 95% 置信区间。搬运数为各次合计；未完成为单次运行结束时的最大值。",
    )
    return section(("Overview", "概览"), note, table)


def _row(one: Figures, name: Words) -> str:
    rate = one.throughput_per_hour
    shown = f"{rate.mean:.1f}" + ("" if rate.half_width is None else f" ± {rate.half_width:.1f}")
    cells = (
        said(*name, more=f' title="{escape(one.label)}"'), shown, seconds(one.order_time_s.p50),
        seconds(one.order_time_s.p95), str(one.transports), str(one.open_orders), str(one.replications),
    )  # fmt: skip
    cut = "".join(f"<td>{cell}</td>" for cell in cells)
    for why in not_kept_up(one):
        words = said("does not keep up: ", "跟不上订单：")
        cut += f'</tr><tr><td colspan="7" class="bad">{words}{escape(why)}</td>'
    return cut


def _throughput(figures: Sequence[Figures], names: Mapping[str, Words], target: float | None) -> str:
    rows = [(names[one.label], one.throughput_per_hour.mean, one.throughput_per_hour.half_width) for one in figures]
    note = ("Orders that left, in the measured time.", "测量时间内出库的订单。")
    return section(("Throughput", "吞吐量"), note, charts.throughput(rows, target))


def _compared(scenarios: Mapping[str, Sequence[RunResult]], names: Mapping[str, Words], goal: str) -> str:
    """Which one is the best, if that can be said, and every scenario against the first, seed by seed."""
    (first, base), *others = scenarios.items()
    rows = []
    for label, runs in others:
        pair = [run.row for run in runs], [run.row for run in base]
        more, longer = throughput_difference(*pair), order_time_difference(*pair)
        if more is not None:
            rows.append(
                (
                    said(*names[label]),
                    f"{more.mean:+.1f} ± {more.half_width:.1f}",
                    "–" if longer is None else _seconds_more(longer.mean, longer.half_width),
                )
            )
    if not others:
        return ""
    told = said(*_verdict(scenarios, names, goal), "p", ' class="verdict"') + said(*_DECIDED, "p", ' class="note"')
    if not rows:
        return section(("Comparison", "比较"), ("", ""), told)
    note = (
        f"What is more than with {names[first][0]}, on the same orders; an interval that holds 0 decides nothing.",
        f"相同订单下比 {names[first][1]} 多出的量；区间包含 0 则不能判定。",
    )
    heads = ("scenario", "方案"), ("orders an hour more", "每小时多出订单"), ("mean order time", "平均订单时间")
    return section(("Comparison", "比较"), note, charts.table(heads, rows), told)


def _verdict(scenarios: Mapping[str, Sequence[RunResult]], names: Mapping[str, Words], goal: str) -> Words:
    best = [names[label] for label in candidates(list(scenarios.values()), goal)]
    by = ("", "") if goal == GOALS[0] else (" by order time", "（按订单时间）")
    if len(best) == 1:
        return f"best{by[0]}: {best[0][0]}", f"最优{by[1]}：{best[0][1]}"
    english, chinese = ([name[n] for name in best] for n in (0, 1))
    return (
        f"not decided{by[0]} between " + "; ".join(english) + " (more replications or hours would tell)",
        f"尚不能判定最优{by[1]}：" + "；".join(chinese) + "（需更多次数或更长时间）",
    )


def _seconds_more(mean: float, half_width: float) -> str:
    return said(*(f"{mean:+.1f} ± {half_width:.1f} {unit}" for unit in ("s", "秒")))


def _scenario(runs: Sequence[RunResult], spec: RunSpec | None, brings: Sequence[Sensitivity], of: Words) -> str:
    times = [time_s for run in runs for time_s in run.series.order_time_s]
    note = ("From placing to leaving, all runs.", "从下单到出库，全部运行。")
    title = said(*of, "h1", ' class="scenario"') if of != NOBODY else ""
    parts = [title, section(("Order times", "订单时间"), note, charts.histogram(times), of=of)]
    shares = _mean_shares(runs)
    left_out = _idle_belts(shares, spec.plant if spec else None)
    shown = {name: one for name, one in shares.items() if name not in left_out}
    if shown:
        parts.append(_utilisation(shown, len(left_out), of))
    parts.append(_warm_up(runs, spec.warm_up_hours * 60 if spec else 0.0, of))
    seed, log = next(((run.row.seed, run.log) for run in runs if run.log is not None), (0, None))
    if log is not None:
        own = [one for one in brings if one.label == runs[0].row.label]
        parts += [_bottleneck(log, seed, own, of), _gantt(log, seed, list(shown), left_out, of)]
        if spec is not None:
            parts += [_racks(log, spec.plant, of), _track(log, spec.plant, of)]
    return "".join(parts)


def _mean_shares(runs: Sequence[RunResult]) -> dict[str, Shares]:
    rows = [run.row.utilisation for run in runs]
    return {
        device: Shares(**{s: sum(getattr(row[device], s) for row in rows) / len(rows) for s in STATES})
        for device in rows[0]
        if all(device in row for row in rows)
    }


def _idle_belts(shares: Mapping[str, Shares], plant: Plant | None) -> frozenset[str]:
    """Of many belts those that are left out of charts of all devices: they would fill pages, and say least."""
    belts = [s.name for c in plant.conveyors for s in c.segments if s.name in shares] if plant else []
    return frozenset(sorted(belts, key=lambda name: (shares[name].starved, name))[BELTS_SHOWN:])


def _utilisation(shares: Mapping[str, Shares], left_out: int, of: Words) -> str:
    english = (
        "Mean over runs; the number is the busy share. A belt (from one node to the next, named after its first "
        "segment) is busy while its first load is under way, blocked while that waits at the end."
    )
    chinese = (
        "各次运行均值；数字为作业占比。输送段（相邻节点之间，以其首个线段命名）：首件在途为作业，首件到端等待为阻塞。"
    )
    if left_out:
        english += f" The {left_out} belts on which least stands are left out."
        chinese += f" 未列出最空闲的 {left_out} 个输送段。"
    return section(("Utilisation", "利用率"), (english, chinese), charts.utilisation(shares), of=of)


def _warm_up(runs: Sequence[RunResult], warm_up: float, of: Words) -> str:
    course = mean_series([run.series.open_orders for run in runs])
    cut = mser5(course)
    minutes = runs[0].series.bucket_ms / 60_000
    mser = (
        ("MSER-5 finds no end of the warm-up in the first half", "按 MSER-5 在前半段未找到预热终点")
        if cut is None
        else (f"MSER-5 would cut {cut * minutes:.0f} min", f"按 MSER-5 应截去前 {cut * minutes:.0f} 分钟")
    )
    note = (f"Open orders. {mser[0]}; {warm_up:g} min were cut.", f"未完成订单。{mser[1]}；实际截去 {warm_up:g} 分钟。")
    drawn = charts.course(course, welch(course, WELCH_WINDOW), cut, len(course) * minutes, warm_up)
    return section(("Warm-up", "预热"), note, drawn, of=of)


def _bottleneck(log: RunLog, seed: int, brings: Sequence[Sensitivity], of: Words) -> str:
    heads = (
        ("device", "设备"), ("mean active period", "平均连续作业时段"), ("alone", "单独瓶颈"),
        ("shifting", "瓶颈转移中"),
    )  # fmt: skip
    rows = [
        (escape(one.device), seconds(one.mean_s, 1), f"{one.sole:.0%}", f"{one.shifting:.0%}")
        for one in bottlenecks(log.spans)[:BOTTLENECKS_SHOWN]
    ]
    note = (
        f"Of the run with seed {seed}. At each moment the device with the longest active period is the bottleneck: the "
        "shares of time in which one was it alone, and in which the bottleneck was passing to it or from it.",
        f"取种子 {seed} 的运行。每一时刻连续作业时段最长的设备为瓶颈：列出其单独为瓶颈、以及瓶颈在其间转移的时间占比。",
    )
    content = [charts.table(heads, rows)]
    if brings:
        content += [
            said(*_BRINGS, "p", ' class="note"'),
            charts.table(_BRINGS_HEADS, [_brought(one) for one in brings]),
        ]
    return section(("Bottleneck", "瓶颈"), note, *content, of=of)


def _brought(one: Sensitivity) -> tuple[str, ...]:
    return (
        said(*FASTER_WORDS.get(one.faster, (one.faster, one.faster))),
        f"{one.orders_per_hour:+.1f} ± {one.orders_half_width:.1f}",
        "–"
        if one.order_time_less_s is None or one.order_time_half_width is None
        else _seconds_more(-one.order_time_less_s, one.order_time_half_width),
    )


def _gantt(log: RunLog, seed: int, order: Sequence[str], left_out: frozenset[str], of: Words) -> str:
    drawn, minutes = charts.gantt([span for span in log.spans if span.device not in left_out], order)
    note = (
        f"The first {minutes:.0f} min of the measured time of the run with seed {seed}; point at a bar for its length.",
        f"种子 {seed} 的运行中测量时间的前 {minutes:.0f} 分钟；悬停查看时长。",
    )
    return section(("What the devices did", "设备时间线"), note, charts.state_legend(), drawn, of=of)


def _racks(log: RunLog, plant: Plant, of: Words) -> str:
    cranes = {crane.name for crane in plant.cranes}
    moved = [move for move in log.moves if move.by != OPENING_STOCK]
    visits = Counter(place for move in moved for place in (move.source, move.sink))
    blocked_s = blocked_at(log.spans, seen_by_moves(moved, cranes))
    note = (
        "Loads put in and taken out, or how long cranes stood blocked after their last move there.",
        "各货位进出次数，或堆垛机在该处完成取放后的阻塞时间。",
    )
    drawn = _rack_sides(visits, plant, _LOADS), _rack_sides(blocked_s, plant, _SECONDS)
    nobody = ("No crane was blocked in this run.", "本次运行中堆垛机无阻塞。")
    either = _visits_or_blocked(*drawn, sum(blocked_s.values()), nobody)
    return section(("Racks", "货架"), note, either, of=of)


def _rack_sides(counts: Mapping[str, float], plant: Plant, unit: Words) -> str:
    sides: dict[tuple[str, str], dict[tuple[int, int], float]] = {}
    for place, count in counts.items():
        fields = place.split("-")
        if len(fields) == 5 and fields[2].isdigit() and fields[3].isdigit():
            side, cell = sides.setdefault((fields[0], fields[1]), {}), (int(fields[2]), int(fields[3]))
            side[cell] = side.get(cell, 0) + count
    most = max((max(cells.values()) for cells in sides.values()), default=0)
    bays = {aisle.name: (aisle.bays, aisle.levels) for aisle in plant.aisles}
    drawn = (
        maps.rack(cells, *bays[aisle], most, f"{aisle} {hand}", unit)
        for (aisle, hand), cells in sorted(sides.items())
        if aisle in bays
    )
    return f'{maps.shades(most, unit)}<div class="racks">{"".join(drawn)}</div>'


def _track(log: RunLog, plant: Plant, of: Words) -> str:
    if not plant.track.nodes:
        return ""
    visits = Counter(passage.node for passage in log.passages)
    blocked_s = blocked_at(log.spans, seen_by_passages(log.passages))
    nodes = {node.name: (node.x_mm, node.y_mm) for node in plant.track.nodes}
    edges = [(edge.origin, edge.end) for edge in plant.track.edges]
    note = (
        "How often vehicles passed each node, or how long they stood blocked there: with an errand and no way.",
        "AGV 经过各节点的次数，或在该处阻塞（有任务而无路可走）的时间。",
    )
    drawn = maps.track(nodes, edges, visits, _PASSAGES), maps.track(nodes, edges, blocked_s, _SECONDS)
    nobody = ("No vehicle was blocked in this run.", "本次运行中 AGV 无阻塞。")
    either = _visits_or_blocked(*drawn, sum(blocked_s.values()), nobody)
    return section(("Roads", "路网"), note, either, of=of)


def _visits_or_blocked(visits: str, blocked: str, whole_s: float, nobody: tuple[str, str]) -> str:
    """Two drawings of which one is shown; where nobody was blocked, that is said instead of an empty one."""
    if not whole_s:
        return visits + said(*nobody, "p", ' class="note"')
    button = said(f"Blocked time ({whole_s:.0f} s)", f"阻塞时间（{whole_s:.0f} 秒）", "button", _TOGGLE)
    return f'<div class="either">{button}<div>{visits}</div><div class="blocked-time" hidden>{blocked}</div></div>'


def _player(seed: int, of: Words) -> str:
    controls = (
        '<div class="player"><button id="play" aria-pressed="false" aria-label="play or pause" '
        'data-zh-aria-label="播放或暂停">▶ / ❚❚</button>'
        '<input id="time" type="range" aria-label="time" data-zh-aria-label="时间"><span id="clock">00:00:00</span>'
        '<select id="speed" aria-label="speed" data-zh-aria-label="速度">'
        '<option value="1">×1</option><option value="10" selected>×10</option>'
        '<option value="60">×60</option></select></div>'
    )
    note = (
        f"The run with seed {seed}. Vehicles on their roads, cranes along their aisles; each drives so that it arrives "
        "when it is next seen.",
        f"种子 {seed} 的运行。AGV 在路网上，堆垛机沿巷道行驶；均按下一次确认的时刻到达。",
    )
    canvas = '<canvas id="plan" width="1000" height="560"></canvas>'
    drawn = section(("Playback", "回放"), note, controls, canvas, of=of)
    return f'<div class="screen-only">{drawn}</div>'


def _playback(log: RunLog, plant: Plant) -> str:
    """Data of the playback. `<` is escaped, so that no name ends the script."""
    index = {node.name: n for n, node in enumerate(plant.track.nodes)}
    xs, ys = [node.x_mm for node in plant.track.nodes] or [0], [node.y_mm for node in plant.track.nodes] or [0]
    passages = log.passages[:PASSAGES_MAX]
    times = [span.from_ms for span in log.spans] + [move.at_ms for move in log.moves]
    end = passages[-1].at_ms if len(log.passages) > PASSAGES_MAX else max(times, default=0)
    vehicles = []
    for vehicle in plant.vehicles:
        own = [passage for passage in passages if passage.vehicle == vehicle.name]
        vehicles.append([vehicle.name, [p.at_ms for p in own], [index[p.node] for p in own]])
    data = {
        "nodes": [[node.x_mm, node.y_mm] for node in plant.track.nodes],
        "edges": [[index[edge.origin], index[edge.end]] for edge in plant.track.edges],
        "vehicles": vehicles,
        "cranes": [_crane(log, plant, crane.name, crane.aisle) for crane in plant.cranes],
        "left": min(xs) - 2_000, "top": min(ys) - 2_000,
        "width": max(xs) - min(xs) + 6_000,
        "height": (max(ys) - min(ys) + 4_000) * (560 / max(1, 560 - 18 * len(plant.cranes) - 20)),
        "speed": max([vehicle.speed_mm_s for vehicle in plant.vehicles] or [1]),
        "from": min(times, default=0), "to": end,
    }  # fmt: skip
    return json.dumps(msgspec.to_builtins(data), separators=(",", ":")).replace("<", "\\u003c")


def _crane(log: RunLog, plant: Plant, crane: str, aisle: str) -> list[object]:
    """Its name, when and where along the aisle it moved loads, and how long it drives from end to end, ms."""
    bays, pitch_mm = next((one.bays, one.bay_pitch_mm) for one in plant.aisles if one.name == aisle)
    aisle_ms = round(1000 * bays * pitch_mm / next(one.speed_x_mm_s for one in plant.cranes if one.name == crane))
    moves = [move for move in log.moves if crane in (move.source, move.sink)]
    places = [move.sink if move.source == crane else move.source for move in moves]
    fields = [place.split("-") for place in places]
    shares = [int(f[2]) / bays if len(f) == 5 and f[2].isdigit() else 0.0 for f in fields]
    return [crane, [move.at_ms for move in moves], [round(share, 3) for share in shares], aisle_ms]
