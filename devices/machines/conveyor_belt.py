"""The belts of a conveyor: how long a load travels, who goes first, and where there is room. Closed form, no ticks.

A load that enters a segment at time e reaches its end at e + length/speed, or one pitch (length/capacity) of travel
after the load ahead has left the end, whichever is later; two loads enter at least one pitch apart. That is all an
accumulating belt does.

Segments with nothing between them (a joint: one way in, one way on) are one belt, a `Lane`: between two nodes at which
something may happen nothing is computed. A load on such a lane is sensed on the lane's first segment until it leaves.

Rule against lock-up: *one slot of every loop stays free*. Follow each segment to the one where a load goes when
nobody decides (a merge has one way on, a point has its default exit). Every segment has at most one such successor,
so the loops of this graph share nothing, and a load that waits for room waits for its successor at worst (a point
whose decided exit is full falls back to the default). If every load of a loop waited for the next, the loop would be
full. It never is: a load from outside enters only if a slot is left after it, and moves within the loop keep the
number; a point on a loop has no other way in, so whoever may not enter yet waits beside it. So somewhere ahead of
some load there is room; that load moves, and the free slot travels backward past all of them. Loads elsewhere wait
for a loop, or for the transfer point at the end of their default way to be cleared, never in a circle. What is left
are loads at a stop without deadline: those wait for the WCS, by intent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from wcs.plant.model import Conveyor, PointKind, Segment

FREE_SLOTS = 1  # of every loop: one is enough to move and costs least room


class BeltClock(msgspec.Struct):
    """The time a block's belts have run: it stands with them, so that what was under way goes on where it stopped."""

    standing_ms: int = 0
    stopped_at: int | None = 0

    @property
    def running(self) -> bool:
        """Whether the belts move."""
        return self.stopped_at is None

    def belt_ms(self, now_ms: int) -> int:
        """Belt time at plant time now_ms."""
        return now_ms - self.standing_ms if self.stopped_at is None else self.stopped_at

    def plant_ms(self, belt_ms: int) -> int:
        """Plant time at which a running belt's clock shows belt_ms."""
        return belt_ms + self.standing_ms

    def stop(self, now_ms: int) -> None:
        """The belts stand from now on."""
        if self.stopped_at is None:
            self.stopped_at = now_ms - self.standing_ms

    def start(self, now_ms: int) -> None:
        """The belts run from now on."""
        if self.stopped_at is not None:
            self.standing_ms = now_ms - self.stopped_at
            self.stopped_at = None


class Ride(msgspec.Struct):
    """One load on a lane: when it reaches the end if nothing is in the way, and whether a point has scanned it.

    `segment` is where the world has it: the lane's first segment, unless a person has set it down on another.
    """

    number: int
    due_ms: int
    segment: str
    scanned: bool = False


class Lane(msgspec.Struct):
    """Segments up to the next node with their loads, first to leave first. Times are belt times of its clock."""

    name: str
    segments: tuple[str, ...]
    origin: str
    end: str
    device: str
    clock: BeltClock
    travel_ms: int
    pitch_ms: int
    capacity: int
    loop: int
    rides: list[Ride]
    entry_free_ms: int = 0
    end_free_ms: int = 0

    @property
    def full(self) -> bool:
        """Whether no load fits any more."""
        return len(self.rides) >= self.capacity

    def next_ride(self) -> Ride | None:
        """The first load that no point has scanned: the next to arrive at the end."""
        for ride in self.rides:
            if not ride.scanned:
                return ride
        return None

    def arrival_ms(self, ride: Ride) -> int:
        """Plant time at which this load, the next to arrive, is at the end (of a running belt)."""
        return self.clock.plant_ms(max(ride.due_ms, self.end_free_ms))

    def entry_ms(self) -> int:
        """Plant time from which the next load may enter, one pitch behind the last."""
        return self.clock.plant_ms(self.entry_free_ms)

    def segment_of(self, number: int) -> str:
        """The segment on which the world has this load."""
        return next((ride.segment for ride in self.rides if ride.number == number), self.name)

    def clear_end(self, now_ms: int) -> None:
        """The load at the end has gone on: the next one is there a pitch later at the earliest."""
        self.end_free_ms = self.clock.belt_ms(now_ms) + self.pitch_ms


