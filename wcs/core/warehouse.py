"""The mind: an event comes in; facts and commands come out. It reads no clock, no network, no disk and no dice.

Rule: one event is one turn. What comes in is taken in first, then the dispatch cycle looks at whatever the turn woke.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from wcs.core import (
    acts,
    answers,
    around,
    cranes,
    driving,
    handover,
    intake,
    orders,
    points,
    reconcile,
    retries,
    stations,
    surprises,
    tasks,
    vehicles,
)
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.evolve_machines import SITE
from wcs.core.layout import FLEET, Layout
from wcs.core.ports import (
    Connected,
    DeviceReport,
    Disconnected,
    PointChanged,
    StatusChanged,
    Synchronised,
    TransferChanged,
    Unanswered,
)
from wcs.core.state import State
from wcs.core.turn import EVOLVE, RequestRefused, Step, Turn
from wcs.plant.model import Plant
from wcs.plant.policies import DEFAULT_POLICIES, Policies

# Rounds of the cycle within one turn: a released order wakes a crane, a crane's set-down a vehicle; beyond that it is
# our bug, and better seen than looped on.
ROUNDS_MAX = 16


class Warehouse:
    """One site's warehouse: its state, and what it decides."""

    def __init__(self, plant: Plant, rows: Iterable[e.Entity] = (), *, policies: Policies = DEFAULT_POLICIES) -> None:
        self.layout = Layout(plant)
        self.state = State(self.layout, policies)
        self.state.load(rows)
        self._as_loaded = True

    def handle(self, event: v.Event) -> Step:
        """Decide on one event, and apply what was decided.

        Raises:
            RequestRefused: the caller's fault; nothing changed.
            AssertionError: our bug; the state may be half changed and must be discarded and loaded again.
        """
        if isinstance(event, v.HostStarted):
            self._begin_term(event)
        self._as_loaded = False
        turn = Turn(self.state, event.at_ms)
        try:
            HANDLERS[type(event)](turn, event)
        except RequestRefused:
            assert not turn.facts, f"refused after {turn.facts}"
            raise
        cycle(turn)
        return Step(facts=tuple(turn.facts), commands=tuple(turn.commands))

    def apply(self, fact: f.Fact) -> None:
        """Evolve only: what replaying facts does."""
        self._as_loaded = False
        EVOLVE[type(fact)](self.state, fact)

    def _begin_term(self, event: v.HostStarted) -> None:
        """What a restart would load, so that a replay over it decides the same."""
        installed = self.state.installed_plant.get(event.plant)
        if installed is None and len(self.state.installed_plant):
            raise RequestRefused("plant", f"this site's books belong to another plant than {event.plant}")
        if self._as_loaded:
            return  # a host that starts has just loaded it
        self.state = self.state.rebuilt()


def cycle(turn: Turn) -> None:
    """The dispatch cycle: stations and orders first (they make work), then machines (they do it)."""
    for _ in range(ROUNDS_MAX):
        if not (turn.stations_to_serve or turn.orders_changed or turn.woken):
            return
        around.go_around_planned(turn)
        serve_stations(turn)
        release_orders(turn)
        assign_machines(turn)
    raise AssertionError(f"the cycle does not settle: {turn.woken}, {turn.stations_to_serve}")


def serve_stations(turn: Turn) -> None:
    names, turn.stations_to_serve = turn.stations_to_serve, {}
    for name in sorted(names):
        stations.serve(turn, turn.layout.stations[name])


def release_orders(turn: Turn) -> None:
    if turn.orders_changed:
        turn.orders_changed = False
        orders.release(turn)


def assign_machines(turn: Turn) -> None:
    woken, turn.woken = turn.woken, {}
    for name in sorted(woken):
        if name in turn.layout.cranes:
            cranes.dispatch(turn, name)
    if FLEET in woken:
        vehicles.dispatch(turn)


def host_started(turn: Turn, event: v.HostStarted) -> None:
    """A term begins: every device counts as lost until it has been read and synchronised."""
    if event.plant not in turn.state.installed_plant:
        turn.record(f.PlantInstalled(name=event.plant, digest=event.plant_digest))
    site = turn.state.site.get(SITE)
    epoch = max(event.epoch, site.epoch + 1 if site else 1)
    turn.record(f.TermBegun(epoch=epoch, now_ms=event.at_ms))
    turn.wake(FLEET)  # none of them drives for us until it has been found again


def event_set_aside(turn: Turn, event: v.EventSetAside) -> None:
    """A quarantined event: an alarm, and no new work for the device that it came from."""
    subject = event.device or "site"
    text = f"{event.name} could not be taken in and is quarantined: {event.error}"
    turn.raise_alarm(subject, "event_quarantined", text, answers=("done",))
    device = turn.state.device.get(event.device)
    if device is not None and device.in_service:
        turn.record(f.DeviceServiceChanged(device=event.device, in_service=False, actor="host"))


def ticked(turn: Turn, event: v.Tick) -> None:
    """Every second some look again: nothing that can be done waits long for a report that will not come."""
    since_ms = turn.state.site[SITE].now_ms
    turn.record(f.ClockMoved(now_ms=event.at_ms))
    retries.ask_again(turn, since_ms)
    driving.look_for_stalled(turn)
    handover.acknowledge_again(turn)
    surprises.look_for_absent(turn)
    turn.wake_some()


def device_reported(turn: Turn, event: v.DeviceReported) -> None:
    """What a device says, by kind; the most frequent first."""
    report: DeviceReport = event.report
    match report:
        case PointChanged(device=device, point=index, status=point):
            if is_synchronised(turn, device):
                points.point_changed(turn, device, index, point)
        case StatusChanged(device=device, status=status, battery_permille=battery):
            if reconcile.is_driven_by_another(turn, device, status):
                return
            tasks.status_changed(turn, device, status, battery)
        case TransferChanged(device=device, transfer=index, status=transfer):
            if is_synchronised(turn, device):
                handover.transfer_changed(turn, device, index, transfer)
        case Connected(snapshot=snapshot):
            reconcile.connected(turn, snapshot)
        case Synchronised(sequence=sequence, snapshot=snapshot):
            reconcile.synchronised(turn, sequence, snapshot)
        case Unanswered(device=device, sequence=sequence):
            reconcile.lost(turn, device, f"command {sequence} was not acknowledged")
        case Disconnected(device=device, reason=reason):
            reconcile.lost(turn, device, reason)


def is_synchronised(turn: Turn, device: str) -> bool:
    return turn.state.device[device].link is e.Link.SYNCHRONISED


Handler = Callable[[Turn, Any], None]
HANDLERS: dict[type[v.Event], Handler] = {
    v.HostStarted: host_started,
    v.EventSetAside: event_set_aside,
    v.Tick: ticked,
    v.DeviceReported: device_reported,
    v.SkuChanged: intake.sku_changed,
    v.StockOpened: intake.stock_opened,
    v.DeliveryNotified: intake.delivery_notified,
    v.LoadUnitArrived: intake.load_unit_arrived,
    v.OrderRequested: orders.place,
    v.OrderCancelRequested: orders.cancel,
    v.PickConfirmed: stations.confirm_pick,
    v.LoadUnitPlaced: acts.load_unit_placed,
    v.DepartureConfirmed: intake.departure_confirmed,
    v.AlarmAnswered: answers.alarm_answered,
    v.DeviceServiceRequested: acts.service_requested,
    v.DeviceActRequested: acts.device_act,
    v.PlaceBlockRequested: acts.block_requested,
    v.HoldRequested: acts.hold_requested,
    v.StockCounted: acts.stock_counted,
}
