"""People who meddle: they cancel, count, hold, block, move, answer and command at any moment, rightly or wrongly.

Rule: what they say they have moved they have moved (hands first); every draw is a function of the seed. Whatever they
ask is done whole or refused with a reason, and once they are gone every order ends and the paper is the world.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from devices.machines.world import WorldRefused
from simulation.chance import Chance
from tests.core.bad_days import CALM_MS, QUIET_MS
from tests.core.warehouses import stocked_site
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core.acts import ACTS
from wcs.core.state import State
from wcs.core.stations import work_at
from wcs.core.turn import RequestRefused
from wcs.plant.model import LOST, OUTSIDE

T = TypeVar("T")
ORDERS = 24
DELIVERIES = 4
MEDDLING_MS = 1_500_000
PAUSE_MS = (500, 15_000)
MODE_MS = 30_000  # until a device that was asked for a mode has it
ANSWERS = ("done", "at_sink", "at_source", "on_device", "gone", "moved", "retry", "resume", "cancel", "shrug")
OPERATOR_ONLY = ("outcome_unknown", "vanished", "foreign_device")  # to answer these one must go and look


class Meddler:
    """One seeded run."""

    def __init__(self, seed: int) -> None:
        self.chance = Chance(seed)
        self.site, self.work = stocked_site(seed)
        self.told: list[str] = []
        self.done: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self._n = 0
        self._draws = 0

    @property
    def state(self) -> State:
        return self.site.state

    def run(self) -> None:
        """Orders come, people meddle, people leave; then everything ends well."""
        for n in range(1, ORDERS + 1):
            number, lines = self.work.order(n)
            self.site.order(number, *((line.sku, line.quantity) for line in lines))
        for n in range(1, DELIVERIES + 1):
            number, expected = self.work.delivery(n, 0)
            self._do(v.DeliveryNotified(at_ms=self._now(), actor="erp", number=number, lines=expected))
        acts = (
            self._cancel, self._pick, self._depart, self._answer, self._service, self._act, self._block, self._unblock,
            self._hold, self._count, self._carry,
        )  # fmt: skip
        while self._now() < MEDDLING_MS and self.state.orders_open:
            self._n += 1
            self._draws = 0
            self.site.run_for(self._number(*PAUSE_MS))
            self._one_of(acts)()
        self._put_right()
        self.site.run_until_ended(within_ms=CALM_MS)
        self.site.run_until_quiet(within_ms=QUIET_MS)
        self.site.run_for(QUIET_MS // 10)
        self.site.check_paper_is_world()

    def _now(self) -> int:
        return self.site.twin.now_ms

    def _number(self, low: int, high: int) -> int:
        self._draws += 1
        return self.chance.integer(low, high, f"meddling {self._draws}", self._n)

    def _one_of(self, things: Sequence[T]) -> T:
        return things[self._number(0, len(things) - 1)]

    def _often(self) -> bool:
        return self._number(1, 10) <= 7

    def _do(self, event: v.Event) -> bool:
        name = type(event).__name__
        self.told.append(f"{self._now()}: {event}")
        try:
            self.site.twin.handle(event)
        except RequestRefused as refusal:
            self.refused[name] = self.refused.get(name, 0) + bool(refusal.field and refusal.reason)
            return False
        self.done[name] = self.done.get(name, 0) + 1
        return True

    def _again_and_again(self, make: Callable[[], v.Event]) -> None:
        for _ in range(self._number(1, 2)):
            self._do(make())

    def _unit(self) -> int:
        busy = [t.load_unit for t in self.state.transport] + [r.load_unit for r in self.state.reservation]
        busy += [u.load_unit for u in self.state.load_unit if u.order_number]
        return int(self._one_of(busy if busy and self._often() else list(self.state.load_unit.rows)))

    def _cancel(self) -> None:
        number = self._one_of(list(self.state.order.rows))
        self._again_and_again(lambda: v.OrderCancelRequested(at_ms=self._now(), actor="shop", number=number))

    def _pick(self) -> None:
        open_ = [pick for s in self.state.layout.stations.values() for pick in work_at(self.state, s).picks]
        picks = open_ if open_ and self._often() else list(self.state.reservation)
        if not picks:
            return
        pick = self._one_of(picks)
        sku = pick.sku if self._often() else self._one_of(list(self.state.sku.rows))
        quantity = self._number(0, pick.quantity + 1)
        self._again_and_again(
            lambda: v.PickConfirmed(
                at_ms=self._now(), actor="picker", reservation=pick.number, sku=sku, quantity=quantity
            )
        )

    def _depart(self) -> None:
        unit = self._unit()
        if self.state.load_unit[unit].place not in self.state.layout.dock_outbound:  # else it would be no error
            self._do(v.DepartureConfirmed(at_ms=self._now(), actor="dock", load_unit=unit))

    def _answer(self) -> None:
        alarms = [alarm for alarm in self.state.alarm if alarm.code not in OPERATOR_ONLY]
        number = self._one_of(alarms).number if alarms and self._often() else self._number(0, 99)
        alarm = self.state.alarm.get(number)
        if alarm is not None and alarm.code in OPERATOR_ONLY:
            return
        answer = self._one_of(ANSWERS)
        self._again_and_again(lambda: v.AlarmAnswered(at_ms=self._now(), actor="op", alarm=number, answer=answer))

    def _service(self) -> None:
        device, into = self._one_of(list(self.state.device.rows)), self._number(0, 1) == 1
        self._do(v.DeviceServiceRequested(at_ms=self._now(), actor="op", device=device, in_service=into))

    def _act(self) -> None:
        device = self._one_of(list(self.state.device.rows))
        act = self._one_of((*ACTS, "take_over", "automatic", "maintenance", "explode"))
        self._again_and_again(lambda: v.DeviceActRequested(at_ms=self._now(), actor="op", device=device, act=act))

    def _block(self) -> None:
        layout = self.state.layout
        places = [*layout.aisles, *layout.nodes, *layout.stations, *layout.transfer_points]
        places += [t.sink for t in self.state.transport] + [leg.source for leg in self.state.leg]
        place = self._one_of(places)
        flow = self._one_of(list(e.Flow))
        self._do(
            v.PlaceBlockRequested(
                at_ms=self._now(), actor="op", place=place, blocked=True, reason="bent beam", flow=flow
            )
        )

    def _unblock(self) -> None:
        blocks = list(self.state.block)
        if blocks:
            self._free(self._one_of(blocks).place)

    def _free(self, place: str) -> None:
        self._do(v.PlaceBlockRequested(at_ms=self._now(), actor="op", place=place, blocked=False))

    def _hold(self) -> None:
        promises = list(self.state.reservation)
        if promises and self._often():
            lot = self._one_of(promises)
            self._do(v.HoldRequested(at_ms=self._now(), actor="q", reason="recall", sku=lot.sku, lot=lot.lot))
        else:
            self._do(v.HoldRequested(at_ms=self._now(), actor="q", reason="damaged", load_unit=self._unit()))

    def _count(self) -> None:
        unit = self._unit()
        rows = self.state.contents(unit)
        row = self._one_of(rows) if rows and self._often() else self._one_of(list(self.state.lot))
        quantity = self._number(0, getattr(row, "quantity", 0) + 5)
        self._do(
            v.StockCounted(
                at_ms=self._now(), actor="op", load_unit=unit, sku=row.sku, lot=row.lot, owner="own", quantity=quantity
            )
        )

    def _carry(self) -> None:
        """By hand, in the building first; what the system refuses is put back."""
        layout, world = self.state.layout, self.site.world
        unit = self._unit()
        source = world.place_of(unit)
        bins = [self.work.locations.name(n) for n in range(self.work.locations.count)]
        others = [*layout.transfer_points, *layout.station_of_place, OUTSIDE, "nowhere"]
        sink = self._one_of(bins if self._often() else others)
        if source in (*layout.kinds, LOST) or self.state.load_unit[unit].place != source:
            return
        try:
            world.move(unit, source, sink, by="by hand", now_ms=self._now())
        except (WorldRefused, KeyError):
            return
        moved = v.LoadUnitPlaced(at_ms=self._now(), actor="op", load_unit=unit, place=sink, reason="in the way")
        if not self._do(moved):
            world.move(unit, sink, source, by="put back", now_ms=self._now())

    def _put_right(self) -> None:
        """Blocks and holds are lifted, devices are in service and automatic."""
        for block in list(self.state.block):
            self._free(block.place)
        for unit in [u for u in self.state.load_unit if u.hold]:
            self._do(v.HoldRequested(at_ms=self._now(), actor="q", reason="", load_unit=unit.load_unit))
        for lot in [row for row in self.state.lot if row.hold]:
            self._do(v.HoldRequested(at_ms=self._now(), actor="q", reason="", sku=lot.sku, lot=lot.lot))
        for device in list(self.state.device):
            self._do(v.DeviceServiceRequested(at_ms=self._now(), actor="op", device=device.name, in_service=True))
        while any(device.mode.name != "AUTOMATIC" for device in self.state.device):
            for device in list(self.state.device):
                self._do(v.DeviceActRequested(at_ms=self._now(), actor="op", device=device.name, act="automatic"))
            self.site.run_for(MODE_MS)


def meddle(seed: int) -> Meddler:
    """The whole run of a seed, and what must be true at its end."""
    run = Meddler(seed)
    run.run()
    state = run.state
    assert not len(state.reservation), list(state.reservation)
    left = [u for u in state.load_unit if u.role is e.LoadUnitRole.ORDER and u.place not in (LOST, OUTSIDE)]
    assert not left, f"an order's load unit was left: {left}"
    assert not len(state.alarm), list(state.alarm)
    for order in state.order:
        assert order.number not in state.orders_open
    return run
