"""What operators ask of devices, places and stock. Rule: every act names its actor in the fact, or it is refused."""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core import handover, reconcile, reservation, stations, transports
from wcs.core.evolve_stock import account_of
from wcs.core.ports import CommandCode, OperatingMode
from wcs.core.turn import RequestRefused, Turn
from wcs.plant.model import LOST, OUTSIDE

ACTS = {
    "reset_fault": CommandCode.RESET_FAULT,
    "resume": CommandCode.RESUME,
    "cancel": CommandCode.CANCEL,
    "pause": CommandCode.PAUSE,
    "home": CommandCode.HOME,
}


def service_requested(turn: Turn, event: v.DeviceServiceRequested) -> None:
    device = known_device(turn, event.device)
    if device.in_service != event.in_service:
        turn.record(f.DeviceServiceChanged(device=device.name, in_service=event.in_service, actor=event.actor))
        turn.wake_all()


def known_device(turn: Turn, name: str) -> e.Device:
    device = turn.state.device.get(name)
    if device is None:
        raise RequestRefused("device", f"unknown device {name!r}")
    return device


def device_act(turn: Turn, event: v.DeviceActRequested) -> None:
    """Send one command by a person's act; the PLC says whether it is allowed now."""
    device = known_device(turn, event.device)
    if event.act == "take_over":
        if device.link is not e.Link.FROZEN:
            raise RequestRefused("act", f"{device.name} is not frozen")
        turn.end_alarms(device.name, "foreign_device", "taken over", event.actor)
        reconcile.take_over(turn, device.name, event.actor)
        return
    if device.link is not e.Link.SYNCHRONISED:
        raise RequestRefused("device", f"{device.name} is {device.link.value}")
    if event.act in ("automatic", "maintenance"):
        mode = OperatingMode.AUTOMATIC if event.act == "automatic" else OperatingMode.SERVICE
        turn.send(device.name, CommandCode.REQUEST_MODE, p1=mode)
    elif event.act in ACTS:
        named = 0 if event.act == "home" else device.task
        turn.send(device.name, ACTS[event.act], named)
    else:
        known = ", ".join([*ACTS, "take_over", "automatic", "maintenance"])
        raise RequestRefused("act", f"unknown act {event.act!r}: wanted one of {known}")


def block_requested(turn: Turn, event: v.PlaceBlockRequested) -> None:
    """Block or free a location, an aisle, a station or a track node."""
    layout = turn.layout
    known = (
        (layout.is_location(event.place) and layout.locations.has(event.place))
        or event.place in layout.aisles or event.place in layout.nodes or event.place in layout.stations
    )  # fmt: skip
    if not known:
        raise RequestRefused("place", f"unknown location, aisle, station or node {event.place!r}")
    if event.blocked == (event.place in turn.state.block):
        return
    if event.blocked:
        turn.record(f.PlaceBlocked(place=event.place, actor=event.actor, reason=event.reason))
    else:
        turn.record(f.PlaceUnblocked(place=event.place, actor=event.actor))
    turn.wake_all()


def hold_requested(turn: Turn, event: v.HoldRequested) -> None:
    """Place or lift a hold; promises of what is now held are made from elsewhere or given up."""
    state = turn.state
    if event.load_unit:
        if event.load_unit not in state.load_unit:
            raise RequestRefused("load_unit", f"unknown load unit {event.load_unit}")
        turn.record(f.LoadUnitHoldChanged(load_unit=event.load_unit, hold=event.reason, actor=event.actor))
        if event.reason:
            reservation.give_up_unit(turn, event.load_unit, f"held: {event.reason}")
        return
    if (event.sku, event.lot) not in state.lot:
        raise RequestRefused("lot", f"unknown lot {event.lot!r} of {event.sku!r}")
    turn.record(f.LotHoldChanged(sku=event.sku, lot=event.lot, hold=event.reason, actor=event.actor))
    if not event.reason:
        return
    for _, lot, unit, _owner in tuple(state.stock_of_sku.get(event.sku, ())):
        if lot == event.lot:
            give_up_lot(turn, unit, event.sku, lot, f"held: {event.reason}")


def give_up_lot(turn: Turn, unit: int, sku: str, lot: str, reason: str) -> None:
    """Void what one load unit has promised of a lot."""
    state = turn.state
    for number in tuple(state.reservations_of_unit.get(unit, ())):
        row = state.reservation[number]
        if (row.sku, row.lot) == (sku, lot):
            reservation.void(turn, number, reason)
            if not state.order[row.order_number].cancelled:
                reservation.reserve_or_backorder(turn, row.order_number, row.line)
            if state.order[row.order_number].station:
                turn.stations_to_serve[state.order[row.order_number].station] = None


