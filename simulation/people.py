"""Modelled people: pickers, dock workers, and the operator who answers alarms.

They see what people see (the desk: what the system shows and takes; the hands: what really stands there) and decide
nothing that the system decides. The demo's people reach the desk over the API and the hands over the test port; the
twin's hold both directly. Rule: work takes its time first, then it is done: hands, then the confirmation; and whoever
finds the hands' part done already (after a crash) confirms only. Durations are plant time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from devices.machines.machine import Load
from simulation.labels import numbers_for
from simulation.spec import StaffSpec
from wcs.core.entities import Alarm, DeliveryLine, LoadUnit
from wcs.core.on_board import UNKNOWN_LOAD
from wcs.core.stations import StationWork
from wcs.plant.model import LOST, OUTSIDE, OUTSIDE_PLACES, Dock, PickStation, Plant

USUAL = StaffSpec()
LOOK_MS = 1_000  # between two looks at an idle desk
NOBODYS_ROUTINE = frozenset({"foreign_device", "vehicle_mislocated"})  # taking over; saying where a vehicle stands
SUMMED_MASS_G = 200  # when an article's mass is not known at the dock


class Refused(Exception):
    """The desk did not take it; the reason is its own."""


class Desk(Protocol):
    """What the system shows to people and takes from them."""

    def station_work(self, station: str) -> StationWork: ...
    def load_unit(self, number: int) -> LoadUnit | None: ...
    def find_barcode(self, barcode: str) -> LoadUnit | None: ...
    def departures(self, dock: str) -> list[LoadUnit]:
        """Load units that stand on a dock's outbound points, ready to leave."""

    def expected(self) -> Iterable[DeliveryLine]:
        """Announced lines that have not been received."""

    def alarms(self) -> list[Alarm]: ...
    def task_places(self, task: int) -> tuple[str, str, str]:
        """Device, source and sink of a task whose outcome is unknown."""

    def confirm_pick(self, reservation: int, sku: str, quantity: int) -> None: ...
    def placed(self, load_unit: int, place: str, reason: str = "") -> None: ...
    def arrived(self, line: DeliveryLine | None, load: Load, place: str) -> None: ...
    def departed(self, load_unit: int) -> None: ...
    def answer(self, alarm: int, answer: str) -> None: ...


class Hands(Protocol):
    """What people can do to the physical world, and see of it."""

    def look(self, place: str) -> tuple[Load, ...]: ...
    def carry(self, number: int, source: str, sink: str, *, by: str = "") -> None: ...
    def place(self, load: Load, place: str, *, by: str = "") -> None: ...
    def place_of(self, number: int) -> str: ...
    def accepts(self, place: str) -> bool: ...
    def local_reset(self, device: str) -> None: ...


class Person(ABC):
    """Somebody with at most one piece of work in hand, which is done when its time is over."""

    name = ""
    _in_hand: Callable[[], object] | None = None

    @property
    def works(self) -> bool:
        """Whether something is in hand that is done when its time is over."""
        return self._in_hand is not None

    def step(self) -> int:
        """Finish what is in hand and take up the next piece of work; returns how long that takes (ms of plant time)."""
        finish, self._in_hand = self._in_hand, None
        if finish is not None:
            finish()
        return self._begin()

    @abstractmethod
    def _begin(self) -> int:
        """Take up the next piece of work; how long it takes, ms."""

    def _take_up(self, takes_ms: int, finish: Callable[[], object]) -> int:
        """Do it when so much time is over; what takes no time is done at once."""
        if takes_ms:
            self._in_hand = finish
        else:
            finish()
        return takes_ms


