"""What operators ask of devices, places and stock. Rule: every act names its actor in the fact, or it is refused."""

from __future__ import annotations

from wcs.core import answers, around, by_hand, reconcile, reservation, stations
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
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
        around.go_around(turn)
        answers.store_what_waits(turn, event.actor)


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
    """Block or free a location, an aisle, a station, a node of the track or an edge (`A>B`)."""
    layout = turn.layout
    known = (
        (layout.is_location(event.place) and layout.locations.has(event.place))
        or event.place in layout.aisles or event.place in layout.stations or layout.is_track(event.place)
    )  # fmt: skip
    if not known:
        raise RequestRefused("place", f"unknown location, aisle, station, node or edge {event.place!r}")
    in_rack = event.place in layout.aisles or layout.is_location(event.place)
    if event.blocked and event.flow is not e.Flow.BOTH and not in_rack:
        raise RequestRefused("flow", f"{event.place} is no location or aisle: wanted both")
    block = turn.state.block.get(event.place)
    wanted = (event.flow, event.reason) if event.blocked else None
    if wanted == (None if block is None else (block.flow, block.reason)):
        return
    if event.blocked:
        turn.record(f.PlaceBlocked(place=event.place, actor=event.actor, reason=event.reason, flow=event.flow))
    else:
        turn.record(f.PlaceUnblocked(place=event.place, actor=event.actor))
    turn.wake_all()
    around.go_around(turn)
    answers.store_what_waits(turn, event.actor)


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
    lines: list[tuple[str, int]] = []
    for _, lot, unit, owner in tuple(state.stock_of_sku.get(event.sku, ())):
        if lot == event.lot:
            content = state.content[unit, event.sku, lot, owner]
            lines += reservation.void_content(turn, content, f"held: {event.reason}")
    reservation.promise_again(turn, lines)


def stock_counted(turn: Turn, event: v.StockCounted) -> None:
    """A count: the difference is posted against `adjustment`; promises that it breaks are made from elsewhere."""
    check_count(turn, event)
    state = turn.state
    row = state.content.get((event.load_unit, event.sku, event.lot, event.owner))
    difference = event.quantity - (row.quantity if row is not None else 0)
    if not difference:
        return
    broken: list[tuple[str, int]] = []
    if row is not None and row.reserved > event.quantity:
        broken = reservation.void_content(turn, row, "count")
    account = account_of(event.load_unit)
    source, sink = ("adjustment", account) if difference > 0 else (account, "adjustment")
    turn.post(source, sink, event.sku, event.lot, event.owner, abs(difference), f"count by {event.actor}")
    role = e.LoadUnitRole.STOCK if state.contents_of.get(event.load_unit) else e.LoadUnitRole.EMPTY
    if state.load_unit[event.load_unit].role is not role:
        turn.record(f.LoadUnitRoleChanged(load_unit=event.load_unit, role=role))
    reservation.promise_again(turn, broken)


def check_count(turn: Turn, event: v.StockCounted) -> None:
    state = turn.state
    unit = state.load_unit.get(event.load_unit)
    if unit is None:
        raise RequestRefused("load_unit", f"unknown load unit {event.load_unit}")
    if unit.place in (OUTSIDE, LOST):
        raise RequestRefused("load_unit", f"load unit {event.load_unit} is {unit.place}: say first where it stands")
    if unit.role is e.LoadUnitRole.ORDER:
        raise RequestRefused("load_unit", f"load unit {event.load_unit} is being filled for order {unit.order_number}")
    if event.sku not in state.sku:
        raise RequestRefused("sku", f"unknown SKU {event.sku!r}")
    if event.quantity < 0:
        raise RequestRefused("quantity", "wanted 0 or more")
    known = (event.load_unit, event.sku, event.lot, event.owner) in state.content
    if not known and (event.sku, event.lot) not in state.lot:
        raise RequestRefused("lot", f"unknown lot {event.lot!r} of {event.sku!r}")


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
    by_hand.move(turn, event, unit)