class Loop(msgspec.Struct):
    """A circle of default ways: how many loads it may hold in all, and the nodes at which loads enter it."""

    lanes: list[Lane]
    stops: tuple[str, ...]
    loads_max: int
    entries: tuple[str, ...]
    loads: int = 0


class Belts:
    """All segments of one conveyor and the stations at which loads rest beside them."""

    def __init__(self, conveyor: Conveyor) -> None:
        self.clocks = {device: BeltClock() for device in conveyor.devices}
        joints, chains = _chains(conveyor)
        self.stops = {point.name: 0 for point in conveyor.points if point.kind == PointKind.STATION}
        self.lane_of_load: dict[int, Lane] = {}
        self.lanes = {chain[0].name: _lane(chain, conveyor, self.clocks) for chain in chains}
        self.lane_of_segment = {name: lane for lane in self.lanes.values() for name in lane.segments}
        self.merges = tuple(merge for merge in conveyor.merges if merge not in joints)
        self.into: dict[str, tuple[Lane, ...]] = {}
        self.out_of: dict[str, tuple[Lane, ...]] = {}
        for lane in self.lanes.values():
            self.into[lane.end] = (*self.into.get(lane.end, ()), lane)
            self.out_of[lane.origin] = (*self.out_of.get(lane.origin, ()), lane)
        for merge in self.merges:
            if len(self.out_of.get(merge, ())) != 1:
                raise ValueError(f"merge {merge} needs one way on, it has {len(self.out_of.get(merge, ()))}")
        self.loops = tuple(self._loop(names) for names in _circles(self._successors(conveyor)))
        for number, loop in enumerate(self.loops):
            for lane in loop.lanes:
                lane.loop = number
        self._loop_of_node = {lane.end: lane.loop for lane in self.lanes.values() if lane.loop >= 0}

    def power_up(self) -> None:
        """The belts stand and are taken for empty, until the world is sensed."""
        for clock in self.clocks.values():
            clock.standing_ms, clock.stopped_at = 0, 0
        for lane in self.lanes.values():
            lane.rides, lane.entry_free_ms, lane.end_free_ms = [], 0, 0
        self.stops = dict.fromkeys(self.stops, 0)
        self.lane_of_load.clear()
        for loop in self.loops:
            loop.loads = 0

    def enter(self, lane: Lane, number: int, now_ms: int, segment: str = "") -> int:
        """A load stands at a lane's beginning now; returns the plant time at which it can be at the end."""
        belt_ms = lane.clock.belt_ms(now_ms)
        lane.rides.append(Ride(number=number, due_ms=belt_ms + lane.travel_ms, segment=segment or lane.name))
        lane.entry_free_ms = belt_ms + lane.pitch_ms
        self.lane_of_load[number] = lane
        if lane.loop >= 0:
            self.loops[lane.loop].loads += 1
        return lane.clock.plant_ms(belt_ms + lane.travel_ms)

    def leave(self, lane: Lane, number: int) -> None:
        """A load is no longer on this lane."""
        kept = [ride for ride in lane.rides if ride.number != number]
        if len(kept) == len(lane.rides):
            return
        lane.rides = kept
        if self.lane_of_load.get(number) is lane:
            del self.lane_of_load[number]
        if lane.loop >= 0:
            self.loops[lane.loop].loads -= 1

    def rest(self, stop: str, number: int) -> None:
        """This load (0: none) rests at the stop now."""
        loop = self.loop_of_node(stop)
        if loop >= 0 and stop in self.loops[loop].stops:
            self.loops[loop].loads += (number != 0) - (self.stops[stop] != 0)
        self.stops[stop] = number

    def aboard(self, number: int) -> bool:
        """Whether a load is on a lane or rests at a stop."""
        return number in self.lane_of_load or number in self.stops.values()

    def admits(self, sink: Lane, source_loop: int) -> bool:
        """Whether a load coming from a lane of `source_loop` (-1: none) finds a slot, one of the loop left free."""
        if sink.full:
            return False
        if sink.loop in (-1, source_loop):
            return True
        loop = self.loops[sink.loop]
        return loop.loads < loop.loads_max

    def loop_of_node(self, node: str) -> int:
        """The loop that passes through this node, -1 if none does."""
        return self._loop_of_node.get(node, -1)

    def lane_of(self, node: str, number: int) -> Lane | None:
        """The lane into this node on which the load stands, if it stands on one."""
        lane = self.lane_of_load.get(number)
        return lane if lane is not None and lane.end == node else None

    def entries(self, loop: int) -> Iterator[str]:
        """Nodes at which a load may wait to enter this loop."""
        if loop >= 0:
            yield from self.loops[loop].entries

    def _successors(self, conveyor: Conveyor) -> dict[str, str]:
        """Where a load goes from each segment when nobody decides."""
        defaults = {point.name: point.exits[point.default_exit] for point in conveyor.points}
        onward = {merge: self.out_of[merge][0].name for merge in self.merges} | defaults
        return {lane.name: onward[lane.end] for lane in self.lanes.values() if lane.end in onward}

    def _loop(self, names: tuple[str, ...]) -> Loop:
        lanes = [self.lanes[name] for name in names]
        ends = [lane.end for lane in lanes]
        capacity = sum(lane.capacity for lane in lanes)
        for end in ends:
            if end not in self.merges and len(self.into[end]) > 1:
                raise ValueError(f"point {end} lies on a loop: what joins the loop there must merge before the point")
        feeders = {lane.origin for lane in lanes if any(f.name not in names for f in self.into.get(lane.origin, ()))}
        return Loop(
            lanes=lanes,
            stops=tuple(end for end in ends if end in self.stops),
            loads_max=capacity - FREE_SLOTS,
            entries=tuple(sorted(feeders)),
        )