def stock_counted(turn: Turn, event: v.StockCounted) -> None:
    """A count: the difference is posted against `adjustment`; promises that it breaks are made from elsewhere."""
    state = turn.state
    if event.load_unit not in state.load_unit:
        raise RequestRefused("load_unit", f"unknown load unit {event.load_unit}")
    if event.sku not in state.sku:
        raise RequestRefused("sku", f"unknown SKU {event.sku!r}")
    if event.quantity < 0:
        raise RequestRefused("quantity", "wanted 0 or more")
    row = state.content.get((event.load_unit, event.sku, event.lot, event.owner))
    booked = row.quantity if row is not None else 0
    if row is None and (event.sku, event.lot) not in state.lot:
        raise RequestRefused("lot", f"unknown lot {event.lot!r} of {event.sku!r}")
    if row is not None and row.reserved > event.quantity:
        give_up_lot(turn, event.load_unit, event.sku, event.lot, "count")
    difference = event.quantity - booked
    account = account_of(event.load_unit)
    source, sink = ("adjustment", account) if difference > 0 else (account, "adjustment")
    if difference:
        turn.post(source, sink, event.sku, event.lot, event.owner, abs(difference), f"count by {event.actor}")
        turn.orders_changed = True


def load_unit_placed(turn: Turn, event: v.LoadUnitPlaced) -> None:
    """A person put a load unit somewhere: the station's work, a way back from clarification, or a move by hand."""
    unit = turn.state.load_unit.get(event.load_unit)
    if unit is None:
        raise RequestRefused("load_unit", f"unknown load unit {event.load_unit}")
    layout = turn.layout
    at_station = unit.place in layout.station_of_handover or unit.place in layout.station_of_place
    if at_station and (event.place in layout.station_of_place or event.place in layout.station_of_put_on):
        stations.unit_placed(turn, event)
        return
    if not event.reason:
        raise RequestRefused("reason", "a move by hand needs a reason")
    move_by_hand(turn, event, unit)


def move_by_hand(turn: Turn, event: v.LoadUnitPlaced, unit: e.LoadUnit) -> None:
    """Book what a person has done, and let the load unit go on from there."""
    layout, state = turn.layout, turn.state
    if unit.place == event.place:
        return
    a_location = layout.is_location(event.place) and layout.locations.has(event.place)
    a_point = event.place in layout.transfer_points or event.place in layout.station_of_place
    if not (a_location or a_point or event.place in (OUTSIDE, LOST)):
        raise RequestRefused("place", f"unknown place {event.place!r}")
    if event.place not in (OUTSIDE, LOST) and state.unit_at(event.place):
        raise RequestRefused("place", f"{event.place} is occupied by load unit {state.unit_at(event.place)}")
    if unit.place in layout.kinds and state.device[unit.place].task:
        raise RequestRefused("load_unit", f"{unit.place} is at work with it")
    transport = state.transport_for(unit.load_unit)
    if transport is not None and (event.place in (OUTSIDE, LOST) or transport.purpose is e.Purpose.CLARIFICATION):
        transports.drop(turn, transport.number, f"moved by hand by {event.actor}: {event.reason}")
        transport = None
    for subject in (unit.place, event.place, *layout.clarification):
        for number in tuple(state.alarms_of_subject.get(subject, ())):
            if state.alarm[number].load_unit == unit.load_unit or state.alarm[number].code == "appeared":
                turn.record(f.AlarmEnded(number=number, answer="moved", actor=event.actor))
    if unit.place in layout.clarification and not unit.identified:
        turn.record(f.LoadUnitIdentified(load_unit=unit.load_unit, mass_g=unit.mass_g, height_mm=unit.height_mm))
    handover.placed_by_hand(turn, unit.load_unit, event.place, f"{event.actor}: {event.reason}")
    if transport is not None:
        transports.rests_elsewhere(turn, transport.number, f"moved by hand by {event.actor}")
    elif event.place in (OUTSIDE, LOST):
        reservation.give_up_unit(turn, unit.load_unit, event.reason)
    elif event.place in layout.transfer_points:
        stations.put_on_seen(turn, unit.load_unit)
    turn.wake_all()