class Picker(Person):
    """Takes empties to their order places, picks, and puts finished load units on the conveyor."""

    def __init__(self, station: PickStation, desk: Desk, hands: Hands, staff: StaffSpec = USUAL) -> None:
        self.name = f"picker {station.name}"
        self._station = station
        self._places = (*station.order_places, station.handover_point)
        self._desk = desk
        self._hands = hands
        self._staff = staff

    def _begin(self) -> int:
        work = self._desk.station_work(self._station.name)
        for unit, place in work.takes:
            if self._can_take(unit, place):
                return self._take_up(self._staff.carry_ms, partial(self._take, unit, place))
            return LOOK_MS
        for pick in work.picks:
            confirm = partial(self._desk.confirm_pick, pick.number, pick.sku, pick.quantity)
            return self._take_up(self._staff.pick_ms, confirm)
        for unit in work.puts:
            if self._can_put_on(unit):
                return self._take_up(self._staff.carry_ms, partial(self._put_on, unit))
        return LOOK_MS

    def _can_take(self, unit: int, place: str) -> bool:
        at = self._hands.place_of(unit)
        return at in self._station.order_places or (at == self._station.handover_point and not self._hands.look(place))

    def _take(self, unit: int, place: str) -> None:
        at = self._hands.place_of(unit)
        if at == self._station.handover_point:
            self._hands.carry(unit, at, place, by=self.name)
            at = place
        self._desk.placed(unit, at)

    def _can_put_on(self, unit: int) -> bool:
        book = self._desk.load_unit(unit)
        if book is None or book.place not in self._places:
            return False
        if self._hands.place_of(unit) not in self._places:
            return True
        point = self._station.put_on_point
        return self._hands.accepts(point) and not self._hands.look(point)

    def _put_on(self, unit: int) -> None:
        at, point = self._hands.place_of(unit), self._station.put_on_point
        if at in self._places:
            self._hands.carry(unit, at, point, by=self.name)
        self._desk.placed(unit, point)


class Pool:
    """Load units that have left and come back as empties.

    Suppliers fill load units of the pool: each that comes full lets one that leaves stay away, or the racks would fill
    with empties. A step of these is safe among threads.

    Args:
        outside: those that are to come back.
        lent: came full and have not been given back yet.
    """

    def __init__(self, outside: Iterable[LoadUnit] = (), lent: int = 0) -> None:
        self._outside = deque(outside)
        self._lent = deque([None] * lent)

    def left(self, unit: LoadUnit) -> None:
        try:
            self._lent.pop()
        except IndexError:
            self._outside.append(unit)

    def came_full(self) -> None:
        self._lent.append(None)

    def take(self) -> LoadUnit | None:
        """The one that has waited longest; whoever cannot bring it in puts it back."""
        try:
            return self._outside.popleft()
        except IndexError:
            return None

    def put_back(self, unit: LoadUnit) -> None:
        self._outside.append(unit)


def pools(plant: Plant, outside: Sequence[LoadUnit] = (), lent: int = 0) -> dict[str, Pool]:
    """By dock: what left comes back there. Where docks are one-way, all have one pool, or nothing would come back.

    `outside` and `lent` are shared out among them.
    """
    count = len(plant.docks)
    if all(dock.inbound_points and dock.outbound_points for dock in plant.docks):
        shares = (Pool(outside[n::count], len(range(n, lent, count))) for n in range(count))
        return {dock.name: pool for dock, pool in zip(plant.docks, shares, strict=True)}
    return dict.fromkeys((dock.name for dock in plant.docks), Pool(outside, lent))


