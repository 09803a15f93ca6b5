"""The mind's memory: tables of frozen records, and the indexes over them.

Rule: rows change only here, by `put` and `drop`, called by the evolve modules for facts and by nothing else. Indexes
are derived: they are never stored, and loading rebuilds them by putting every row again; `room` and `traffic` are built
when they are first asked for, which a view that decides nothing never does.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, TypeVar

from msgspec import structs

from wcs.core import entities as e
from wcs.core.attention import NEVER_MS, Attention
from wcs.core.layout import FLEET, Layout
from wcs.core.room import Room
from wcs.core.table import Table
from wcs.plant.policies import DEFAULT_POLICIES, Policies
from wcs.traffic.records import VehicleTraffic
from wcs.traffic.state import Traffic

E = TypeVar("E", bound=e.Entity)


class State:
    """All tables and indexes of one warehouse."""

    def __init__(self, layout: Layout, policies: Policies = DEFAULT_POLICIES) -> None:
        self.layout = layout
        self.policies = policies  # for deciding; nothing that applies a fact may read it
        self.touched: list[Table[Any]] = []  # tables with changes that nobody has looked at
        self._room: Room | None = None
        self.units_at: dict[str, dict[int, None]] = {}
        self.unit_of_barcode: dict[str, int] = {}
        self.contents_of: dict[int, dict[Any, None]] = {}
        self.stock_of_sku: dict[str, list[tuple[int, str, int, str]]] = {}
        self.unpromised_of_sku: dict[str, list[tuple[int, str, int, str]]] = {}
        self.reservations_of_unit: dict[int, dict[int, None]] = {}
        self.reservations_of_order: dict[str, dict[int, int]] = {}  # to the load unit that is promised
        self.uncalled_of_order: dict[str, dict[int, int]] = {}  # of these, what is not fetched for an order yet
        self.lines_of_order: dict[str, list[int]] = {}
        self.transport_of_unit: dict[int, int] = {}
        self.units_to: dict[str, dict[int, int]] = {}  # to the transport order
        self.legs_of_carrier: dict[str, dict[int, int]] = {}  # to the load unit
        self.legs_bound_for: dict[str, dict[int, None]] = {}
        self.legs_coming_to: dict[str, dict[int, None]] = {}  # of these, what a machine has or is sent for
        self.task_of_device: dict[str, int] = {}
        self.orders_open: dict[str, None] = {}
        self.orders_at_station: dict[str, dict[str, None]] = {s: {} for s in layout.stations}
        self.order_queue: list[tuple[int, int, str]] = []
        self.lots_held: dict[tuple[str, str], str] = {}  # to the reason
        self.empties: dict[int, None] = {}
        self.empties_on_conveyors: dict[int, None] = {}
        self.tracks_of_unit: dict[int, tuple[str, int]] = {}
        self.alarms_of_subject: dict[str, dict[int, None]] = {}
        self.vehicles_idle: dict[str, None] = dict.fromkeys(layout.vehicles)  # without a leg, with nothing on board
        self.legs_of_device: dict[str, dict[int, None]] = {}
        self.out_of_service: dict[str, None] = {}
        self.attention = Attention(layout.vehicles)
        self._traffic: Traffic | None = None
        t = self._table
        self.counter = t(e.Counter)
        self.installed_plant = t(e.InstalledPlant)
        self.sku = t(e.Sku)
        self.lot = t(e.Lot, self._on_lot)
        self.load_unit = t(e.LoadUnit, self._on_load_unit)
        self.content = t(e.Content, self._on_content)
        self.order = t(e.CustomerOrder, self._on_order)
        self.line = t(e.OrderLine, self._on_line)
        self.reservation = t(e.Reservation, self._on_reservation)
        self.delivery = t(e.Delivery)
        self.delivery_line = t(e.DeliveryLine)
        self.receipt = t(e.GoodsReceipt)
        self.transport = t(e.TransportOrder, self._on_transport)
        self.leg = t(e.Leg, self._on_leg)
        self.task = t(e.OpenTask, self._on_task)
        self.device = t(e.Device, self._on_device)
        self.transfer_point = t(e.TransferPointState, self._on_transfer_point)
        self.track = t(e.Track, self._on_track)
        self.point = t(e.PointState)
        self.vehicle = t(e.VehicleTraffic, self._on_vehicle)
        self.block = t(e.Block, self._on_block)
        self.alarm = t(e.Alarm, self._on_alarm)
        self.site = t(e.Site)
        self.tables: dict[type[e.Entity], Table[Any]] = {
            table.entity: table for table in vars(self).values() if isinstance(table, Table)
        }

    def _table(self, entity: type[E], on_change: Callable[[E | None, E | None], None] | None = None) -> Table[E]:
        return Table(entity, self.touched, on_change)

    def load(self, rows: Iterable[e.Entity]) -> None:
        """Take stored rows in; lots must come before contents (ENTITIES is in that order)."""
        for row in rows:
            self.tables[type(row)].put(row)
        self.forget_changes()

    def take_changes(self) -> list[e.Change]:
        """What was put and dropped since the last call, last word per row."""
        changes = [
            e.Change(entity=table.entity, key=key if isinstance(key, tuple) else (key,), row=row)
            for table in self.touched
            for key, row in table.changed.items()
        ]
        self.forget_changes()
        return changes

    def forget_changes(self) -> None:
        """Nobody wants to know what was put and dropped since the last look."""
        for table in self.touched:
            table.changed.clear()
        self.touched.clear()

    def next_number(self, name: str) -> int:
        counter = self.counter.get(name)
        return counter.value + 1 if counter else 1

    def rebuilt(self) -> State:
        """The same rows in a new state, in the order of their keys: what a restart would load. What changed since the
        last look is still to be taken.

        A host's term begins with it, so that replaying a journal over a restart decides as the restarted host did.
        """
        new = State(self.layout, self.policies)
        for entity in e.ENTITIES:
            rows = self.tables[entity].rows
            new.load(rows[key] for key in sorted(rows))
        for table in self.touched:
            new.tables[table.entity].changed.update(table.changed)
            new.touched.append(new.tables[table.entity])
        return new

    def follow(self, changes: Iterable[e.Change]) -> None:
        """Take over committed changes: how a view of the state is kept."""
        for change in changes:
            table = self.tables[change.entity]
            if change.row is not None:
                table.put(change.row)
            else:
                key = change.key[0] if len(change.key) == 1 else change.key
                if key in table:
                    table.drop(key)
        self.forget_changes()

    # Indexes, one method an entity.

    def _on_load_unit(self, old: e.LoadUnit | None, new: e.LoadUnit | None) -> None:
        if old is not None and new is not None and old.place == new.place and old.role == new.role:
            return
        for row in (old, new):
            if row is not None:
                self.attention.wake(row.place)
                self.attention.wake_legs_around(self.layout.around(row.place))
        if old is not None:
            _discard(self.units_at, old.place, old.load_unit)
            self._note_idle(old.place)
            if self._room is not None:
                self._room.leave(old.place)
            self.empties.pop(old.load_unit, None)
            self.empties_on_conveyors.pop(old.load_unit, None)
        if new is not None:
            self.units_at.setdefault(new.place, {})[new.load_unit] = None
            self._note_idle(new.place)
            self.unit_of_barcode[new.barcode] = new.load_unit
            if self._room is not None:
                self._room.enter(new.place)
            if new.role is e.LoadUnitRole.EMPTY:
                if self.layout.is_location(new.place):
                    self.empties[new.load_unit] = None
                elif new.place in self.layout.conveyors:
                    self.empties_on_conveyors[new.load_unit] = None
            if self._room is not None and (old is None or old.place != new.place):
                for key in self.contents_of.get(new.load_unit, ()):
                    self._room.sku_moved(key[1], old.place if old else "", new.place)

    def _on_content(self, old: e.Content | None, new: e.Content | None) -> None:
        row = new or old
        assert row is not None
        if old is None:
            place = self.load_unit[row.load_unit].place  # no content without a load unit, also of rows that are loaded
            self.contents_of.setdefault(row.load_unit, {})[row.load_unit, row.sku, row.lot, row.owner] = None
            insort(self.stock_of_sku.setdefault(row.sku, []), self._stock_key(row))
            if self._room is not None:
                self._room.sku_moved(row.sku, "", place)
        elif new is None:
            _discard(self.contents_of, row.load_unit, (row.load_unit, row.sku, row.lot, row.owner))
            stock = self.stock_of_sku[row.sku]
            del stock[bisect_left(stock, self._stock_key(row))]
            if self._room is not None:
                self._room.sku_moved(row.sku, self.load_unit[row.load_unit].place, "")
        was_free = old is not None and old.quantity > old.reserved
        is_free = new is not None and new.quantity > new.reserved
        if is_free and not was_free:
            insort(self.unpromised_of_sku.setdefault(row.sku, []), self._stock_key(row))
        elif was_free and not is_free:
            free = self.unpromised_of_sku[row.sku]
            del free[bisect_left(free, self._stock_key(row))]

    def _stock_key(self, row: e.Content) -> tuple[int, str, int, str]:
        lot = self.lot.get((row.sku, row.lot))
        removal_ms = NEVER_MS if lot is None or lot.removal_ms is None else lot.removal_ms
        return removal_ms, row.lot, row.load_unit, row.owner

    def _on_lot(self, old: e.Lot | None, new: e.Lot | None) -> None:
        # A lot's date is fixed before its first content: the order of stock_of_sku never changes under it.
        if old is not None and new is not None:
            assert old.removal_ms == new.removal_ms or not self.stock_of_sku.get(new.sku), new
        assert new is not None, "lots are kept"
        if new.hold:
            self.lots_held[new.sku, new.lot] = new.hold
        else:
            self.lots_held.pop((new.sku, new.lot), None)

    def _on_reservation(self, old: e.Reservation | None, new: e.Reservation | None) -> None:
        if new is None and old is not None:
            _discard(self.reservations_of_unit, old.load_unit, old.number)
            _discard(self.reservations_of_order, old.order_number, old.number)
            if old.number in self.uncalled_of_order.get(old.order_number, ()):
                _discard(self.uncalled_of_order, old.order_number, old.number)
        elif new is not None:
            self.reservations_of_unit.setdefault(new.load_unit, {})[new.number] = None
            self.reservations_of_order.setdefault(new.order_number, {})[new.number] = new.load_unit
            if not self._is_called(new.load_unit):
                self.uncalled_of_order.setdefault(new.order_number, {})[new.number] = new.load_unit

    def _is_called(self, load_unit: int) -> bool:
        number = self.transport_of_unit.get(load_unit)
        return number is not None and self.transport.rows[number].purpose is not e.Purpose.PUTAWAY

    def _note_call(self, load_unit: int) -> None:
        called = self._is_called(load_unit)
        for number in self.reservations_of_unit.get(load_unit, ()):
            order = self.reservation[number].order_number
            if not called:
                self.uncalled_of_order.setdefault(order, {})[number] = load_unit
            elif number in self.uncalled_of_order.get(order, ()):
                _discard(self.uncalled_of_order, order, number)

    def _on_line(self, old: e.OrderLine | None, new: e.OrderLine | None) -> None:
        if old is None and new is not None:
            self.lines_of_order.setdefault(new.order_number, []).append(new.line)

    def _on_order(self, old: e.CustomerOrder | None, new: e.CustomerOrder | None) -> None:
        assert new is not None, "orders are kept"
        was_queued = old is not None and old.state is e.OrderState.PLACED
        queued = new.state is e.OrderState.PLACED
        if queued != was_queued:
            key = (NEVER_MS if new.due_ms is None else new.due_ms, new.placed_ms, new.number)
            if queued:
                insort(self.order_queue, key)
            else:
                del self.order_queue[bisect_left(self.order_queue, key)]
        if old is not None and old.station:
            self.orders_at_station[old.station].pop(old.number, None)
        ended = new.state in (e.OrderState.SHIPPED, e.OrderState.BACKORDERED, e.OrderState.CANCELLED)
        if ended:
            self.orders_open.pop(new.number, None)
        else:
            self.orders_open[new.number] = None
            if new.station and new.state is e.OrderState.RELEASED:
                self.orders_at_station[new.station][new.number] = None

    def _on_transport(self, old: e.TransportOrder | None, new: e.TransportOrder | None) -> None:
        if old is not None and (new is None or new.sink != old.sink):
            _discard(self.units_to, old.sink, old.load_unit)
            if self._room is not None:
                self._room.unbook(old.sink)
        if new is None and old is not None:
            self.transport_of_unit.pop(old.load_unit, None)
        if new is not None:
            self.transport_of_unit[new.load_unit] = new.number
            if old is None or new.sink != old.sink:
                self.units_to.setdefault(new.sink, {})[new.load_unit] = new.number
                if self._room is not None:
                    self._room.book(new.sink)
        row = new or old
        if row is not None and (old is None or new is None or old.purpose is not new.purpose):
            self._note_call(row.load_unit)

    def _on_leg(self, old: e.Leg | None, new: e.Leg | None) -> None:
        # A leg holds its sink of its own: its transport order may be redirected while a crane is on the way there.
        self._on_leg_device(old, new)
        self._note_coming(old, new)
        for row in (old, new):
            if row is not None:
                self.attention.wake_legs_around(self.layout.around(row.sink))
                self.attention.wake_legs_around(row.carrier)
        if old is None and new is not None:
            self.legs_of_carrier.setdefault(new.carrier, {})[new.number] = new.load_unit
            self.legs_bound_for.setdefault(new.sink, {})[new.number] = None
            if self._room is not None:
                self._room.book(new.sink)
        elif new is None and old is not None:
            _discard(self.legs_of_carrier, old.carrier, old.number)
            _discard(self.legs_bound_for, old.sink, old.number)
            if self._room is not None:
                self._room.unbook(old.sink)
        elif old is not None and new is not None and old.sink != new.sink:
            _discard(self.legs_bound_for, old.sink, old.number)
            self.legs_bound_for.setdefault(new.sink, {})[new.number] = None

    def _note_coming(self, old: e.Leg | None, new: e.Leg | None) -> None:
        conveyors = self.layout.conveyors
        before, after = (
            row.sink if row is not None and (row.device or row.picked or row.carrier in conveyors) else ""
            for row in (old, new)
        )
        if before == after:
            return
        if old is not None and before:
            _discard(self.legs_coming_to, before, old.number)
        if new is not None and after:
            self.legs_coming_to.setdefault(after, {})[new.number] = None

    def _on_leg_device(self, old: e.Leg | None, new: e.Leg | None) -> None:
        before, after = old.device if old is not None else "", new.device if new is not None else ""
        if before and before != after:
            assert old is not None
            _discard(self.legs_of_device, before, old.number)
        if after and before != after:
            assert new is not None
            self.legs_of_device.setdefault(after, {})[new.number] = None
        waits = new is not None and new.carrier == FLEET and not after
        waited = old is not None and old.carrier == FLEET and not before
        if new is not None and waits and not waited:
            self.attention.leg_waits(new.number)
        elif old is not None and waited and not waits:
            self.attention.leg_waits_no_more(old.number)
        for device in (before, after):
            self.attention.wake(device)
            self._note_idle(device)

    def _note_idle(self, device: str) -> None:
        if device not in self.layout.vehicles:
            return
        if device in self.units_at or device in self.legs_of_device:
            self.vehicles_idle.pop(device, None)
        else:
            self.vehicles_idle[device] = None

    def _on_device(self, old: e.Device | None, new: e.Device | None) -> None:
        row = new or old
        assert row is not None
        self.attention.wake(row.name)
        if row.in_service is (row.name in self.out_of_service):
            self._note_service(row)
        if not self.legs_of_device.get(row.name):
            self.attention.look_at_legs()

    def _note_service(self, row: e.Device) -> None:
        if row.in_service:
            del self.out_of_service[row.name]
        else:
            self.out_of_service[row.name] = None

    def _on_transfer_point(self, old: e.TransferPointState | None, new: e.TransferPointState | None) -> None:
        row = new or old
        assert row is not None
        self.attention.wake_legs_around(self.layout.around(row.name))

    def _on_vehicle(self, old: e.VehicleTraffic | None, new: e.VehicleTraffic | None) -> None:
        if old is None or new is None or old.able != new.able or old.home != new.home:
            self.attention.wake_all()
            return
        self.attention.wake(new.vehicle)
        left = {old.node, *old.ahead, *old.detour, *old.kept} - {new.node, *new.ahead, *new.detour, *new.kept}
        if left:
            self.attention.freed(left)

    def _on_task(self, old: e.OpenTask | None, new: e.OpenTask | None) -> None:
        self.attention.look_at_legs()
        if new is not None:
            self.task_of_device[new.device] = new.number
            self.attention.wake(new.device)
        elif old is not None:
            self.task_of_device.pop(old.device, None)
            self.attention.wake(old.device)

    def _on_track(self, old: e.Track | None, new: e.Track | None) -> None:
        if old is not None and self.tracks_of_unit.get(old.load_unit) == (old.conveyor, old.track):
            del self.tracks_of_unit[old.load_unit]
        if new is not None and new.load_unit:
            self.tracks_of_unit[new.load_unit] = (new.conveyor, new.track)

    def _on_block(self, old: e.Block | None, new: e.Block | None) -> None:
        self.attention.wake_legs()
        row = new or old
        assert row is not None
        was_closed = old is not None and old.stops(e.Flow.IN)
        is_closed = new is not None and new.stops(e.Flow.IN)
        if self._room is not None and is_closed and not was_closed:
            self._room.block(row.place)
        elif self._room is not None and was_closed and not is_closed:
            self._room.unblock(row.place)
        if (old is None or new is None) and self.layout.is_track(row.place):
            self._close_track()

    def _on_alarm(self, old: e.Alarm | None, new: e.Alarm | None) -> None:
        if new is not None:
            self.alarms_of_subject.setdefault(new.subject, {})[new.number] = None
            self.attention.wake(new.subject)
        elif old is not None:
            _discard(self.alarms_of_subject, old.subject, old.number)
            self.attention.wake(old.subject)

    @property
    def room(self) -> Room:
        """The free places, built from the rows when they are first asked for; afterwards facts keep both alike."""
        if self._room is None:
            bound = (row.sink for rows in (self.transport, self.leg) for row in rows)
            stocked = ((row.sku, self.load_unit[row.load_unit].place) for row in self.content)
            self._room = Room(
                self.layout,
                held=chain((unit.place for unit in self.load_unit), bound),
                blocked=(block.place for block in self.block if block.stops(e.Flow.IN)),
                stocked=stocked,
            )
        return self._room

    @property
    def traffic(self) -> Traffic:
        """The track, built from its rows when it is first asked for; afterwards facts keep both alike."""
        if self._traffic is None:
            records = [VehicleTraffic(**structs.asdict(row)) for row in self.vehicle]
            self._traffic = Traffic(self.layout.plant.track, records)
            self._close_track()
        return self._traffic

    def _close_track(self) -> None:
        self.attention.wake_all()
        if self._traffic is not None:
            layout, closed = self.layout, [block.place for block in self.block]
            nodes = frozenset(place for place in closed if place in layout.nodes)
            self._traffic.set_closed(nodes, frozenset(layout.edges[place] for place in closed if place in layout.edges))
            for vehicle in self._traffic.vehicles.values():
                row = e.VehicleTraffic(**structs.asdict(vehicle))
                if self.vehicle[row.vehicle] != row:
                    self.vehicle.put(row)

    # Small questions asked everywhere.

    def has_alarm(self, subject: str, code: str) -> bool:
        """Whether an alarm of this kind stands there."""
        alarms = self.alarms_of_subject.get(subject)
        return alarms is not None and any(self.alarm[number].code == code for number in alarms)

    def unit_at(self, place: str) -> int:
        """The one load unit at a single place, 0 if none."""
        for load_unit in self.units_at.get(place, ()):
            return load_unit
        return 0

    def transport_for(self, load_unit: int) -> e.TransportOrder | None:
        number = self.transport_of_unit.get(load_unit)
        return None if number is None else self.transport[number]

    def leg_of_unit(self, load_unit: int) -> e.Leg | None:
        transport = self.transport_for(load_unit)
        return self.leg[transport.leg] if transport is not None and transport.leg else None

    def contents(self, load_unit: int) -> list[e.Content]:
        return [self.content[key] for key in self.contents_of.get(load_unit, ())]

    def lines(self, order_number: str) -> list[e.OrderLine]:
        return [self.line[order_number, n] for n in self.lines_of_order.get(order_number, ())]


def _discard(index: dict[Any, dict[Any, Any]], key: Any, member: Any) -> None:
    members = index[key]
    del members[member]
    if not members:
        del index[key]
