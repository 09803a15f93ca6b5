"""What can go wrong in a building, as records: one vocabulary for the twin and for virtual PLCs.

Rule: a fault is data, with its moment, its target and its arguments, and is checked before anything runs. Random faults
are drawn by (seed, kind, counter), so that leaving one kind out changes no other's luck.

| kind | target | arguments (and what they are if left out) |
|---|---|---|
| telegram_lost | device | way (up), count (1): the next ones are lost; the session sends or reads again |
| telegram_late | device | way (up), count (1), delay_ms (2000): those behind them wait too |
| telegram_doubled | device | way (down), count (1) |
| telegram_reordered | device | delay_ms (300): the next command arrives behind those after it |
| stale_value | device | for_ms (3000): what it says is heard only then |
| connection_dropped | device | for_ms (10000) |
| plc_restart, plc_restart_wiped | device | for_ms (10000) until it is connected again |
| device_fault | crane, vehicle or conveyor | alarm (axis; jam of a conveyor), when (now, empty, loaded) |
| wrong_location | vehicle | for_ms (1000): it says that it stands at another node |
| no_read | identification point | count (1) |
| stuck_photo_eye | transfer point | for_ms (20000) |
| bin_occupied, bin_empty | location, or "any" | draw (0): which of those that are meant at that moment |
| operator_pause | crane or vehicle | for_ms (15000): the key switch is on manual |
| order_withdrawn | order, or "any" | draw (0) |
| disk_slow | "site" | for_ms (5000), delay_ms (400): commands leave so much later |
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from simulation.chance import Chance
from wcs.core.layout import Layout
from wcs.plant.locations import LocationTable
from wcs.plant.model import Plant, Record

Value = str | int
ANY = "any"
SITE = "site"
HOUR_MS = 3_600_000
FOR_MS_MAX = HOUR_MS  # beyond it a fault is another plant
COUNT_MAX = 100  # telegrams: beyond it the connection is dropped, and that is a fault of its own
FAULTS_MAX = 10_000  # of one run
DRAWS = 1_000_000  # values of `draw`
WAYS = ("up", "down")
WHEN = ("now", "empty", "loaded")
FAULT_ALARMS = ("emergency_stop", "overload", "axis", "contour", "jam", "localisation_lost")

DEVICE, MOVER, VEHICLE, POINT, TRANSFER, BIN, ORDER, HOST = (
    "device", "crane or vehicle", "vehicle", "identification point", "transfer point of a conveyor", "location",
    "order", "host",
)  # fmt: skip

KINDS: dict[str, tuple[str, dict[str, Value]]] = {
    "telegram_lost": (DEVICE, {"way": "up", "count": 1}),
    "telegram_late": (DEVICE, {"way": "up", "count": 1, "delay_ms": 2_000}),
    "telegram_doubled": (DEVICE, {"way": "down", "count": 1}),
    "telegram_reordered": (DEVICE, {"delay_ms": 300}),
    "stale_value": (DEVICE, {"for_ms": 3_000}),
    "connection_dropped": (DEVICE, {"for_ms": 10_000}),
    "plc_restart": (DEVICE, {"for_ms": 10_000}),
    "plc_restart_wiped": (DEVICE, {"for_ms": 10_000}),
    "device_fault": (DEVICE, {"alarm": "", "when": "now"}),
    "wrong_location": (VEHICLE, {"for_ms": 1_000}),
    "no_read": (POINT, {"count": 1}),
    "stuck_photo_eye": (TRANSFER, {"for_ms": 20_000}),
    "bin_occupied": (BIN, {"draw": 0}),
    "bin_empty": (BIN, {"draw": 0}),
    "operator_pause": (MOVER, {"for_ms": 15_000}),
    "order_withdrawn": (ORDER, {"draw": 0}),
    "disk_slow": (HOST, {"for_ms": 5_000, "delay_ms": 400}),
}


class FaultRefused(ValueError):
    """A fault that cannot be: its kind, target or an argument is unknown or out of range; `key` is which of them."""

    def __init__(self, text: str, key: str = "kind") -> None:
        super().__init__(text)
        self.key = key


class Fault(Record):
    """Something that goes wrong at a moment of plant time."""

    at_ms: int
    kind: str
    target: str
    arguments: Mapping[str, Value] = {}

    def value(self, name: str) -> Value:
        """An argument, or what it is if left out."""
        return self.arguments.get(name, KINDS[self.kind][1][name])

    def number(self, name: str) -> int:
        """An argument that is a number."""
        return int(self.value(name))


def targets(plant: Plant, kind: str) -> tuple[str, ...]:
    """The names that a fault of this kind may be aimed at, for a draw; "any" where the moment decides."""
    layout = Layout(plant)
    match KINDS[kind][0]:
        case "device":
            return tuple(layout.kinds)
        case "crane or vehicle":
            return (*(crane.name for crane in plant.cranes), *(vehicle.name for vehicle in plant.vehicles))
        case "vehicle":
            return tuple(vehicle.name for vehicle in plant.vehicles)
        case "identification point":
            return tuple(p.name for c in plant.conveyors for p in c.points)
        case "transfer point of a conveyor":
            return tuple(p.name for c in plant.conveyors for p in c.transfer_points)
        case "host":
            return (SITE,)
        case _:
            return (ANY,)


def check_fault(fault: Fault, plant: Plant) -> None:
    """Nothing, or what cannot be.

    Raises:
        FaultRefused: names the fault's kind, and what is wrong with it.
    """
    if fault.kind not in KINDS:
        raise FaultRefused(f"there is no fault {fault.kind!r}: wanted one of {', '.join(KINDS)}")
    if fault.at_ms < 0:
        raise FaultRefused(f"{fault.kind}: at_ms {fault.at_ms} is before the run begins", "at_minute")
    what, usual = KINDS[fault.kind]
    for name, value in fault.arguments.items():
        if name not in usual:
            raise FaultRefused(f"{fault.kind} has no argument {name!r}: wanted one of {', '.join(usual)}", name)
        _check_argument(fault.kind, name, value)
    named = fault.target in targets(plant, fault.kind)
    if what is ORDER:
        named = bool(fault.target)
    elif what is BIN:
        named = named or LocationTable(plant).has(fault.target)
    if not named:
        raise FaultRefused(f"{fault.kind}: {plant.name} has no {what} {fault.target!r}", "target")


def check_faults(faults: Iterable[Fault], plant: Plant) -> tuple[Fault, ...]:
    """All of them, in order of time; FaultRefused names the first that cannot be."""
    checked = tuple(sorted(faults, key=lambda fault: fault.at_ms))
    if len(checked) > FAULTS_MAX:
        raise FaultRefused(f"{len(checked)} faults are more than {FAULTS_MAX}")
    for fault in checked:
        check_fault(fault, plant)
    return checked


def _check_argument(kind: str, name: str, value: Value) -> None:
    choices = {"way": WAYS, "when": WHEN, "alarm": ("", *FAULT_ALARMS)}.get(name)
    if choices is not None:
        if value not in choices:
            raise FaultRefused(f"{kind}: {name} {value!r} is not one of {', '.join(filter(None, choices))}", name)
        return
    most = {"count": COUNT_MAX, "draw": DRAWS - 1}.get(name, FOR_MS_MAX)
    least = 0 if name == "draw" else 1
    if type(value) is not int or not least <= value <= most:
        raise FaultRefused(f"{kind}: {name} {value!r} is not from {least} to {most}", name)


def draw_faults(plant: Plant, seed: int, rates_per_hour: Mapping[str, float], *, until_ms: int) -> tuple[Fault, ...]:
    """Random faults from 0 to `until_ms`, each kind at its own rate.

    Raises:
        FaultRefused: a kind that there is not, or a rate below zero or beyond reason.
    """
    chance = Chance(seed)
    faults = []
    for kind, rate in rates_per_hour.items():
        if kind not in KINDS:
            raise FaultRefused(f"there is no fault {kind!r}: wanted one of {', '.join(KINDS)}")
        if not 0 <= rate * until_ms / HOUR_MS <= FAULTS_MAX / 2:
            raise FaultRefused(f"{kind}: {rate} an hour is below 0 or more than a run can hold")
        names = targets(plant, kind)
        moment_ms, counter = 0.0, 0
        while rate and names:
            counter += 1
            moment_ms -= math.log(1 - chance.unit("fault gap", kind, counter)) * HOUR_MS / rate
            if moment_ms > until_ms:
                break
            target = chance.choice(names, "fault target", kind, counter)
            faults.append(
                Fault(at_ms=int(moment_ms), kind=kind, target=target, arguments=_drawn(chance, kind, counter))
            )
    return check_faults(faults, plant)


def _drawn(chance: Chance, kind: str, counter: int) -> dict[str, Value]:
    """Arguments around the usual ones."""
    drawn: dict[str, Value] = {}
    for name, usual in KINDS[kind][1].items():
        stream = f"fault {kind} {name}"
        if name == "way":
            drawn[name] = chance.choice(WAYS, stream, kind, counter)
        elif name == "when":
            drawn[name] = chance.choice(WHEN, stream, kind, counter)
        elif name == "draw":
            drawn[name] = chance.integer(0, DRAWS - 1, stream, kind, counter)
        elif name == "count":
            drawn[name] = chance.integer(1, 3, stream, kind, counter)
        elif isinstance(usual, int):
            drawn[name] = chance.integer(max(1, usual // 4), usual * 2, stream, kind, counter)
    return drawn


def alarm_of(fault: Fault, *, conveyor: bool) -> str:
    """The alarm that a device fault raises."""
    return str(fault.value("alarm")) or ("jam" if conveyor else "axis")