class DockWorker(Person):
    """Brings announced load units in, lets finished ones go, and brings those back that left."""

    def __init__(
        self,
        dock: Dock,
        plant: Plant,
        desk: Desk,
        hands: Hands,
        staff: StaffSpec = USUAL,
        pool: Pool | None = None,
    ) -> None:
        self.name = f"dock worker {dock.name}"
        self._dock = dock
        self._desk = desk
        self._hands = hands
        self._staff = staff
        bringing = [each.name for each in plant.docks if each.inbound_points]
        self._shares = len(bringing)
        self._share = bringing.index(dock.name) if dock.name in bringing else 0
        self._load_type = plant.load_types[0]
        self._pool = pool or Pool()
        self.brings = True  # False: what leaves may leave, nothing more is brought in

    def _begin(self) -> int:
        for unit in self._desk.departures(self._dock.name):
            return self._take_up(self._staff.carry_ms, partial(self._let_go, unit))
        return self._confirm_unknown() or (self.brings and self._bring()) or LOOK_MS

    def _let_go(self, unit: LoadUnit) -> None:
        if self._hands.place_of(unit.load_unit) == unit.place:
            self._hands.carry(unit.load_unit, unit.place, OUTSIDE, by=self.name)
        self._desk.departed(unit.load_unit)
        self._pool.left(unit)

    def _confirm_unknown(self) -> int:
        """A load that stands at the door and is not in the book: its confirmation was lost."""
        for place in self._dock.inbound_points:
            for load in self._hands.look(place):
                book = self._desk.find_barcode(load.barcode)
                if book is None or book.place == OUTSIDE:
                    self._arrive(self._line_of(load), load, place)
                    return LOOK_MS
        return 0

    def _line_of(self, load: Load) -> DeliveryLine | None:
        return next((line for line in self._desk.expected() if line.barcode == load.barcode), None)

    def _bring(self) -> int:
        free = [p for p in self._dock.inbound_points if not self._hands.look(p) and self._hands.accepts(p)]
        if not free:
            return 0
        for line in self._desk.expected():
            mine = next(numbers_for(line.barcode)) % self._shares == self._share
            if mine and self._number_of(line.barcode):
                return self._take_up(self._staff.carry_ms, partial(self._bring_in, line, free[0]))
        if (unit := self._pool.take()) is not None:
            return self._take_up(self._staff.carry_ms, partial(self._bring_back, unit, free[0]))
        return 0

    def _number_of(self, barcode: str) -> int:
        """The number under which this load unit comes in; 0: it is in the building already, or no scanner reads it.

        What the site would refuse for its barcode is not tried: it would be tried for ever, and nothing else come.
        """
        if not barcode.isascii():
            return 0
        book = self._desk.find_barcode(barcode)
        if book is not None:
            away = book.place in OUTSIDE_PLACES and self._hands.place_of(book.load_unit) == OUTSIDE
            return book.load_unit if away else 0
        for number in numbers_for(barcode):
            at = self._hands.place_of(number)
            if at != OUTSIDE and any(load.barcode == barcode for load in self._hands.look(at)):
                return 0
            if at == OUTSIDE and self._desk.load_unit(number) is None:
                return number
        return 0

    def _bring_in(self, line: DeliveryLine, place: str) -> None:
        number = self._number_of(line.barcode)
        if not number or self._hands.look(place):
            return  # somebody else was faster
        mass_g = min(self._load_type.mass_empty_g + line.quantity * SUMMED_MASS_G, self._load_type.mass_max_g)
        load = self._load(number, line.barcode, mass_g)
        self._hands.place(load, place, by=self.name)
        self._arrive(line, load, place)
        self._pool.came_full()

    def _bring_back(self, unit: LoadUnit, place: str) -> None:
        if self._hands.place_of(unit.load_unit) != OUTSIDE:
            return  # somebody else has brought it back
        if self._hands.look(place):
            self._pool.put_back(unit)
            return
        load = self._load(unit.load_unit, unit.barcode, self._load_type.mass_empty_g)
        try:
            self._hands.place(load, place, by=self.name)
            self._arrive(None, load, place)
        except Exception:
            self._pool.put_back(unit)  # refused, or nobody knows: if it is in by then, the next try finds that out
            raise

    def _load(self, number: int, barcode: str, mass_g: int) -> Load:
        return Load(
            number=number,
            barcode=barcode,
            load_type=self._load_type.number,
            mass_g=mass_g,
            height_mm=self._load_type.height_max_mm,
        )

    def _arrive(self, line: DeliveryLine | None, load: Load, place: str) -> None:
        """Refused (the racks are full): the load goes back on the truck and comes again later."""
        try:
            self._desk.arrived(line, load, place)
        except Refused:
            if self._hands.place_of(load.number) == place:
                self._hands.carry(load.number, place, OUTSIDE, by=self.name)
            raise


