"""What a run is asked and what it answers. Rule: a spec is plain data and says all, so equal specs give equal rows.

Units: `_ms` plant time from the run's start, `_s` seconds, rates an hour. A run's name is the hash of its spec and of
the sources, so that a repeat is free and a sweep goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import msgspec

from simulation.faults import Fault
from wcs.core.events import OrderLineWish
from wcs.plant.model import Plant, Record

SOURCE_ROOMS = ("slotting", "wcs", "devices", "simulation")
BUCKET_MS = 60_000  # of the series: one minute, so that a warm-up is found to the minute

HOUR_MS = 3_600_000


class ReplayedOrder(Record):
    """One real order: when it comes (ms after the start) and what it wants."""

    at_ms: int
    number: str
    lines: tuple[OrderLineWish, ...]


class WorkloadSpec(Record):
    """What the shops want and the suppliers bring.

    arrivals: "poisson", or "even" (equal gaps, one seed one phase).
    hourly_profile: relative weights of the hours of a day (24 of them, or none for a flat day).
    abc_skew: exponent on uniform draws of a SKU's rank; 1 is uniform, 2 gives a quarter of the SKUs half of the lines.
    affinity: share of an order's further lines that are drawn from the first line's neighbours in rank (baskets).
    inbound_per_hour: announced load units an hour; None: as many as are needed to replace what is picked.
    replay: real orders instead of drawn ones.
    """

    orders_per_hour: float = 60.0
    arrivals: str = "poisson"
    hourly_profile: tuple[float, ...] = ()
    lines_max: int = 4
    quantity_max: int = 4
    sku_count: int = 0
    abc_skew: float = 2.0
    affinity: float = 0.0
    inbound_per_hour: float | None = None
    replay: tuple[ReplayedOrder, ...] = ()


class LatencyProfile(Record):
    """One way of a telegram, by protocol: normal draws cut at the bounds; `planning_ms` lies before each command."""

    mean_ms: float = 40.0
    deviation_ms: float = 0.0
    low_ms: int = 1
    high_ms: int = 1_000
    planning_ms: int = 0


class StaffSpec(Record):
    """How long people take, ms: one line by hand (scan, count, confirm), one load unit lifted over, one alarm answered
    (walk there, look, answer). `service`: "fixed", or "exponential" about these means (as queueing theory has it).
    """

    pick_ms: int = 6_000
    carry_ms: int = 4_000
    answer_ms: int = 10_000
    service: str = "fixed"


class RunSpec(Record):
    """One run of the twin.

    hours: measured time, after `warm_up_hours` that count in no figure.
    policies: kind → name as in site.toml; what is not named is the default.
    faults: rates an hour by class of fault. script: those that come at moments of their own besides.
    closed: aisles, locations, stations and track nodes that are kept out of use from the start.
    start: digest of the site's state from which a warm start goes on; empty: opening stock, machines at rest.
    keep: "row" (figures only), or "log" (also what playback, Gantt charts and heat maps need).
    label: the scenario in comparisons; not part of the name.
    """

    plant: Plant
    workload: WorkloadSpec = WorkloadSpec()
    seed: int = 1
    hours: float = 1.0
    warm_up_hours: float = 0.0
    policies: dict[str, str] = msgspec.field(default_factory=dict)
    latency: dict[str, LatencyProfile] = msgspec.field(default_factory=dict)
    staff: StaffSpec = StaffSpec()
    faults: dict[str, float] = msgspec.field(default_factory=dict)
    script: tuple[Fault, ...] = ()
    closed: tuple[str, ...] = ()
    start: str = ""
    keep: str = "row"
    label: str = ""

    @property
    def warm_ms(self) -> int:
        """When the measured time begins, in plant time."""
        return int(self.warm_up_hours * HOUR_MS)

    @property
    def end_ms(self) -> int:
        """When the run ends, in plant time."""
        return int((self.warm_up_hours + self.hours) * HOUR_MS)

    def name(self) -> str:
        """Hash of everything that decides the row: the spec without its label and keeping, and the sources."""
        asked = msgspec.structs.replace(
            self,
            label="",
            keep="row",
            policies=dict(sorted(self.policies.items())),
            latency=dict(sorted(self.latency.items())),
            faults=dict(sorted(self.faults.items())),
        )
        text = msgspec.json.encode(asked)
        # As whoever gets it decoded would name it: 40 orders an hour are 40.0.
        text = msgspec.json.encode(msgspec.json.decode(text, type=RunSpec))
        return hashlib.sha256(text + sources_digest().encode()).hexdigest()[:16]


class Shares(Record):
    """How a device spent the measured time; the shares add up to 1."""

    busy: float = 0.0
    blocked: float = 0.0
    starved: float = 0.0
    faulted: float = 0.0
    charging: float = 0.0


class KpiRow(Record):
    """The figures of one run, None of what did not occur: the same spec gives the same row everywhere.

    diverged: why the run was ended before its time. behind: why its orders are more than the plant keeps up with; it
    was measured to its end all the same. Empty: it was not.
    """

    run: str
    label: str
    seed: int
    hours: float
    orders_placed: int
    orders_shipped: int
    throughput_per_hour: float
    lines_per_hour: float
    order_time_p50_s: float | None
    order_time_p95_s: float | None
    order_time_mean_s: float | None
    transports: int
    transports_per_hour: float
    open_orders: int
    utilisation: dict[str, Shares]
    events: int
    events_per_transport: float | None
    node_passages: int
    digest: str
    diverged: str = ""
    behind: str = ""


class Timing(Record):
    """What a run cost: differs from machine to machine, so it is no part of the row."""

    wall_s: float
    real_time_factor: float
    planner_share: float


class Series(Record):
    """Shipped orders and open orders a bucket from the start of the run (warm-up included), and each order's time."""

    bucket_ms: int
    shipped: tuple[int, ...]
    open_orders: tuple[int, ...]
    order_time_s: tuple[float, ...]


