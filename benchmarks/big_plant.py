"""A synthetic plant for races: the demo plant's docks and vehicles, and as many aisles and stations as are asked for.

    MIN -> ID1 -> DA1 -> MA1 -> ... -> DAn -> MAn -> DST1 -> MST1 -> ... -> DOUT -> (MIN)

The loop is the demo's, longer: at DA<n> loads leave to aisle n, at MA<n> what its crane retrieved joins.
"""

from __future__ import annotations

from itertools import pairwise

from msgspec.structs import replace

from wcs.plant.file import load_plant
from wcs.plant.model import (
    Aisle,
    Conveyor,
    CranePoint,
    PickStation,
    Plant,
    Plc,
    Point,
    PointKind,
    Protocol,
    Rates,
    Segment,
    StackerCrane,
    TransferPoint,
)

POINTS_A_DEVICE = 3
TRANSFER_POINTS_A_DEVICE = 8
SPEED_MM_S = 1_500  # faster than the demo's belt: the loop is five times as long
ORDER_PLACES = 14
# Sources under way to a station: more than the loop carries, so that a thousand transport orders stand open.
QUEUE_LENGTH_MAX = 150


def big_plant(*, aisles: int, bays: int, levels: int, stations: int) -> Plant:
    """`aisles` × 2 sides × `bays` × `levels` locations, a crane an aisle."""
    demo = load_plant("demo")
    names = [f"A{n}" for n in range(1, aisles + 1)]
    station_names = [f"ST{n}" for n in range(1, stations + 1)]
    conveyor = _loop(names, station_names)
    docks = next(c for c in demo.conveyors if c.name == "DK")
    rack = [_aisle(demo.aisles[0], name, n, bays, levels) for n, name in enumerate(names, 1)]
    cranes = [_crane(demo.cranes[0], aisle) for aisle in rack]
    return replace(
        demo,
        name="big",
        aisles=tuple(rack),
        cranes=tuple(cranes),
        conveyors=(conveyor, docks),
        stations=tuple(_station(s) for s in station_names),
        plcs=(
            Plc(name="PLC1", protocol=Protocol.OPCUA, devices=tuple(c.name for c in cranes)),
            Plc(name="PLC2", protocol=Protocol.OPCUA, devices=tuple(v.name for v in demo.vehicles)),
            Plc(name="PLC3", protocol=Protocol.MODBUS, devices=(*conveyor.devices, *docks.devices)),
        ),
        rates=Rates(),
    )


def _aisle(like: Aisle, name: str, number: int, bays: int, levels: int) -> Aisle:
    return replace(like, name=name, number=number, bays=bays, levels=levels)


def _crane(like: StackerCrane, aisle: Aisle) -> StackerCrane:
    points = (
        CranePoint(number=1, transfer_point=f"{aisle.name}.IN", x_mm=0, y_mm=600),
        CranePoint(number=2, transfer_point=f"{aisle.name}.OUT", x_mm=0, y_mm=1000),
    )
    return replace(like, name=f"CR{aisle.number}", aisle=aisle.name, transfer_points=points)


def _station(name: str) -> PickStation:
    return PickStation(
        name=name,
        pick_point=f"{name}.PICK",
        onward_exit=1,
        handover_exit=2,
        handover_point=f"{name}.HAND",
        put_on_point=f"{name}.PUT",
        order_places=tuple(f"{name}.O{n}" for n in range(1, ORDER_PLACES + 1)),
        queue_length_max=QUEUE_LENGTH_MAX,
    )


def _loop(aisles: list[str], stations: list[str]) -> Conveyor:
    """One loop past every aisle and station; each point's exit 1 stays on it."""
    nodes = ["MIN", "ID1"]
    for place in (*aisles, *stations):
        nodes += [f"D{place}", f"M{place}"]
    nodes += ["DOUT", "MIN"]
    loop = [_segment(f"LOOP{n}", a, b) for n, (a, b) in enumerate(pairwise(nodes), 1)]
    onward = {s.origin: s.name for s in loop}
    spurs = [("IN1", "MIN"), ("IN2", "MIN"), ("ID1", "CLAR"), ("DOUT", "OUT1"), ("DOUT", "OUT2")]
    for a in aisles:
        spurs += [(f"D{a}", f"{a}.IN"), (f"{a}.OUT", f"M{a}")]
    for s in stations:
        spurs += [(f"D{s}", f"{s}.PICK"), (f"{s}.PICK", f"M{s}"), (f"{s}.PICK", f"{s}.HAND"), (f"{s}.PUT", f"M{s}")]
    segments = [*loop, *(_segment(f"{a}>{b}", a, b) for a, b in spurs)]
    points = [("ID1", PointKind.IDENTIFICATION, 2_500)]
    for place in (*aisles, *stations):
        points.append((f"D{place}", PointKind.DECISION, 2_000))
        if place in stations:
            points.append((f"{place}.PICK", PointKind.STATION, 0))
    points.append(("DOUT", PointKind.DECISION, 2_000))
    ends = ["IN1", "IN2", "CLAR", "OUT1", "OUT2"]
    ends += [f"{a}.{way}" for a in aisles for way in ("IN", "OUT")]
    ends += [f"{s}.{way}" for s in stations for way in ("HAND", "PUT")]
    devices = -(-max(len(points) * TRANSFER_POINTS_A_DEVICE, len(ends) * POINTS_A_DEVICE) // 24)
    return Conveyor(
        name="CV",
        devices=tuple(f"CV{n}" for n in range(1, devices + 1)),
        merges=("MIN", *(f"M{place}" for place in (*aisles, *stations))),
        transfer_points=tuple(
            TransferPoint(name=end, device=f"CV{n // TRANSFER_POINTS_A_DEVICE + 1}", index=n % TRANSFER_POINTS_A_DEVICE)
            for n, end in enumerate(ends)
        ),
        points=tuple(_point(n, *point, onward, spurs) for n, point in enumerate(points)),
        segments=tuple(segments),
    )


def _point(
    n: int, name: str, kind: PointKind, deadline_ms: int, onward: dict[str, str], spurs: list[tuple[str, str]]
) -> Point:
    ways = [onward[name]] if name in onward else []
    ways += [f"{a}>{b}" for a, b in spurs if a == name]
    return Point(
        name=name,
        device=f"CV{n // POINTS_A_DEVICE + 1}",
        index=n % POINTS_A_DEVICE,
        kind=kind,
        deadline_ms=deadline_ms,
        default_exit=1,
        exits=dict(enumerate(ways, 1)),
        scale=kind is PointKind.IDENTIFICATION,
        contour=kind is PointKind.IDENTIFICATION,
    )


def _segment(name: str, origin: str, end: str) -> Segment:
    return Segment(name=name, origin=origin, end=end, length_mm=3_000, speed_mm_s=SPEED_MM_S, capacity=5)
