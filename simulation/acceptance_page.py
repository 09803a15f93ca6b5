"""The acceptance book as one HTML file for the printer: no network, in English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from simulation.acceptance import AisleCycles, Availability, Book, DeviceAvailability
from simulation.crane_trials import Mean
from simulation.downtimes import Weighted
from simulation.report import page, section
from simulation.report_asked import Asked, asked_list
from simulation.report_charts import said, table
from simulation.spec import RunSpec

KINDS = {"crane": ("crane", "堆垛机"), "vehicle": ("vehicle", "AGV"), "conveyor": ("conveyor", "输送机")}
RUN_NOTE = (
    "A run of the twin: its operator resets a fault as soon as he comes to it, so these downtimes hold waiting and"
    " telegrams and no repair. Availability to be signed comes from the site's journal.",
    "孪生运行：其操作员一到即复位故障，故此处停机时间只含等待与通信，不含维修。用于签署的可用率应取自现场日志。",
)
SOURCES = {
    "run": ("Availability in the run", "运行中的可用率"),
    "journal": ("Availability in the site's journal", "现场日志中的可用率"),
    "log": ("Availability in the event log of a run", "运行事件日志中的可用率"),
}
CYCLE_HEADS = (
    ("aisle", "巷道"), ("crane", "堆垛机"), ("cycle", "作业循环"), ("FEM 9.851, s", "FEM 9.851（秒）"),
    ("Bozer-White without ramps, s", "Bozer-White 无加减速（秒）"),
    ("Bozer-White with ramps, s", "Bozer-White 含加减速（秒）"),
    ("simulated mean, s", "仿真均值（秒）"), ("simulated to FEM", "仿真与 FEM 之差"),
)  # fmt: skip
RACK_HEADS = (
    ("aisle", "巷道"), ("length, m", "长（米）"), ("height, m", "高（米）"), ("b", "b"), ("T, s", "T（秒）"),
    ("transfer points in the corner", "交接点在角上"),
)  # fmt: skip
DEVICE_HEADS = (
    ("device", "设备"), ("tE, min", "tE（分）"), ("tA1", "tA1"), ("tA2", "tA2"), ("tA3", "tA3"), ("tA4", "tA4"),
    ("tA, s", "tA（秒）"), ("tI, s", "tI（秒）"), ("malfunctions", "故障次数"), ("tasks", "任务数"),
    ("mean task, s", "任务均时（秒）"), ("reliability", "可靠度"), ("availability", "可用率"),
)  # fmt: skip
KIND_HEADS = (
    ("kind", "类别"), ("devices", "台数"), ("availability, k by units", "可用率（按台数加权）"),
    ("availability, k by tasks", "可用率（按任务数加权）"), ("reliability", "可靠度"),
)  # fmt: skip
CYCLES_NOTE = (
    "Fork cycles included. FEM 9.851: single over P1 (L/5, 2H/3) and P2 (2L/3, H/5), dual over both. Bozer-White:"
    " every location equally often, transfer points in the lower corner; as published it knows no acceleration, with"
    " ramps it has half of v/a more for each start and stop. Simulated: drawn locations on the machine model behind"
    " the virtual PLC, with the 95 % interval of the mean (Student).",
    "含货叉时间。FEM 9.851：单作业循环取 P1 (L/5, 2H/3) 与 P2 (2L/3, H/5) 的均值，复合作业循环依次经过两点。"
    "Bozer-White：各货位等概率，交接点位于下角；原式不含加减速，“含加减速”为每次启停各加 v/a 的一半。仿真：在"
    "虚拟 PLC 的设备模型上随机抽取货位，附均值的 95% 区间（Student）。",
)
RACK_NOTE = (
    "The rectangle of the formulas begins at the transfer points or the first bay, whichever comes first; where it"
    " begins before the first bay or the points are not in its corner, the formulas and the simulated mean differ.",
    "公式中的矩形从交接点或第一列起算（取靠前者）；若其早于第一列或交接点不在角上，公式与仿真均值会有差异。",
)
TIMES_NOTE = (
    "FEM 9.222: availability is (tE - tA) / tE, tA = tA1 + tA2 + tA3 + tA4, in seconds. tA1: until a person shows"
    " (mode or service changed, or the alarm answered); tA2: until the alarm is answered; tA3: answered and out of"
    " service; tA4: answered and in service, until it is able again. tI: cannot work by a person's wish, no fault"
    " known; not part of tA. Reliability: tasks without a malfunction by all tasks.",
    "FEM 9.222：可用率 = (tE − tA) / tE，tA = tA1 + tA2 + tA3 + tA4，单位秒。tA1：至有人介入（切换模式或服务状态，"
    "或应答报警）；tA2：至报警应答；tA3：已应答且停用；tA4：已应答且启用，至恢复可用。tI：无故障、人为停机，"
    "不计入 tA。可靠度：无故障任务数与总任务数之比。",
)
PRINT = """
.sign { display: flex; gap: 40px; margin-top: 60px; break-inside: avoid; }
.sign span { flex: 1; border-top: 1px solid var(--ink); padding-top: 4px; font-size: 13px; color: var(--soft); }
td, th { padding: 4px 7px; } p.note { max-width: none; }
@page { size: A4 landscape; }
@media print { th, p.note { font-size: 10px; } }
"""


def write_page(book: Book, path: Path, *, spec: RunSpec, asked: Asked, language: str = "en") -> None:
    """Write the book; `language` is in which it opens, "en" or "zh"."""
    head = asked_list([spec], asked, None, [book.run] if book.run else [])
    body = "".join((_cycles(book), _racks(book), *(_availability(one) for one in book.availability), _sign()))
    diverged = f'<p class="bad">{escape(book.diverged)}</p>' if book.diverged else ""
    whole = page(("Acceptance book", "验收报告"), book.plant, head + diverged + body, language, more_css=PRINT)
    path.write_text(whole, encoding="utf-8")


def _cycles(book: Book) -> str:
    rows = [row for aisle in book.aisles for row in (_cycle_row(aisle, dual=False), _cycle_row(aisle, dual=True))]
    return section(("Crane cycles", "堆垛机作业循环"), CYCLES_NOTE, table(CYCLE_HEADS, rows))


def _cycle_row(aisle: AisleCycles, *, dual: bool) -> Sequence[str]:
    fem, rule = aisle.fem_9851, aisle.bozer_white
    tried: Mean = aisle.simulated.dual if dual else aisle.simulated.single
    values = [one.dual_s if dual else one.single_s for one in (fem, rule.plain, rule.ramped)]
    return (
        escape(aisle.aisle),
        escape(aisle.crane),
        said("dual", "复合作业") if dual else said("single", "单作业"),
        *(f"{value:.2f}" for value in values),
        f"{tried.mean_s:.2f} ± {tried.half_width_s:.2f}",
        f"{tried.mean_s / values[0] - 1:+.1%}",
    )


def _racks(book: Book) -> str:
    rows = [
        (
            escape(aisle.aisle), f"{aisle.length_mm / 1000:.2f}", f"{aisle.height_mm / 1000:.2f}",
            f"{aisle.bozer_white.b:.3f}", f"{aisle.bozer_white.t_s:.2f}",
            said("yes", "是") if aisle.at_corner else said("no", "否"),
        )
        for aisle in book.aisles
    ]  # fmt: skip
    return section(("Racks", "货架"), RACK_NOTE, table(RACK_HEADS, rows))


def _availability(one: Availability) -> str:
    system = said("All kinds together (product, k by units): ", "各类合计（按台数加权之积）：")
    total = f"<p>{system}<strong>{one.system:.3%}</strong></p>"
    kinds = table(KIND_HEADS, [_kind_row(kind) for kind in one.kinds])
    devices = table(DEVICE_HEADS, [_device_row(device) for device in one.devices])
    caveat = said(*RUN_NOTE, "p", ' class="note"') if one.source != "journal" else ""
    return section(SOURCES[one.source], TIMES_NOTE, caveat, devices, total, kinds)


def _device_row(one: DeviceAvailability) -> Sequence[str]:
    times = one.times
    seconds = (times.a1_ms, times.a2_ms, times.a3_ms, times.a4_ms, one.downtime_ms, times.maintenance_ms)
    return (
        escape(times.device),
        f"{times.service_ms / 60_000:.0f}",
        *(f"{ms / 1000:.1f}" for ms in seconds),
        str(times.faults),
        str(times.tasks),
        "–" if one.mean_task_s is None else f"{one.mean_task_s:.1f}",
        _share(one.reliability),
        _share(one.availability),
    )


def _kind_row(kind: Weighted) -> Sequence[str]:
    shares = (kind.by_units, kind.by_tasks, kind.reliability)
    return (said(*KINDS[kind.kind]), str(kind.devices), *(_share(share) for share in shares))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"


def _sign() -> str:
    words = (("Supplier, date", "供应商、日期"), ("Customer, date", "客户、日期"))
    return f'<div class="sign">{"".join(said(*one) for one in words)}</div>'