class Span(Record):
    """A device did one thing from one moment to another: "busy", "blocked", "starved", "faulted" or "charging"."""

    device: str
    from_ms: int
    to_ms: int
    state: str
    task: int = 0
    load_unit: int = 0


class Move(Record):
    """One line of the world's log."""

    at_ms: int
    load: int
    source: str
    sink: str
    by: str


class Passage(Record):
    """A vehicle confirmed a node."""

    at_ms: int
    vehicle: str
    node: str


class DeviceTimes(Record):
    """Of one device, by FEM 9.222 (what counts as which time stands in `downtimes.py`).

    tasks: device tasks that began and ended in the time; tasks_faulty: of those, with a malfunction or without success.
    """

    device: str
    kind: str
    service_ms: int
    a1_ms: int = 0
    a2_ms: int = 0
    a3_ms: int = 0
    a4_ms: int = 0
    maintenance_ms: int = 0
    faults: int = 0
    tasks: int = 0
    tasks_faulty: int = 0
    task_ms: int = 0

    @property
    def downtime_ms(self) -> int:
        return self.a1_ms + self.a2_ms + self.a3_ms + self.a4_ms

    @property
    def availability(self) -> float:
        """(tE - tA) / tE; 1 where no time has passed."""
        return 1 - self.downtime_ms / self.service_ms if self.service_ms else 1.0

    @property
    def reliability(self) -> float | None:
        """Share of tasks without a malfunction; None without tasks."""
        return 1 - self.tasks_faulty / self.tasks if self.tasks else None


class RunLog(Record):
    """What happened after the warm-up, for Gantt charts, heat maps and playback, in order of time."""

    spans: tuple[Span, ...]
    moves: tuple[Move, ...]
    passages: tuple[Passage, ...]
    devices: tuple[DeviceTimes, ...] = ()


class RunResult(Record):
    row: KpiRow
    timing: Timing
    series: Series
    log: RunLog | None = None


@cache
def sources_digest() -> str:
    """Hash of the code that decides and simulates: a changed rule makes other runs."""
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parent.parent
    for room in SOURCE_ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
