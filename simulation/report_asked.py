"""The head of a report: what was asked, so that a page found a year later can be asked again.

Rule: what all scenarios have in common is said once; what differs is said with all its values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from simulation.faults import Fault
from simulation.report_charts import Words, said
from simulation.spec import RunSpec, WorkloadSpec, sources_digest
from wcs.plant.model import Record
from wcs.plant.policies import POLICIES

VALUES_SHOWN = 8  # of what differs between scenarios; the labels say the rest
CHINESE = {"poisson": "泊松到达", "even": "均匀到达", "fixed": "固定", "exponential": "指数分布"}
NOT_SHAPE = ("orders_per_hour", "arrivals", "replay")


class Asked(Record):
    """What specs do not hold.

    plant: the name or file that was given. made, program: date and version. orders, start, latency: file or address
    (without its password) from which real orders, the beginning or the telegrams' times came.
    more: further lines, such as a gate, as words and value in both languages.
    """

    plant: str = ""
    made: str = ""
    program: str = ""
    orders: str = ""
    start: str = ""
    latency: str = ""
    more: tuple[tuple[Words, Words], ...] = ()


def alike(text: str) -> Words:
    """What is the same in both languages: a name, a number."""
    return text, text


def asked_list(specs: Sequence[RunSpec], asked: Asked, runs: Words | None, names: Sequence[str]) -> str:
    """The lines of the head: of the first runs' specs (one a scenario), `runs` (how many, which seeds), and the runs'
    names.
    """
    lines: list[tuple[Words, Words]] = []
    columns = [dict(_of_spec(spec, asked)) for spec in specs]
    for head in dict.fromkeys(head for column in columns for head in column):
        found = list(dict.fromkeys(column.get(head, ("–", "–")) for column in columns))
        shown = found[:VALUES_SHOWN] + ([("…", "…")] if len(found) > VALUES_SHOWN else [])
        differs = ("by scenario: ", "因方案而异：") if len(found) > 1 else ("", "")
        english, chinese = (differs[n] + " | ".join(one[n] for one in shown) for n in (0, 1))
        lines.append((head, (english, chinese)))
    if runs is not None:
        lines.append((("runs", "运行"), runs))
    lines += asked.more
    if asked.made:
        lines.append((("made", "生成时间"), alike(asked.made)))
    program = f"{asked.program}, sources {sources_digest()}", f"{asked.program}，源码 {sources_digest()}"
    lines.append((("program", "程序版本"), program if asked.program else ("–", "–")))
    if names:
        first, more = " ".join(names[:VALUES_SHOWN]), len(names) - VALUES_SHOWN
        lines.append(
            (
                ("hashes of the runs", "运行哈希"),
                (f"{first} and {more} more", f"{first} 等，另有 {more} 个") if more > 0 else (first, first),
            )
        )
    return f'<dl class="asked">{"".join(said(*head, "dt") + said(*value, "dd") for head, value in lines)}</dl>'


def _of_spec(spec: RunSpec, asked: Asked) -> Iterator[tuple[Words, Words]]:
    plant, name = spec.plant, spec.plant.name
    file = f" ({asked.plant})" if asked.plant and asked.plant != name else ""
    yield ("plant", "仓库"), (name + file, name + file)
    yield ("cranes", "堆垛机"), _same(_machines([crane.speed_x_mm_s for crane in plant.cranes]))
    yield ("vehicles", "AGV"), _same(_machines([vehicle.speed_mm_s for vehicle in plant.vehicles]))
    yield ("pick stations", "拣选台"), _same(str(len(plant.stations)))
    yield ("orders", "订单"), _orders(spec.workload, asked)
    if shape := _shape(spec.workload):
        yield ("shape of the orders", "订单结构"), _same(shape)
    yield (
        ("measured time", "测量时间"),
        (
            f"{spec.hours:g} h, after {spec.warm_up_hours:g} h of warm-up",
            f"{spec.hours:g} 小时（预热 {spec.warm_up_hours:g} 小时之后）",
        ),
    )
    chosen = {kind: spec.policies.get(kind, names[0]) for kind, names in POLICIES.items() if len(names) > 1}
    yield ("policies", "策略"), _same(_pairs(chosen | spec.policies))
    faults = _pairs(spec.faults)
    yield ("faults an hour", "每小时故障"), (faults or "none", faults or "无")
    if spec.script:
        yield ("scripted faults", "预设故障"), _script(spec.script)
    staff = spec.staff
    carried = [f"{ms / 1000:g}" for ms in (staff.pick_ms, staff.carry_ms, staff.answer_ms)]
    yield (
        ("people take", "人员用时"),
        (
            f"{carried[0]} s a line, {carried[1]} s a load carried, {carried[2]} s an alarm ({staff.service})",
            f"每行 {carried[0]} 秒，搬一件 {carried[1]} 秒，应答报警 {carried[2]} 秒（{CHINESE[staff.service]}）",
        ),
    )
    if spec.latency:
        means = ", ".join(f"{protocol} {one.mean_ms:.0f} ms" for protocol, one in sorted(spec.latency.items()))
        yield ("telegrams", "通信时延"), _same(f"{means} ({asked.latency})")
    if spec.closed:
        yield ("out of use", "停用"), _same(", ".join(spec.closed))
    if spec.start:
        yield (
            ("begins with", "初始状态"),
            (f"the state of {asked.start} ({spec.start[:16]})", f"{asked.start} 的状态（{spec.start[:16]}）"),
        )


def _script(script: Sequence[Fault]) -> Words:
    first = sorted(script, key=lambda fault: fault.at_ms)[:VALUES_SHOWN]
    more = len(script) - len(first)

    def told(minute: str, rest: str) -> str:
        lines = [minute.format(f"{fault.kind} {fault.target}", f"{fault.at_ms / 60_000:g}") for fault in first]
        return "; ".join(lines) + (rest.format(more) if more else "")

    return told("{} in minute {}", " and {} more"), told("{}（第 {} 分钟）", " 等，另有 {} 个")


def _same(text: str) -> Words:
    return text, text


def _machines(speeds_mm_s: Sequence[int]) -> str:
    speeds = sorted(set(speeds_mm_s))
    shown = "–".join(f"{speed / 1000:g}" for speed in dict.fromkeys((speeds[0], speeds[-1]))) if speeds else ""
    return f"{len(speeds_mm_s)} × {shown} m/s" if speeds else "0"


def _orders(workload: WorkloadSpec, asked: Asked) -> Words:
    if not workload.replay:
        rate = f"{workload.orders_per_hour:g}"
        return f"{rate} an hour, drawn ({workload.arrivals})", f"每小时 {rate}（抽取，{CHINESE[workload.arrivals]}）"
    count, hours = len(workload.replay), max(order.at_ms for order in workload.replay) / 3_600_000
    return (
        f"{count} real ones within {hours:.2f} h, of {asked.orders}",
        f"{count} 个真实订单，{hours:.2f} 小时内，来自 {asked.orders}",
    )


def _shape(workload: WorkloadSpec) -> str:
    """What is not as usual; the names are those of the option."""
    usual = msgspec.structs.asdict(WorkloadSpec())
    other = {k: v for k, v in msgspec.structs.asdict(workload).items() if k not in NOT_SHAPE and v != usual[k]}
    return _pairs(other)


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(
        f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in values.items()
    )