def owners(conveyor: Conveyor) -> dict[str, str]:
    """The block of each transfer point and point."""
    owner = {place.name: place.device for place in conveyor.transfer_points}
    return owner | {point.name: point.device for point in conveyor.points}


def _chains(conveyor: Conveyor) -> tuple[frozenset[str], list[list[Segment]]]:
    """The joints, and the segments in chains from one other node to the next."""
    origin = {segment.origin: segment for segment in conveyor.segments}
    ways_in = Counter(segment.end for segment in conveyor.segments)
    ways_on = Counter(segment.origin for segment in conveyor.segments)
    joints = {merge for merge in conveyor.merges if ways_in[merge] == 1 and ways_on[merge] == 1}
    chains: list[list[Segment]] = []
    for segment in conveyor.segments:
        if segment.origin in joints:
            continue
        chain = [segment]
        while chain[-1].end in joints:
            chain.append(origin[chain[-1].end])
        chains.append(chain)
    return frozenset(joints), chains


def _lane(chain: list[Segment], conveyor: Conveyor, clocks: dict[str, BeltClock]) -> Lane:
    """An empty lane. It belongs to the block of the node at its end, for that is where loads are held."""
    owner = owners(conveyor)
    origin, end = chain[0].origin, chain[-1].end
    device = owner.get(end, owner.get(origin, conveyor.devices[0]))
    travels_ms = [-(-segment.length_mm * 1000 // segment.speed_mm_s) for segment in chain]
    return Lane(
        name=chain[0].name,
        segments=tuple(segment.name for segment in chain),
        origin=origin,
        end=end,
        device=device,
        clock=clocks[device],
        travel_ms=sum(travels_ms),
        pitch_ms=max(travel_ms // segment.capacity for travel_ms, segment in zip(travels_ms, chain, strict=True)),
        capacity=sum(segment.capacity for segment in chain),
        loop=-1,
        rides=[],
    )


def _circles(successors: dict[str, str]) -> list[tuple[str, ...]]:
    """The circles of a graph in which each node has at most one successor."""
    seen: set[str] = set()
    circles: list[tuple[str, ...]] = []
    for start in successors:
        way: list[str] = []
        name: str | None = start
        while name is not None and name not in seen:
            seen.add(name)
            way.append(name)
            name = successors.get(name)
        if name is not None and name in way:
            circles.append(tuple(way[way.index(name) :]))
    return circles
