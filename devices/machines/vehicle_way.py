"""A vehicle's way over the track: nodes of the wire as legs with limits, and where a drive has come.

Rule: a vehicle that stands between two nodes goes on to the end of its edge, or backs to the node it came from.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import atan2

from devices.machines.kinematics import Run, braking_distance_mm, plan_run, run_state
from wcs.core.ports import DeviceTask
from wcs.plant.model import Plant, Record, TrackEdge, TrackNode, Vehicle


class Spot(Record):
    """Where a vehicle is: at `node` (the last confirmed), or `come_mm` from it on the edge to `ahead`."""

    node: int
    ahead: int = 0
    come_mm: int = 0


class Leg(Record):
    """One stretch of a drive on the edge origin → end, from `from_mm`; backwards it ends at `origin`.

    `nodes` is how many nodes of the way are done at its end (backing to the start of the edge is none).
    """

    origin: int
    end: int
    from_mm: int
    length_mm: int
    limit_mm_s: int
    backwards: bool = False
    nodes: int = 1

    @property
    def reached(self) -> int:
        """The node at the end of this leg."""
        return self.origin if self.backwards else self.end


class Drive(Record):
    """A drive under way; the first `passed` legs are done and confirmed."""

    started_ms: int
    legs: tuple[Leg, ...]
    run: Run
    passed: int = 0

    @property
    def next_pass_ms(self) -> int:
        """When the next node is reached."""
        return self.started_ms + self.run.passes_ms[self.passed]


class Roads:
    """The track by the numbers of the wire."""

    def __init__(self, plant: Plant, vehicle: Vehicle) -> None:
        numbers = {node.name: node.number for node in plant.track.nodes}
        self._nodes: dict[int, TrackNode] = {node.number: node for node in plant.track.nodes}
        self._edges: dict[tuple[int, int], TrackEdge] = {
            (numbers[edge.origin], numbers[edge.end]): edge for edge in plant.track.edges
        }
        self._vehicle = vehicle
        self._stop_places = {
            (node.number, stop.level): stop.transfer_point
            for node in plant.track.nodes
            for stop in reversed(node.stops)
        }
        self._whole_legs: dict[tuple[int, int, int], Leg] = {}  # by edge and limit: most are driven again and again
        self._headings: dict[tuple[int, int], int] = {}
        self.start = numbers[vehicle.start_node]
        self.stop_places = tuple(
            dict.fromkeys(stop.transfer_point for node in plant.track.nodes for stop in node.stops)
        )

    def node(self, number: int) -> TrackNode | None:
        """The node of a number."""
        return self._nodes.get(number)

    def stop_place(self, node: int, level: int) -> str | None:
        """The transfer point at a node and level."""
        return self._stop_places.get((node, level))

    def way(self, start: int, task: DeviceTask) -> tuple[int, ...]:
        """The nodes after `start` that a POSITION or EXTEND names, its sink last."""
        way: list[int] = []
        for node in (*(node for node in task.p[1:] if node), task.sink.a):
            if node != (way[-1] if way else start):
                way.append(node)
        return tuple(way)

    def joins(self, start: int, way: Iterable[int]) -> bool:
        """Whether each node of the way follows the one before it on an edge."""
        for node in way:
            if (start, node) not in self._edges:
                return False
            start = node
        return True

    def legs(self, spot: Spot, way: tuple[int, ...], limit_mm_s: int) -> tuple[Leg, ...]:
        """What there is to drive from here over the nodes of `way` (limit 0: the vehicle's own)."""
        legs: list[Leg] = []
        node, rest = spot.node, way
        if spot.ahead and rest[:1] == (spot.ahead,):
            legs.append(self._leg(node, spot.ahead, limit_mm_s, spot.come_mm))
            node, rest = spot.ahead, rest[1:]
        elif spot.ahead:
            legs.append(self._back(spot, limit_mm_s))
        for ahead in rest:
            leg = self._whole_legs.get((node, ahead, limit_mm_s))
            if leg is None:
                leg = self._whole_legs[node, ahead, limit_mm_s] = self._leg(node, ahead, limit_mm_s, 0)
            legs.append(leg)
            node = ahead
        return tuple(legs)

    def drive(self, at_ms: int, legs: tuple[Leg, ...], entry_speed_mm_s: float = 0.0) -> Drive:
        """The drive over these legs, beginning now."""
        run = plan_run(
            [leg.length_mm for leg in legs],
            [leg.limit_mm_s for leg in legs],
            self._vehicle.accel_mm_s2,
            entry_speed_mm_s,
        )
        return Drive(started_ms=at_ms, legs=legs, run=run)

    def until_it_can_stop(self, legs: tuple[Leg, ...], speed_mm_s: float) -> tuple[Leg, ...]:
        """The legs to the first node at which it can stop from this speed."""
        needed_mm = braking_distance_mm(speed_mm_s, self._vehicle.accel_mm_s2)
        for count in range(1, len(legs)):
            if sum(leg.length_mm for leg in legs[:count]) >= needed_mm:
                return legs[:count]
        return legs

    def coordinates(self, spot: Spot) -> tuple[int, int]:
        """x and y of a spot; edges are straight."""
        node = self._nodes[spot.node]
        if not spot.ahead:
            return node.x_mm, node.y_mm
        ahead, length = self._nodes[spot.ahead], self._edges[spot.node, spot.ahead].length_mm
        return (
            node.x_mm + (ahead.x_mm - node.x_mm) * spot.come_mm // length,
            node.y_mm + (ahead.y_mm - node.y_mm) * spot.come_mm // length,
        )

    def heading_mrad(self, origin: int, end: int) -> int:
        """The direction of an edge."""
        heading = self._headings.get((origin, end))
        if heading is None:
            first, last = self._nodes[origin], self._nodes[end]
            heading = round(atan2(last.y_mm - first.y_mm, last.x_mm - first.x_mm) * 1_000)
            self._headings[origin, end] = heading
        return heading

    def _leg(self, origin: int, end: int, limit_mm_s: int, from_mm: int) -> Leg:
        edge = self._edges[origin, end]
        return Leg(
            origin=origin,
            end=end,
            from_mm=from_mm,
            length_mm=max(1, edge.length_mm - from_mm),
            limit_mm_s=self._limit(edge, limit_mm_s),
        )

    def _back(self, spot: Spot, limit_mm_s: int) -> Leg:
        return Leg(
            origin=spot.node,
            end=spot.ahead,
            from_mm=spot.come_mm,
            length_mm=max(1, spot.come_mm),
            limit_mm_s=self._limit(self._edges[spot.node, spot.ahead], limit_mm_s),
            backwards=True,
            nodes=0,
        )

    def _limit(self, edge: TrackEdge, limit_mm_s: int) -> int:
        own = min(edge.speed_max_mm_s, self._vehicle.speed_mm_s)
        return min(own, limit_mm_s) if limit_mm_s else own


def driven(drive: Drive, now_ms: int) -> tuple[int, Spot, int, float]:
    """Where a drive is: legs done, spot, millimetres since its last confirmed node, and speed."""
    come_mm, speed_mm_s = run_state(drive.run, now_ms - drive.started_ms)
    done = drive.passed
    while done < len(drive.legs) and drive.started_ms + drive.run.passes_ms[done] <= now_ms:
        done += 1
    confirmed_mm = sum(leg.length_mm for leg in drive.legs[: drive.passed])
    if done == len(drive.legs):
        total_mm = sum(leg.length_mm for leg in drive.legs)
        return done, Spot(node=drive.legs[-1].reached), total_mm - confirmed_mm, 0.0
    leg = drive.legs[done]
    before_mm = sum(past.length_mm for past in drive.legs[:done])
    in_leg_mm = max(0, min(leg.length_mm, come_mm - before_mm))
    on_edge_mm = leg.from_mm - in_leg_mm if leg.backwards else leg.from_mm + in_leg_mm
    at_node = Spot(node=leg.origin)
    spot = Spot(node=leg.origin, ahead=leg.end, come_mm=on_edge_mm) if on_edge_mm > 0 else at_node
    return done, spot, max(0, before_mm + in_leg_mm - confirmed_mm), speed_mm_s
