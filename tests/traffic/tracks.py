"""Small named tracks, and vehicles that drive on them as they are told: the world that the traffic tests look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from wcs.plant.model import Track, TrackEdge, TrackNode
from wcs.traffic.grants import next_grant
from wcs.traffic.records import Grant, VehicleTraffic
from wcs.traffic.state import Traffic

STEP_MS = 1000


def track(lanes: Sequence[str], parking: Sequence[str] = (), charging: Sequence[str] = ()) -> Track:
    """A track from lanes: "A>B>C" is one-way, "A-B-C" two-way; every edge takes a second."""
    names: list[str] = []
    edges: list[TrackEdge] = []
    for lane in lanes:
        way = ">" if ">" in lane else "-"
        nodes = lane.split(way)
        names += [node for node in nodes if node not in names]
        for origin, end in pairwise(nodes):
            edges.append(TrackEdge(origin=origin, end=end, length_mm=1000, speed_max_mm_s=1000))
            if way == "-":
                edges.append(TrackEdge(origin=end, end=origin, length_mm=1000, speed_max_mm_s=1000))
    nodes_made = tuple(
        TrackNode(name=name, number=n + 1, x_mm=0, y_mm=0, parking=name in parking, charging=name in charging)
        for n, name in enumerate(names)
    )
    return Track(nodes=nodes_made, edges=tuple(edges))


def traffic(on: Track, **places: str) -> Traffic:
    """V1="H1" or V1="H1@N3": the vehicle's home, and where it stands."""
    vehicles = []
    for name, place in places.items():
        home, _, node = place.partition("@")
        vehicles.append(VehicleTraffic(vehicle=name, home=home, node=node or home))
    return Traffic(on, vehicles)


class Drivers:
    """Vehicles that drive what they were granted, and know nothing else.

    A vehicle that drives stands with its body on two nodes. `stands` is checked after every step, by itself.
    """

    def __init__(self, state: Traffic, errands: dict[str, list[str]]) -> None:
        self.state = state
        self.errands = {name: list(sinks) for name, sinks in errands.items()}
        self.now_ms = 0
        self.steps = 0
        self.done: list[tuple[str, str]] = []
        self.at_work = dict.fromkeys(state.vehicles, 0)
        self.going: dict[str, str | None] = dict.fromkeys(state.vehicles)

    def finished(self) -> bool:
        idle = all(v.sink is None and not v.ahead for v in self.state.vehicles.values())
        return idle and not any(self.errands.values()) and not any(self.at_work.values())

    def ask(self, vehicle: str) -> bool:
        answer = next_grant(self.state, vehicle, self.now_ms)
        if isinstance(answer, Grant):
            self.state.grant(answer, self.now_ms)
        return isinstance(answer, Grant)

    def step(self, slow: Callable[[str], bool], work_steps: Callable[[], int] = lambda: 0) -> None:
        """One second: vehicles that are not slow reach the next node, get errands and ask."""
        self.now_ms += STEP_MS
        self.steps += 1
        for name in self.state.names:
            v = self.state.vehicles[name]
            if v.ahead and v.able and not slow(name):
                self.state.confirm(name, v.ahead[0], self.now_ms)
                after = self.state.vehicles[name]
                if v.sink is not None and after.sink is None:
                    self.done.append((name, v.sink))
                    self.at_work[name] = work_steps()
            elif self.at_work[name]:
                self.at_work[name] -= 1
        for name in self.state.names:
            v = self.state.vehicles[name]
            if v.sink is None and not self.at_work[name] and self.errands.get(name):
                sink = self.errands[name].pop(0)
                self.state.set_errand(name, sink, self.now_ms)
                if self.state.vehicles[name].sink is None:
                    self.done.append((name, sink))
        for name in self.state.waiting():
            self.ask(name)
        for name in self.state.names:
            if self.state.vehicles[name].sink is None and not self.at_work[name]:
                self.ask(name)
        self.nobody_collides()

    def nobody_collides(self) -> None:
        bodies: dict[str, str] = {}
        for name, v in self.state.vehicles.items():
            for node in dict.fromkeys((v.node, *v.ahead)):
                assert node not in bodies, f"{name} and {bodies[node]} both have {node} at {self.now_ms} ms"
                bodies[node] = name
            way = (v.node, *v.ahead)
            for origin, end in pairwise(way):
                assert self.state.graph.has_edge(self.state.node(origin), self.state.node(end))

    def run(self, steps_max: int, slow: Callable[[str], bool] = lambda name: False) -> None:
        while not self.finished():
            assert self.steps < steps_max, f"not done: {self.state.vehicles}, {self.errands}"
            self.step(slow)