class Operator(Person):
    """Answers alarms with what the world shows."""

    def __init__(self, plant: Plant, desk: Desk, hands: Hands, staff: StaffSpec = USUAL) -> None:
        self.name = "operator"
        self._plant = plant
        self._desk = desk
        self._hands = hands
        self._staff = staff

    def _begin(self) -> int:
        if any(self._can_settle(alarm) for alarm in self._desk.alarms()):
            return self._take_up(self._staff.answer_ms, self._answer_one) or LOOK_MS  # not all can be answered
        return LOOK_MS

    def _answer_one(self) -> None:
        for alarm in self._desk.alarms():
            try:
                if self._can_settle(alarm) and self._settle(alarm):
                    return
            except Refused:
                continue  # another alarm may have to be settled before this one

    def _can_settle(self, alarm: Alarm) -> bool:
        return (bool(alarm.answers) or alarm.code == UNKNOWN_LOAD) and alarm.code not in NOBODYS_ROUTINE

    def _settle(self, alarm: Alarm) -> bool:
        match alarm.code:
            case "outcome_unknown":
                self._desk.answer(alarm.number, self._where(alarm))
            case "device_fault":
                self._hands.local_reset(alarm.subject)
                self._desk.answer(alarm.number, "reset_fault")
            case code if code == UNKNOWN_LOAD:
                return self._book_on_board(alarm)
            case "appeared":
                return self._identify(alarm)
            case "vanished":
                return self._search(alarm)
            case "clarification" | "no_route" if alarm.load_unit:
                return self._bring_back(alarm)
            case _:
                self._desk.answer(alarm.number, alarm.answers[0])
        return True

    def _where(self, alarm: Alarm) -> str:
        device, source, _sink = self._desk.task_places(alarm.task)
        at = self._hands.place_of(alarm.load_unit)
        if at == source:
            return "at_source"
        if at == device:
            return "on_device"
        return "gone" if at in (OUTSIDE, LOST) else "at_sink"

    def _search(self, alarm: Alarm) -> bool:
        """Look for what is gone from its place; what stands elsewhere is booked there, and that ends the alarm."""
        at = self._hands.place_of(alarm.load_unit)
        book = self._desk.load_unit(alarm.load_unit)
        if at in (OUTSIDE, LOST):
            self._desk.answer(alarm.number, "gone")
        elif book is not None and at != book.place:
            self._desk.placed(alarm.load_unit, at, "found there")
        elif at != alarm.subject:
            self._desk.answer(alarm.number, "moved")  # and booked there since
        else:
            return False  # it stands where it should, and is not seen: a photo-eye wants mending
        return True

    def _identify(self, alarm: Alarm) -> bool:
        """Read the label of what stands there, and say so."""
        for load in self._hands.look(alarm.subject):
            book = self._desk.load_unit(load.number)
            if book is not None and book.place != alarm.subject:
                self._desk.placed(load.number, alarm.subject, "found there and identified by hand")
                return True
        self._desk.answer(alarm.number, alarm.answers[0])
        return True

    def _book_on_board(self, alarm: Alarm) -> bool:
        """Read the label of what a machine carries, and say so; what is no load unit of ours is left to others."""
        for load in self._hands.look(alarm.subject):
            if self._desk.load_unit(load.number) is not None:
                self._desk.placed(load.number, alarm.subject, "found on board and identified by hand")
                return True
        return False

    def _bring_back(self, alarm: Alarm) -> bool:
        """Put right what the clarification lane holds, and put it on the conveyor again at a station."""
        at = self._hands.place_of(alarm.load_unit)
        if at not in self._plant.clarification_points:
            return False
        for station in self._plant.stations:
            point = station.put_on_point
            if self._hands.accepts(point) and not self._hands.look(point):
                self._hands.carry(alarm.load_unit, at, point, by=self.name)
                self._desk.placed(alarm.load_unit, point, "put right in the clarification lane")
                return True
        return False
