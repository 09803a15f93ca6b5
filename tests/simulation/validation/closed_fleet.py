"""A closed network of vehicles: N machines under the traffic's reservation go round, queue, are served, and go home.

    home i ─(own lane)─▶ M ─▶ queue ─▶ S1 ─▶ queue ─▶ S2 ─▶ X ─(own lane)─▶ home i

A vehicle stands loaded at a station until the taker there takes the load (its wire says when: the service), sets it
down, takes it up again and drives on. The lanes home are long and each vehicle's own: a delay, in which nobody waits.
All other lanes take a millisecond, and each queue has room for the whole fleet, so nobody is blocked behind a station.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count, pairwise

from devices.machines.machine import Load
from devices.machines.vehicle import VehicleMachine
from devices.machines.world import MemoryWorld
from wcs.core.ports import AckCode, Address, CommandCode, DeviceCommand, DeviceState, DeviceTask, ResultCode, TaskType
from wcs.plant.model import Conveyor, Plant, Track, TrackEdge, TrackNode, TrackStop, TransferPoint, Vehicle
from wcs.traffic.grants import NODES_MAX, next_grant
from wcs.traffic.homes import start_traffic
from wcs.traffic.records import Grant

SPEED_MM_S = 100_000
NO_RAMP_MM_S2 = 10**9
SHORT_MM = 100
HANDLING_MS = 2
STATIONS = ("S1", "S2")
NOWHERE = Address()

Draw = Callable[[int, int], int]
"""(station, how many were served there before) → how long the service takes, ms."""


def fleet_plant(vehicles: int, home_lane_ms: int) -> Plant:
    """The track of the picture, its vehicles at home."""
    queues = [[f"Q{k}.{n}" for n in range(vehicles)] for k in (1, 2)]
    road = ["M", *queues[0], "S1", *queues[1], "S2", "X"]
    lanes = [(a, b, SHORT_MM) for a, b in pairwise(road)]
    names, long_mm = list(road), home_lane_ms * SPEED_MM_S // 1_000
    for n in range(vehicles):
        names += [f"OFF{n}", f"HOME{n}", f"ON{n}"]
        lanes += [("X", f"OFF{n}", SHORT_MM), (f"OFF{n}", f"HOME{n}", long_mm)]
        lanes += [(f"HOME{n}", f"ON{n}", long_mm), (f"ON{n}", "M", SHORT_MM)]
    stops = {name: (TrackStop(level=1, transfer_point=f"{name}.T"),) for name in STATIONS}
    track = Track(
        nodes=tuple(
            TrackNode(
                name=name, number=n, x_mm=0, y_mm=0, parking=name.startswith("HOME"), stops=stops.get(name, ())
            )
            for n, name in enumerate(names, 1)
        ),
        edges=tuple(TrackEdge(origin=a, end=b, length_mm=mm, speed_max_mm_s=SPEED_MM_S) for a, b, mm in lanes),
    )  # fmt: skip
    places = tuple(TransferPoint(name=f"{name}.T", device="CV1", index=n) for n, name in enumerate(STATIONS))
    table = Conveyor(name="CV", devices=("CV1",), merges=(), transfer_points=places, points=(), segments=())
    fleet = tuple(
        Vehicle(
            name=f"V{n}", start_node=f"HOME{n}", speed_mm_s=SPEED_MM_S, accel_mm_s2=NO_RAMP_MM_S2,
            handling_ms=HANDLING_MS, battery_wh=1_000, drain_wh_per_km=0, charge_w=1_000,
        )
        for n in range(vehicles)
    )  # fmt: skip
    return Plant(
        name="closed", load_types=(), aisles=(), cranes=(), conveyors=(table,), stations=(), docks=(),
        clarification_points=(), track=track, vehicles=fleet, plcs=(),
    )  # fmt: skip


class ClosedFleet:
    """The vehicles at work; `rounds_ms` is when each round ended at a home."""

    def __init__(self, vehicles: int, home_lane_ms: int, service_ms: Draw) -> None:
        plant = fleet_plant(vehicles, home_lane_ms)
        self.world = MemoryWorld(plant)
        self.traffic = start_traffic(plant.track, plant.vehicles)
        self.machines = {vehicle.name: VehicleMachine(plant, vehicle, self.world) for vehicle in plant.vehicles}
        self.now_ms = 0
        self.rounds_ms: list[int] = []
        self._service_ms = service_ms
        self._served = dict.fromkeys(STATIONS, 0)
        self._numbers = {node.name: node.number for node in plant.track.nodes}
        self._names = {node.number: node.name for node in plant.track.nodes}
        self._task: dict[str, DeviceTask | None] = dict.fromkeys(self.machines)
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._sequence = count(1)
        for n, name in enumerate(self.machines, 1):
            load = Load(number=n, barcode=f"T{n}", load_type=1, mass_g=5_000, height_mm=300)
            self.world.place(load, name, by="test", now_ms=0)
            self.traffic.set_errand(name, "S1", 0)

    def run(self, rounds: int) -> None:
        """Until so many rounds have ended."""
        self._lead()
        while len(self.rounds_ms) < rounds:
            self.now_ms, _, happens = heapq.heappop(self._agenda)
            happens()
            self._lead()

    def _at(self, at_ms: int, happens: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (at_ms, next(self._order), happens))

    def _lead(self) -> None:
        """Whoever waits for the road and is granted a stretch is sent along it, the oldest errand first."""
        for name in self.traffic.waiting():
            if self._task[name] is not None:
                continue
            v = self.traffic.vehicles[name]
            nodes_max = 1 if v.node == v.home else NODES_MAX  # who comes from home holds the road when it is there
            answer = next_grant(self.traffic, name, self.now_ms, nodes_max=nodes_max)
            if isinstance(answer, Grant):
                self.traffic.grant(answer, self.now_ms)
                *via, sink = (self._numbers[node] for node in answer.nodes)
                p2, p3, p4 = (*via, 0, 0, 0)[:3]
                self._send(name, TaskType.POSITION, sink=Address(a=sink), p=(0, p2, p3, p4))

    def _send(
        self, name: str, type: TaskType, *, source: Address = NOWHERE, sink: Address = NOWHERE,
        p: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> None:  # fmt: skip
        sequence = next(self._sequence)
        self._task[name] = DeviceTask(number=sequence, type=type, source=source, sink=sink, p=p)
        self._command(name, CommandCode.TASK, sequence, self._task[name])
        self._await(name)

    def _command(self, name: str, code: CommandCode, number: int, task: DeviceTask | None = None) -> None:
        command = DeviceCommand(
            device=name, epoch=1, sequence=next(self._sequence), code=code, task_number=number, task=task
        )
        self.machines[name].command(command, self.now_ms)
        assert self.machines[name].status(name).ack_code == AckCode.ACCEPTED

    def _await(self, name: str) -> None:
        """Look at the machine when it next wants to be looked at."""
        due_ms = self.machines[name].next_due_ms()
        if due_ms is not None:
            self._at(max(due_ms, self.now_ms), lambda: self._look(name))

    def _look(self, name: str) -> None:
        machine = self.machines[name]
        machine.advance(self.now_ms)
        status, task = machine.status(name), self._task[name]
        node = self._names[status.confirmed[0]]
        if node in self.traffic.vehicles[name].ahead:
            self.traffic.confirm(name, node, self.now_ms)
        if task is None or status.state != DeviceState.DONE:
            self._await(name)
            return
        assert status.result == ResultCode.OK
        self._command(name, CommandCode.RECEIPT, task.number)
        self._task[name] = None
        self._next(name, node, task.type)

    def _next(self, name: str, node: str, done: TaskType) -> None:
        """A task is done: what comes now."""
        here = Address(a=self._numbers[node], b=1)
        if done == TaskType.DEPOSIT:
            self._send(name, TaskType.PICK, source=here)
        elif done == TaskType.PICK:
            onward = {"S1": "S2", "S2": self.traffic.vehicles[name].home}
            self.traffic.set_errand(name, onward[node], self.now_ms)
        elif self.traffic.vehicles[name].sink is not None:
            return
        elif node in STATIONS:
            self._serve(name, node, here)
        else:
            self.rounds_ms.append(self.now_ms)
            self.traffic.set_errand(name, "S1", self.now_ms)

    def _serve(self, name: str, node: str, here: Address) -> None:
        place = f"{node}.T"
        service_ms = self._service_ms(STATIONS.index(node), self._served[node])
        self._served[node] += 1
        self.world.set_accepts(place, False)
        self._send(name, TaskType.DEPOSIT, sink=here)

        def taken() -> None:
            self.world.set_accepts(place, True)
            self._look(name)

        self._at(self.now_ms + service_ms - 2 * HANDLING_MS, taken)
