"""A synthetic plant for the twin's races: cranes behind long conveyors, a fleet between them, stations and docks.

    dock ─▶ vehicle ─▶ An.VIN ─ segments ─▶ An.IN ─▶ crane ─▶ An.OUT ─ segments ─▶ An.VOUT ─▶ vehicle
                       STn.VIN ─ segments ─▶ STn.PICK ─▶ (STn.HAND | segments ─▶ STn.VOUT ─▶ vehicle)

The track is a grid of one-way streets: aisles along its north side, stations along its south side
and the docks among them, so that no way to one leads through the whole building.
"""

from __future__ import annotations

from itertools import pairwise

from msgspec.structs import replace

from wcs.plant.file import load_plant
from wcs.plant.model import (
    Conveyor,
    CranePoint,
    Dock,
    PickStation,
    Plant,
    Plc,
    Point,
    PointKind,
    Protocol,
    Rates,
    Segment,
    Track,
    TrackEdge,
    TrackNode,
    TrackStop,
    TransferPoint,
    Vehicle,
)

ROWS = 8
SPACING_MM = 4_000
ORDER_PLACES = 8
QUEUE_LENGTH_MAX = 12


def twin_plant(
    *, aisles: int, stations: int, vehicles: int, segments: int, docks: int = 4, bays: int = 60, levels: int = 12
) -> Plant:
    """`aisles` cranes, `vehicles` on the track, about `segments` conveyor segments."""
    demo = load_plant("demo")
    rack = [replace(demo.aisles[0], name=f"A{n}", number=n, bays=bays, levels=levels) for n in range(1, aisles + 1)]
    cranes = [
        replace(
            demo.cranes[0],
            name=f"CR{a.number}",
            aisle=a.name,
            transfer_points=(
                CranePoint(number=1, transfer_point=f"{a.name}.IN", x_mm=0, y_mm=600),
                CranePoint(number=2, transfer_point=f"{a.name}.OUT", x_mm=0, y_mm=1000),
            ),
        )
        for a in rack
    ]
    chain = max(1, segments // (2 * aisles + 2 * stations))
    conveyors = [c for n, a in enumerate(rack, 1) for c in _aisle_conveyors(a.name, n, chain)]
    conveyors += [_station_conveyor(f"ST{n}", n, chain) for n in range(1, stations + 1)]
    tables = [_dock_tables(n) for n in range(1, docks + 1)]
    track, homes = _track(aisles, stations, docks, vehicles)
    fleet = tuple(replace(demo.vehicles[0], name=f"V{n}", start_node=home) for n, home in enumerate(homes, 1))
    return replace(
        demo,
        name="twin",
        clarification_points=(),
        aisles=tuple(rack),
        cranes=tuple(cranes),
        conveyors=(*conveyors, *tables),
        stations=tuple(_station(f"ST{n}") for n in range(1, stations + 1)),
        docks=tuple(
            Dock(name=f"D{n}", inbound_points=_points(n, "IN"), outbound_points=_points(n, "OUT"))
            for n in range(1, docks + 1)
        ),
        track=track,
        vehicles=fleet,
        plcs=_plcs(cranes=[c.name for c in cranes], fleet=fleet, conveyors=(*conveyors, *tables)),
        rates=Rates(),
    )


def _points(dock: int, way: str) -> tuple[str, ...]:
    return (f"D{dock}.{way}1", f"D{dock}.{way}2")


def _plcs(cranes: list[str], fleet: tuple[Vehicle, ...], conveyors: tuple[Conveyor, ...]) -> tuple[Plc, ...]:
    return (
        Plc(name="PLC1", protocol=Protocol.OPCUA, devices=tuple(cranes)),
        Plc(name="PLC2", protocol=Protocol.OPCUA, devices=tuple(v.name for v in fleet)),
        Plc(name="PLC3", protocol=Protocol.MODBUS, devices=tuple(d for c in conveyors for d in c.devices)),
    )


def _chain(name: str, origin: str, end: str, count: int) -> tuple[list[Segment], list[str]]:
    """`count` segments one after another, and the joints between them."""
    joints = [f"{name}.{n}" for n in range(1, count)]
    nodes = [origin, *joints, end]
    segments = [
        Segment(name=f"{a}>{b}", origin=a, end=b, length_mm=1_000, speed_mm_s=1_000, capacity=1)
        for a, b in pairwise(nodes)
    ]
    return segments, joints


def _transfers(device: str, names: list[str]) -> tuple[TransferPoint, ...]:
    return tuple(TransferPoint(name=name, device=device, index=n) for n, name in enumerate(names))


def _aisle_conveyors(aisle: str, number: int, chain: int) -> tuple[Conveyor, Conveyor]:
    """The way in and the way out: two conveyors, so that what waits on one takes no room on the other."""

    def line(name: str, origin: str, end: str) -> Conveyor:
        segments, joints = _chain(name, origin, end, chain)
        return Conveyor(
            name=name,
            devices=(f"{name}.C",),
            merges=tuple(joints),
            transfer_points=_transfers(f"{name}.C", [origin, end]),
            points=(),
            segments=tuple(segments),
        )

    return (
        line(f"CI{number}", f"{aisle}.VIN", f"{aisle}.IN"),
        line(f"CO{number}", f"{aisle}.OUT", f"{aisle}.VOUT"),
    )


def _station_conveyor(station: str, number: int, chain: int) -> Conveyor:
    way_in, joints_in = _chain(f"{station}.I", f"{station}.VIN", f"{station}.PICK", chain)
    way_out, joints_out = _chain(f"{station}.O", f"{station}.M", f"{station}.VOUT", chain)
    device = f"CS{number}"
    extra = [(f"{station}.PICK", f"{station}.M"), (f"{station}.PUT", f"{station}.M")]
    extra += [(f"{station}.PICK", f"{station}.HAND")]
    spurs = [Segment(name=f"{a}>{b}", origin=a, end=b, length_mm=2_000, speed_mm_s=1_000, capacity=2) for a, b in extra]
    point = Point(
        name=f"{station}.PICK",
        device=device,
        index=0,
        kind=PointKind.STATION,
        deadline_ms=0,
        default_exit=1,
        exits={1: spurs[0].name, 2: spurs[2].name},
    )
    return Conveyor(
        name=f"CVS{number}",
        devices=(device,),
        merges=(*joints_in, f"{station}.M", *joints_out),
        transfer_points=_transfers(device, [f"{station}.{p}" for p in ("VIN", "VOUT", "HAND", "PUT")]),
        points=(point,),
        segments=(*way_in, *spurs, *way_out),
    )


def _dock_tables(number: int) -> Conveyor:
    device = f"DK{number}"
    return Conveyor(
        name=f"DKT{number}",
        devices=(device,),
        merges=(),
        transfer_points=_transfers(device, [*_points(number, "IN"), *_points(number, "OUT")]),
        points=(),
        segments=(),
    )


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


def _track(aisles: int, stations: int, docks: int, vehicles: int) -> tuple[Track, list[str]]:
    """Streets, bays for the stops on both sides, and a parking node a vehicle between the streets' crossings."""
    south = 2 * stations + docks
    columns = max(2 * aisles, south, -(-vehicles // (ROWS - 2))) + 2
    nodes: list[TrackNode] = []
    edges: list[TrackEdge] = []

    def node(name: str, column: float, row: float, **more: object) -> str:
        at = {"x_mm": int(column * SPACING_MM), "y_mm": int(row * SPACING_MM)}
        nodes.append(TrackNode(name=name, number=len(nodes) + 1, **at, **more))  # type: ignore[arg-type]
        return name

    def edge(origin: str, end: str, share: float = 1.0) -> None:
        edges.append(TrackEdge(origin=origin, end=end, length_mm=int(SPACING_MM * share), speed_max_mm_s=2_000))

    crossing = {(r, c): node(f"J{r}.{c}", c, r) for r in range(ROWS) for c in range(columns)}
    for r in range(ROWS):
        row = [crossing[r, c] for c in range(columns)]
        for a, b in pairwise(row if r % 2 == 0 else row[::-1]):
            edge(a, b)
    for c in range(columns):
        street = [crossing[r, c] for r in range(ROWS)]
        north = c % 2 == 0 and c != columns - 1
        for a, b in pairwise(street[::-1] if north else street):
            edge(a, b)

    def bay(name: str, row: int, column: int, side: float, **more: object) -> str:
        onward = column + 1 if row % 2 == 0 else column - 1
        node(name, column + 0.5, row + side, **more)
        way = [crossing[row, column], name, crossing[row, onward]]
        if "stops" in more:  # room for one more to wait beside the street
            way.insert(1, node(f"{name}.Q", column + 0.2, row + side))
        for a, b in pairwise(way):
            edge(a, b, 0.7)
        return name

    for n in range(1, aisles + 1):
        bay(f"B.A{n}.IN", 0, 2 * n - 2, -0.5, stops=_stops(f"A{n}.VIN"))
        bay(f"B.A{n}.OUT", 0, 2 * n - 1, -0.5, stops=_stops(f"A{n}.VOUT"))
    column = 1
    for n in range(1, stations + 1):
        bay(f"B.ST{n}.IN", ROWS - 1, column, 0.5, stops=_stops(f"ST{n}.VIN"))
        bay(f"B.ST{n}.OUT", ROWS - 1, column + 1, 0.5, stops=_stops(f"ST{n}.VOUT"))
        column += 2
        for d in range((n - 1) * docks // stations + 1, n * docks // stations + 1):
            bay(f"B.D{d}", ROWS - 1, column, 0.5, stops=_stops(*_points(d, "IN"), *_points(d, "OUT")))
            column += 1
    homes = []
    for n in range(vehicles):
        lane, block = 1 + n % (ROWS - 2), n // (ROWS - 2)
        start = block if lane % 2 == 0 else block + 1
        homes.append(bay(f"P{n + 1}", lane, start, 0.5, parking=True, charging=True))
    return Track(nodes=tuple(nodes), edges=tuple(edges)), homes


def _stops(*points: str) -> tuple[TrackStop, ...]:
    return tuple(TrackStop(level=n, transfer_point=point) for n, point in enumerate(points, 1))
