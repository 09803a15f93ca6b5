"""A closed network of vehicles as the mind sends them: loads always wait at the dock, and all go in at one entry.

    D (dock: each load is taken up there) ─▶ queue ─▶ E (entry of the belt: each is set down there) ─▶ queue ─▶ D

A vehicle stands at D and at E as long as a test says: it is stalled there, as the test port lets it be. All else takes
next to no time, so a vehicle that has set down its load has the next leg, and each place has room for all to queue.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from msgspec.structs import replace

from devices.machines.machine import Load
from simulation.twin import Twin
from tests.simulation.validation.quick_plant import quick_plant
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.ports import TaskType
from wcs.core.turn import Step
from wcs.plant.model import Conveyor, Plant, Track, TrackEdge, TrackNode, TrackStop, TransferPoint, Vehicle

SPEED_MM_S = 100_000
NO_RAMP_MM_S2 = 10**9
SHORT_MM = 100
HANDLING_MS = 2
CONNECTED_MS = 1_000
BLOCK = 8  # transfer points a device block has
DOCK_BLOCKS = 3

Draw = Callable[[int, int], int]
"""(station, how many were served there before) → how long the service takes, ms."""


def fleet_plant(vehicles: int) -> Plant:
    plant = quick_plant(order_places=1)
    devices = tuple(f"DK{n}" for n in range(1, DOCK_BLOCKS + 1))
    places = [f"D1.IN{n}" for n in range(1, BLOCK * DOCK_BLOCKS + 1)]
    table = Conveyor(
        name="DK", devices=devices, merges=(), points=(), segments=(),
        transfer_points=tuple(
            TransferPoint(name=name, device=devices[n // BLOCK], index=n % BLOCK) for n, name in enumerate(places)
        ),
    )  # fmt: skip
    stops = {
        "D": tuple(TrackStop(level=n, transfer_point=name) for n, name in enumerate(places, 1)),
        "E": (TrackStop(level=1, transfer_point="IN1"),),
    }
    road = ["E", *(f"Q1.{n}" for n in range(vehicles)), "D", *(f"Q2.{n}" for n in range(vehicles)), "E"]
    lanes = list(pairwise(road))
    homes = [f"HOME{n}" for n in range(vehicles)]
    for home in homes:
        lanes += [("Q1.0", home), (home, "Q1.0")]
    track = Track(
        nodes=tuple(
            TrackNode(name=name, number=n, x_mm=0, y_mm=0, parking=name in homes, stops=stops.get(name, ()))
            for n, name in enumerate([*road[:-1], *homes], 1)
        ),
        edges=tuple(TrackEdge(origin=a, end=b, length_mm=SHORT_MM, speed_max_mm_s=SPEED_MM_S) for a, b in lanes),
    )
    fleet = tuple(
        Vehicle(
            name=f"V{n}", start_node=home, speed_mm_s=SPEED_MM_S, accel_mm_s2=NO_RAMP_MM_S2,
            handling_ms=HANDLING_MS, battery_wh=1_000, drain_wh_per_km=0, charge_w=1_000,
        )
        for n, home in enumerate(homes)
    )  # fmt: skip
    loop = plant.conveyors[0]
    wide = tuple(replace(s, capacity=50) if s.name == "IN1.MIN" else s for s in loop.segments)
    racks = tuple(replace(aisle, bays=40, levels=20) for aisle in plant.aisles)
    return replace(
        plant, aisles=racks, conveyors=(replace(loop, segments=wide), table), track=track, vehicles=fleet,
        docks=(replace(plant.docks[0], inbound_points=tuple(places)),),
    )  # fmt: skip


class DispatchedFleet:
    """The plant at work; `rounds_ms` is when each load was set down at the entry."""

    def __init__(self, vehicles: int, service_ms: Draw) -> None:
        self.rounds_ms: list[int] = []
        self.twin = Twin(fleet_plant(vehicles))
        self.twin.wire = lambda way, device, telegram: (0,)
        self._service_ms = service_ms
        self._served = [0, 0]
        self._fleet = {vehicle.name for vehicle in self.twin.plant.vehicles}
        self._loads = 0
        self.twin.start()
        self.twin.run_to(CONNECTED_MS)
        self.twin.after_step.append(self._after)
        for place in self.twin.plant.docks[0].inbound_points:
            self._bring(place)

    def run(self, rounds: int, *, limit_ms: int) -> None:
        assert self.twin.run_until(lambda: len(self.rounds_ms) >= rounds, limit_ms=limit_ms)

    def _bring(self, place: str) -> None:
        """An empty carrier at the dock, as soon as the place takes one."""
        if self.twin.world.loads(place) or not self.twin.world.accepts(place):
            self.twin.env.call_in(1, self._bring, place)
            return
        self._loads += 1
        number = self._loads
        load = Load(number=number, barcode=f"T{number:06d}", load_type=1, mass_g=2_000, height_mm=300)
        self.twin.world.place(load, place, by="dock worker", now_ms=self.twin.now_ms)
        self.twin.handle(
            v.LoadUnitArrived(
                at_ms=self.twin.now_ms, actor="dock worker", delivery="", barcode=load.barcode, place=place, quantity=0,
                load_type=1, mass_g=load.mass_g, height_mm=load.height_mm, load_unit=number,
            )
        )  # fmt: skip

    def _after(self, step: Step) -> None:
        for fact in step.facts:
            match fact:
                case f.DeviceTaskStarted(open_task=task) if task.device in self._fleet:
                    if task.task.type is not TaskType.POSITION:
                        self._serve(task.device, 0 if task.task.type is TaskType.PICK else 1)
                case f.LoadUnitMoved(source=source, sink=sink) if source in self._fleet and sink == "IN1":
                    self.rounds_ms.append(self.twin.now_ms)
                case f.LoadUnitMoved(source=source, sink=sink) if sink in self._fleet:
                    self.twin.env.call_in(1, self._bring, source)

    def _serve(self, vehicle: str, station: int) -> None:
        service_ms = self._service_ms(station, self._served[station])
        self._served[station] += 1
        self.twin.inject(vehicle, "stall")
        self.twin.env.call_in(max(0, service_ms - HANDLING_MS), self.twin.inject, vehicle, "unstall")
