"""How loads go along a conveyor: an agenda of nodes at which something is due, worked off in order of time and name.

Rule: what is physical is read from the world and moved there, one line a move; everything else is `FlowMemory`. A
node is worked when a load may have arrived, when there may be room behind it, or when a deadline passes; working it
once too often changes nothing, so a change simply wakes the nodes that it may concern.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from heapq import heappop, heappush

from msgspec.structs import replace

from devices.machines.conveyor_belt import Belts, Lane, owners
from devices.machines.conveyor_divert import Diverts
from devices.machines.conveyor_point import PointMemory, left, scanned, taken_away, timed_out
from devices.machines.conveyor_transfer import TransferKind, TransferMemory, cleared, covered
from devices.machines.machine import Load, World
from devices.machines.world import WorldRefused
from wcs.plant.model import Conveyor, LoadType, Point, Record

TRACK_MAX = 0xFFFFFFFF  # two words, never 0
GHOST = -1  # what a stuck photo-eye sees: something, but no load


class FlowMemory(Record):
    """What the PLC keeps of its loads: TrackNumbers by load, and its transfer points and points in plant order."""

    next_track: int
    transfers: tuple[TransferMemory, ...]
    points: tuple[PointMemory, ...]
    tracks: tuple[tuple[int, int], ...] = ()


class Flow:
    """Belts, points and transfer points of one conveyor in plant time.

    Args:
        conveyor: what stands there.
        world: senses and moves the loads.
        load_types: their limits of mass and height.
        first_track: the first TrackNumber to give.
        deadline_factor: plant time a unit of wall time, so that a point's deadline stays in wall time.
    """

    def __init__(
        self, conveyor: Conveyor, world: World, load_types: tuple[LoadType, ...], first_track: int, deadline_factor: int
    ) -> None:
        self.belts = Belts(conveyor)
        self.points = {point.name: point for point in conveyor.points}
        self.kinds = {place.name: _kind(place.name, self.belts) for place in conveyor.transfer_points}
        self.owners = owners(conveyor)
        self.moves = 0
        self.stuck_eyes: set[str] = set()
        self.no_reads: dict[str, int] = {}
        self.transfer_memory = {name: TransferMemory() for name in self.kinds}
        self.point_memory = {name: PointMemory() for name in self.points}
        self.agenda: dict[str, int] = {}
        self._world = world
        self._by = conveyor.name
        self._types = {load_type.number: load_type for load_type in load_types}
        self._next_track = first_track
        self._tracks: dict[int, int] = {}
        self._diverts = Diverts(self.belts, deadline_factor)
        self.watched = (*self.kinds, *self.belts.stops, *self.belts.lane_of_segment)
        self._rank = {place: -n for n, place in enumerate(self.watched)}
        self._changed = world.listen(self.watched)
        self._changed.update(self.watched)
        self._queue: list[tuple[int, str]] = []
        self.changed_words = {*self.kinds, *self.points}

    # --- memory ---

    def memory(self) -> FlowMemory:
        """The retentive part, as it is now."""
        return FlowMemory(
            next_track=self._next_track,
            tracks=tuple(self._tracks.items()),
            transfers=tuple(self.transfer_memory.values()),
            points=tuple(self.point_memory.values()),
        )

    def recover(self, memory: FlowMemory, now_ms: int) -> None:
        """Power-up: what the world shows and memory knows; each load has its whole way to the end before it.

        A load that had been scanned stands at the divert's side of the scanner still, so its event stays open.
        """
        self._next_track = memory.next_track
        self._tracks = dict(memory.tracks)
        self.transfer_memory = dict(zip(self.kinds, memory.transfers, strict=True))
        self.point_memory = dict(zip(self.points, memory.points, strict=True))
        self.agenda.clear()
        self._queue.clear()
        self._diverts.clear()
        self._changed.update(self.watched)
        self.changed_words.update(self.kinds, self.points)
        self.sense(now_ms)
        for name in self.points:
            self._recover_point(name, now_ms)
        here = {memory.number for memory in self.transfer_memory.values()}
        self._tracks = {
            number: track for number, track in self._tracks.items() if number in here or self.belts.aboard(number)
        }

    def _recover_point(self, name: str, now_ms: int) -> None:
        memory = self.point_memory[name]
        for entry in memory.under_way:
            lane = self.belts.lane_of(name, entry.number)
            ride = next((r for r in lane.rides if r.number == entry.number), None) if lane else None
            if ride is None and self.belts.stops.get(name) != entry.number:
                memory = taken_away(memory, entry.number)
                continue
            if ride is not None:
                ride.scanned = True
            self._diverts.expect(self.points[name], entry.number, now_ms)
        self.point_memory[name] = memory

    def set_transfer(self, name: str, memory: TransferMemory) -> None:
        """A transfer point's memory; what it says may have changed."""
        if memory is not self.transfer_memory[name]:
            self.transfer_memory[name] = memory
            self.changed_words.add(name)

    def set_point(self, name: str, memory: PointMemory) -> None:
        """A point's memory; what it says may have changed."""
        if memory is not self.point_memory[name]:
            self.point_memory[name] = memory
            self.changed_words.add(name)

    # --- agenda ---

    def wake(self, node: str, at_ms: int) -> None:
        """Something may happen at this node then."""
        due = self.agenda.get(node)
        if due is None or at_ms < due:
            self.agenda[node] = at_ms
            heappush(self._queue, (at_ms, node))

    def next_due_ms(self) -> int | None:
        """When the next node is due."""
        queue = self._queue
        while queue and self.agenda.get(queue[0][1]) != queue[0][0]:
            heappop(queue)  # woken earlier meanwhile, and worked
        return queue[0][0] if queue else None

    def wake_all(self, now_ms: int) -> None:
        """Belts have started: everything may go on."""
        for node in (*self.kinds, *self.points, *self.belts.out_of):
            self.wake(node, now_ms)

    def run(self, now_ms: int) -> None:
        """Work off everything that is due up to now."""
        while (at_ms := self.next_due_ms()) is not None and at_ms <= now_ms:
            node = heappop(self._queue)[1]
            del self.agenda[node]
            try:
                later_ms = self._work(node, at_ms)
            except Exception:
                self.wake(node, at_ms)  # the world could not be reached: this is still due when it can
                raise
            if later_ms is not None:
                assert later_ms > at_ms, f"{node} would be worked for ever at {at_ms}"
                self.wake(node, later_ms)

    def _work(self, node: str, now_ms: int) -> int | None:
        """Everything that can happen at a node now; when something can happen next by the passing of time alone."""
        if node in self.points:
            return self._work_point(self.points[node], now_ms)
        match self.kinds.get(node):
            case None:
                return self._work_merge(node, now_ms)
            case TransferKind.ENTRY:
                return self._work_entry(node, now_ms)
            case TransferKind.EXIT:
                return self._work_exit(node, now_ms)
            case TransferKind.TABLE:
                return None

    def _runs(self, node: str) -> bool:
        return self.belts.clocks[self.owners[node]].running

    # --- merges and transfer points ---

    def _work_merge(self, node: str, now_ms: int) -> int | None:
        """First come, first served; whoever may not enter a loop lets the loop's own loads pass."""
        sink = self.belts.out_of[node][0]
        if not sink.clock.running:
            return None
        while True:
            lane, later_ms = self._first_arrived(node, now_ms, lambda lane: self.belts.admits(sink, lane.loop))
            if lane is None:
                return later_ms
            if sink.entry_ms() > now_ms:
                return sink.entry_ms()
            number = lane.rides[0].number
            if not self._carry(number, lane.segment_of(number), sink.name, now_ms):
                return None
            self._depart(lane, number, now_ms, sink.loop)
            lane.clear_end(now_ms)
            self.wake(sink.end, self.belts.enter(sink, number, now_ms))

    def _first_arrived(self, node: str, now_ms: int, may_go: Callable[[Lane], bool]) -> tuple[Lane | None, int | None]:
        """The lane whose load has waited longest at this node (ties by name), and when the next load arrives."""
        first: Lane | None = None
        first_ms = 0
        later_ms: int | None = None
        for lane in self.belts.into.get(node, ()):
            ride = lane.next_ride() if lane.clock.running else None
            if ride is None:
                continue
            arrival_ms = lane.arrival_ms(ride)
            if arrival_ms > now_ms:
                later_ms = arrival_ms if later_ms is None else min(later_ms, arrival_ms)
            elif may_go(lane) and (first is None or (arrival_ms, lane.name) < (first_ms, first.name)):
                first, first_ms = lane, arrival_ms
        return first, later_ms

    def _work_entry(self, node: str, now_ms: int) -> int | None:
        """The belt takes the load once fork or load handler is clear and there is room."""
        number = self.transfer_memory[node].number
        sink = self.belts.out_of[node][0]
        if number <= 0 or not self._runs(node) or not sink.clock.running or self._world.engaged(node):
            return None
        if not self.belts.admits(sink, -1):
            return None
        if sink.entry_ms() > now_ms:
            return sink.entry_ms()
        if not self._carry(number, node, sink.name, now_ms):
            return None
        memory = self.transfer_memory[node]
        self.set_transfer(node, replace(memory, number=GHOST) if node in self.stuck_eyes else cleared(memory))
        self.wake(sink.end, self.belts.enter(sink, number, now_ms))
        return None

    def _work_exit(self, node: str, now_ms: int) -> int | None:
        """The belt brings the next load once the last one's departure is acknowledged."""
        memory = self.transfer_memory[node]
        if memory.number or not memory.settled or not self._runs(node) or self._world.engaged(node):
            return None
        lane, later_ms = self._first_arrived(node, now_ms, lambda lane: True)
        if lane is None:
            return later_ms
        number = lane.rides[0].number
        if self._carry(number, lane.segment_of(number), node, now_ms):
            self._depart(lane, number, now_ms, -1)
            lane.clear_end(now_ms)
            self.set_transfer(node, covered(memory, number, self._track_of(number)))
        return None

    # --- points ---

    def _work_point(self, point: Point, now_ms: int) -> int | None:
        if not self._runs(point.name):
            return None
        self._time_out(point, now_ms)
        while self._divert(point, now_ms) or self._scan(point, now_ms):
            pass
        return self._next_at_point(point, now_ms)

    def _time_out(self, point: Point, now_ms: int) -> None:
        memory = self.point_memory[point.name]
        for load in memory.under_way:
            deadline_ms = self._diverts.deadline_ms(point, load.number)
            if load.exit is None and deadline_ms is not None and deadline_ms <= now_ms:
                memory = timed_out(memory, point, load.scan_sequence)
        self.set_point(point.name, memory)

    def _divert(self, point: Point, now_ms: int) -> bool:
        """The first load under way to the divert takes its exit, if it is there, decided and has room."""
        memory = self.point_memory[point.name]
        if not memory.under_way or memory.under_way[0].exit is None:
            return False
        load = memory.under_way[0]
        if self._diverts.release_ms(point, load.number) > now_ms:
            return False
        loop = self.belts.loop_of_node(point.name)
        choice = self._diverts.exit_with_room(point, load, loop, now_ms)
        if choice is None:
            return False
        exit_taken, reason = choice
        sink = self.belts.lanes[point.exits[exit_taken]]
        lane = self.belts.lane_of(point.name, load.number)
        if not self._carry(load.number, lane.segment_of(load.number) if lane else point.name, sink.name, now_ms):
            return False
        if lane is None:
            self.belts.rest(point.name, 0)
            self._wake_entries(loop, sink.loop, now_ms)
        else:
            self._depart(lane, load.number, now_ms, sink.loop)
        if len(memory.under_way) >= self._diverts.under_way_max(point):
            for feeder in self.belts.into.get(point.name, ()):
                feeder.clear_end(now_ms)
        self._diverts.passed(point, load.number, now_ms)
        self.set_point(point.name, left(memory, exit_taken, reason))
        self.wake(sink.end, self.belts.enter(sink, load.number, now_ms))
        return True

    def _scan(self, point: Point, now_ms: int) -> bool:
        """The next load arrives at the scanner, if the last event is settled and the way to the divert has room."""
        memory = self.point_memory[point.name]
        if not memory.settled or len(memory.under_way) >= self._diverts.under_way_max(point):
            return False
        if point.name in self.belts.stops:
            load = self._bring_to_stop(point, now_ms)
        else:
            load = self._bring_to_scanner(point, now_ms)
        if load is None:
            return False
        unread = self.no_reads.get(point.name, 0)
        self.no_reads[point.name] = max(0, unread - 1)
        track = self._track_of(load.number)
        self.set_point(point.name, scanned(memory, point, load, track, self._types, readable=unread == 0))
        self._diverts.expect(point, load.number, now_ms)
        return True

    def _bring_to_stop(self, point: Point, now_ms: int) -> Load | None:
        """A station's next load comes to rest at the point itself, where people and the world see it."""
        if not self.belts.stops[point.name]:
            lane, _ = self._first_arrived(point.name, now_ms, lambda lane: True)
            number = lane.rides[0].number if lane else 0
            if lane is None or not self._carry(number, lane.segment_of(number), point.name, now_ms):
                return None
            self.belts.rest(point.name, number)
            self._depart(lane, number, now_ms, self.belts.loop_of_node(point.name))
            lane.clear_end(now_ms)
        return self._load_at(point.name, self.belts.stops[point.name])

    def _bring_to_scanner(self, point: Point, now_ms: int) -> Load | None:
        lane, _ = self._first_arrived(point.name, now_ms, lambda lane: True)
        if lane is None:
            return None
        ride = lane.next_ride()
        assert ride is not None
        load = self._load_at(ride.segment, ride.number)
        if load is not None:
            ride.scanned = True
            lane.clear_end(now_ms)
        return load

    def _next_at_point(self, point: Point, now_ms: int) -> int | None:
        """When the next load arrives, is at the divert, times out or finds its exit a pitch clear."""
        memory = self.point_memory[point.name]
        times: list[int] = []
        for load in memory.under_way:
            deadline_ms = self._diverts.deadline_ms(point, load.number)
            if load.exit is None and deadline_ms is not None:
                times.append(deadline_ms)
        if memory.under_way and memory.under_way[0].exit is not None:
            first = memory.under_way[0]
            times.append(self._diverts.release_ms(point, first.number))
            exits = (first.exit or point.default_exit, point.default_exit)
            times.extend(self.belts.lanes[point.exits[number]].entry_ms() for number in exits)
        if memory.settled and len(memory.under_way) < self._diverts.under_way_max(point):
            arrival_ms = self._first_arrived(point.name, now_ms, lambda lane: True)[1]
            times.extend(() if arrival_ms is None else (arrival_ms,))
        return min((time for time in times if time > now_ms), default=None)

    # --- the world ---

    def sense(self, now_ms: int) -> None:
        """Notice what others have changed at our places."""
        if not self._changed:
            return
        # Belts first, so that a load that went on is not taken for lifted.
        for place in sorted(self._changed, key=self._rank.__getitem__):
            if place in self.kinds:
                self.sense_transfer(place, now_ms)
            elif place in self.belts.stops:
                self._sense_stop(place, now_ms)
            else:
                self._sense_lane(self.belts.lane_of_segment[place], now_ms)
            self._changed.discard(place)

    def sense_transfer(self, place: str, now_ms: int) -> None:
        """The photo-eye of a transfer point."""
        memory = self.transfer_memory[place]
        number = next((load.number for load in self._world.loads(place)), 0)
        if number == 0 and place in self.stuck_eyes:
            number = memory.number or GHOST
        if number != memory.number:
            if memory.number and not self.belts.aboard(memory.number):
                self._tracks.pop(memory.number, None)
            if number == 0:
                self.set_transfer(place, cleared(memory))
            else:
                if self.kinds[place] != TransferKind.EXIT:
                    self._tracks.pop(number, None)
                self.set_transfer(place, covered(memory, number, self._track_of(number)))
        self.wake(place, now_ms)

    def _sense_stop(self, place: str, now_ms: int) -> None:
        number = next((load.number for load in self._world.loads(place)), 0)
        before = self.belts.stops[place]
        if number == before:
            return
        self.belts.rest(place, number)
        if before:
            self._forget(place, before)
        self.wake(place, now_ms)
        self._wake_entries(self.belts.loop_of_node(place), -1, now_ms)

    def _sense_lane(self, lane: Lane, now_ms: int) -> None:
        standing = {load.number: name for name in lane.segments for load in self._world.loads(name)}
        known = [ride.number for ride in lane.rides]
        if list(standing) == known:
            return
        for number in known:
            if number not in standing:
                self.belts.leave(lane, number)
                self._forget(lane.end, number)
        for number in standing:
            if number not in known:
                self.belts.enter(lane, number, now_ms, standing[number])
        self.wake(lane.origin, now_ms)
        self.wake(lane.end, now_ms)
        self._wake_entries(lane.loop, -1, now_ms)

    def _forget(self, node: str, number: int) -> None:
        """A load was taken off the belt by hand."""
        self._tracks.pop(number, None)
        if node in self.points:
            self.set_point(node, taken_away(self.point_memory[node], number))

    def _load_at(self, place: str, number: int) -> Load | None:
        return next((load for load in self._world.loads(place) if load.number == number), None)

    def _carry(self, number: int, source: str, sink: str, now_ms: int) -> bool:
        """Move a load in the world; False if someone was quicker, which the next look at the world will show."""
        try:
            self._world.move(number, source, sink, by=self._by, now_ms=now_ms)
        except WorldRefused:
            return False
        self.moves += 1
        return True

    def _depart(self, lane: Lane, number: int, now_ms: int, sink_loop: int) -> None:
        """A load has left a lane: there is room behind it, and in the loop if it has left that."""
        self.belts.leave(lane, number)
        self.wake(lane.origin, now_ms)
        self._wake_entries(lane.loop, sink_loop, now_ms)

    def _wake_entries(self, source_loop: int, sink_loop: int, now_ms: int) -> None:
        if source_loop != sink_loop:
            for node in self.belts.entries(source_loop):
                self.wake(node, now_ms)

    def _track_of(self, number: int) -> int:
        track = self._tracks.get(number)
        if track is None:
            track = self._tracks[number] = self._next_track
            self._next_track = self._next_track % TRACK_MAX + 1
        return track


def _kind(place: str, belts: Belts) -> TransferKind:
    """What a transfer point is for, by the belts that begin or end there."""
    begins, ends = place in belts.out_of, place in belts.into
    if begins and ends:
        raise ValueError(f"transfer point {place} stands in the middle of a belt")
    if begins and len(belts.out_of[place]) != 1:
        raise ValueError(f"transfer point {place} has more than one way on")
    if begins:
        return TransferKind.ENTRY
    return TransferKind.EXIT if ends else TransferKind.TABLE


def no_memory(flow: Flow, first_track: int) -> FlowMemory:
    """Retentive memory as it is when it was lost."""
    transfers: Mapping[str, TransferKind] = flow.kinds
    return FlowMemory(
        next_track=first_track,
        transfers=tuple(TransferMemory() for _ in transfers),
        points=tuple(PointMemory() for _ in flow.points),
    )
