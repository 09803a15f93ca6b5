"""Whether a conveyor's belts lead somewhere, and what happens to a load for which nobody decides."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx

from wcs.plant.belts import Belts
from wcs.plant.finding import Finding
from wcs.plant.model import Conveyor, Plant, Point, PointKind


def check_belts(plant: Plant) -> tuple[Finding, ...]:
    """Dead ends, nodes that no belt serves, exits that are missing, defaults that lead astray."""
    clarification = frozenset(plant.clarification_points)
    return tuple(f for conveyor in plant.conveyors for f in _check(conveyor, clarification))


def _check(conveyor: Conveyor, clarification: frozenset[str]) -> Iterator[Finding]:
    belts = Belts(conveyor)
    yield from _segments(conveyor)
    yield from _transfer_points(conveyor)
    yield from _merges(conveyor)
    for point in conveyor.points:
        yield from _point(conveyor, point)
    yield from _dead_ends(belts)
    for point in conveyor.points:
        yield from _default(belts, point, clarification)


def _segments(conveyor: Conveyor) -> Iterator[Finding]:
    for segment in conveyor.segments:
        key = f"conveyors.{conveyor.name}.segments.{segment.name}"
        if segment.capacity < 1:
            yield Finding(
                key=f"{key}.capacity", reason=f"capacity {segment.capacity}: a segment holds at least one load"
            )
        if segment.origin == segment.end:
            yield Finding(key=f"{key}.end", reason=f"starts and ends at {segment.end}")


def _transfer_points(conveyor: Conveyor) -> Iterator[Finding]:
    starts = [s.origin for s in conveyor.segments]
    ends = {s.end for s in conveyor.segments}
    for transfer_point in conveyor.transfer_points:
        key = f"conveyors.{conveyor.name}.transfer_points.{transfer_point.name}"
        if conveyor.segments and transfer_point.name not in starts and transfer_point.name not in ends:
            yield Finding(key=key, reason="no segment starts or ends here")
        if starts.count(transfer_point.name) > 1:
            yield Finding(key=key, reason="several segments start here, and nothing decides between them")


def _merges(conveyor: Conveyor) -> Iterator[Finding]:
    for merge in conveyor.merges:
        key = f"conveyors.{conveyor.name}.merges.{merge}"
        leaving = sum(s.origin == merge for s in conveyor.segments)
        if not any(s.end == merge for s in conveyor.segments):
            yield Finding(key=key, reason="no segment ends here")
        if leaving == 0:
            yield Finding(key=key, reason="dead end: no segment starts here")
        elif leaving > 1:
            yield Finding(key=key, reason="several segments start here, and nothing decides between them")


def _point(conveyor: Conveyor, point: Point) -> Iterator[Finding]:
    key = f"conveyors.{conveyor.name}.points.{point.name}"
    if not any(s.end == point.name for s in conveyor.segments):
        yield Finding(key=key, reason="no segment ends here")
    if not point.exits:
        yield Finding(key=f"{key}.exits", reason="dead end: no exit")
    used = list(point.exits.values())
    for segment in conveyor.segments:
        if segment.origin == point.name and segment.name not in used:
            yield Finding(key=f"{key}.exits", reason=f"segment {segment.name} starts here, but is no exit")
    if len(set(used)) < len(used):
        yield Finding(key=f"{key}.exits", reason="two exits are the same segment")
    if point.kind is PointKind.STATION and point.deadline_ms != 0:
        yield Finding(key=f"{key}.deadline_ms", reason="a station's point waits for ever: its deadline is 0")
    if point.kind is not PointKind.STATION and point.deadline_ms == 0:
        yield Finding(key=f"{key}.deadline_ms", reason="0 means that loads wait for ever: only at stations")
    if point.kind is PointKind.IDENTIFICATION and not point.scanner:
        yield Finding(key=f"{key}.scanner", reason="an identification point has a scanner")
    if point.default_exit not in point.exits:  # a station's too: it is where a decision for no known exit leads
        yield Finding(key=f"{key}.default_exit", reason=f"there is no exit {point.default_exit}")


def _dead_ends(belts: Belts) -> Iterator[Finding]:
    """Nodes from which a load can come to no transfer point: it would circle or stand for ever."""
    conveyor = belts.conveyor
    transfer_points = {t.name for t in conveyor.transfer_points}
    safe = set(transfer_points)
    for name in transfer_points:
        safe.update(nx.ancestors(belts.graph, name))
    for node in belts.nodes:
        if node not in safe:
            kind = "merges" if node in conveyor.merges else "points"
            reason = "dead end: no transfer point can be reached from here"
            yield Finding(key=f"conveyors.{conveyor.name}.{kind}.{node}", reason=reason)


def _default(belts: Belts, point: Point, clarification: frozenset[str]) -> Iterator[Finding]:
    """Every default exit leads to an identification point or the clarification lane (device interface, points)."""
    if point.kind is PointKind.STATION or point.default_exit not in point.exits:
        return
    passed = list(belts.default_flow(point.name))
    for node in passed:
        met = belts.points.get(node)
        if node in clarification or (met is not None and met.kind is PointKind.IDENTIFICATION):
            return
    way = " - ".join((point.name, *passed))
    reason = f"exit {point.default_exit} leads to no identification point and no clarification lane: {way}"
    yield Finding(key=f"conveyors.{belts.conveyor.name}.points.{point.name}.default_exit", reason=reason)
