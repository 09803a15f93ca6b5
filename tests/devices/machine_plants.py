"""Small named plants for the machine tests: numbers chosen so that times can be worked out by hand."""

from __future__ import annotations

from wcs.plant.model import (
    Aisle,
    Conveyor,
    CranePoint,
    Plant,
    Plc,
    Protocol,
    Side,
    StackerCrane,
    Track,
    TrackEdge,
    TrackNode,
    TrackStop,
    TransferPoint,
    Vehicle,
)


def one_aisle(*, depth: int = 1) -> Aisle:
    """Bays every metre from x = 1 m, levels every half metre from y = 0.5 m."""
    return Aisle(
        name="A1",
        number=1,
        sides=(Side.LEFT, Side.RIGHT),
        bays=10,
        levels=5,
        depth=depth,
        bay_pitch_mm=1_000,
        level_pitch_mm=500,
        x0_mm=1_000,
        y0_mm=500,
        location_height_mm=400,
        location_mass_max_g=30_000,
        zone="AMBIENT",
    )


def crane_plant(*, depth: int = 1) -> Plant:
    """One crane at 2 m/s and 1 m/s with 1 m/s², 4 s a fork cycle; transfer points at x = 0, y = 0.5 m and 1 m."""
    crane = StackerCrane(
        name="CR1",
        aisle="A1",
        speed_x_mm_s=2_000,
        speed_y_mm_s=1_000,
        accel_x_mm_s2=1_000,
        accel_y_mm_s2=1_000,
        fork_cycle_ms=4_000,
        transfer_points=(
            CranePoint(number=1, transfer_point="A1.IN", x_mm=0, y_mm=500),
            CranePoint(number=2, transfer_point="A1.OUT", x_mm=0, y_mm=1_000),
        ),
        home_x_mm=0,
        home_y_mm=500,
    )
    return _plant(aisles=(one_aisle(depth=depth),), cranes=(crane,), points=("A1.IN", "A1.OUT"))


def vehicle_plant() -> Plant:
    """A square of 10 m sides, N1 → N2 → N3 → N4 → N1, and a slow charging place N5 off N2. 2 m/s, 1 m/s²."""
    track = Track(
        nodes=(
            TrackNode(
                name="N1", number=1, x_mm=0, y_mm=0, stops=(TrackStop(level=1, transfer_point="T1"),), parking=True
            ),
            TrackNode(name="N2", number=2, x_mm=10_000, y_mm=0),
            TrackNode(name="N3", number=3, x_mm=10_000, y_mm=10_000, stops=(TrackStop(level=1, transfer_point="T3"),)),
            TrackNode(name="N4", number=4, x_mm=0, y_mm=10_000),
            TrackNode(name="N5", number=5, x_mm=14_000, y_mm=0, parking=True, charging=True),
        ),
        edges=(
            TrackEdge(origin="N1", end="N2", length_mm=10_000, speed_max_mm_s=2_000),
            TrackEdge(origin="N2", end="N3", length_mm=10_000, speed_max_mm_s=2_000),
            TrackEdge(origin="N3", end="N4", length_mm=10_000, speed_max_mm_s=2_000),
            TrackEdge(origin="N4", end="N1", length_mm=10_000, speed_max_mm_s=2_000),
            TrackEdge(origin="N2", end="N5", length_mm=4_000, speed_max_mm_s=1_000),
            TrackEdge(origin="N5", end="N2", length_mm=4_000, speed_max_mm_s=1_000),
        ),
    )
    vehicle = Vehicle(
        name="V1",
        start_node="N1",
        speed_mm_s=2_000,
        accel_mm_s2=1_000,
        handling_ms=6_000,
        battery_wh=100,
        drain_wh_per_km=50,
        charge_w=1_000,
    )
    return _plant(points=("T1", "T3"), track=track, vehicles=(vehicle,))


def _plant(
    *,
    points: tuple[str, ...],
    aisles: tuple[Aisle, ...] = (),
    cranes: tuple[StackerCrane, ...] = (),
    track: Track | None = None,
    vehicles: tuple[Vehicle, ...] = (),
) -> Plant:
    conveyor = Conveyor(
        name="CV",
        devices=("CV1",),
        merges=(),
        transfer_points=tuple(TransferPoint(name=name, device="CV1", index=index) for index, name in enumerate(points)),
        points=(),
        segments=(),
    )
    machines = (*(crane.name for crane in cranes), *(vehicle.name for vehicle in vehicles), "CV1")
    return Plant(
        name="small",
        load_types=(),
        aisles=aisles,
        cranes=cranes,
        conveyors=(conveyor,),
        stations=(),
        docks=(),
        clarification_points=(),
        track=track or Track(),
        vehicles=vehicles,
        plcs=(Plc(name="PLC1", protocol=Protocol.OPCUA, devices=machines),),
    )
