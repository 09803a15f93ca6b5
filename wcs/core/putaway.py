"""Where a load unit is stored. Rule: the location is booked with the transport order, so two never choose the same."""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import transports
from wcs.core.turn import Turn
from wcs.plant.routes import NoRoute

# Work waiting for a crane counts as this much each: about one single command cycle of a mid-sized aisle.
WORK_MS = 20_000
WAREHOUSE_FULL = "the warehouse is full: no free storage location in an aisle that can be used"
# Locations kept free of arrivals, so that what is already inside can always be put back.
RESERVE_PER_AISLE = 2


def choose(turn: Turn, load_unit: int) -> str | None:
    """The location for a load unit from where it is now, or None: the racks are full (or not to be reached)."""
    state, layout = turn.state, turn.layout
    unit = state.load_unit[load_unit]
    skus = [row.sku for row in state.contents(load_unit)]
    able: dict[str, bool] = {}
    load_ms: dict[str, int] = {}
    origin, on_crane = transports.origin_of(turn, load_unit), layout.cranes.get(unit.place)
    for name, aisle in layout.aisles.items():
        crane = layout.crane_of_aisle[name].name
        device = state.device.get(crane)
        usable = device is not None and device.in_service and device.link is not e.Link.FROZEN
        fits = unit.mass_g <= aisle.location_mass_max_g and unit.height_mm <= aisle.location_height_mm
        able[name] = usable and fits and reachable(turn, origin, name)
        if on_crane is not None:
            able[name] = fits and on_crane.aisle == name
        load_ms[name] = WORK_MS * len(state.legs_of_carrier.get(crane, ()))
        if device is not None and not device.able:
            load_ms[name] += 10 * WORK_MS  # a stopped crane may be back soon: the others first
    return state.room.choose(skus[0] if skus else "", able, load_ms)


def reachable(turn: Turn, origin: str, aisle: str) -> bool:
    try:
        turn.layout.routes.legs(origin, aisle)
    except NoRoute:
        return False
    return True


def store(turn: Turn, load_unit: int, *, reason: str = "") -> bool:
    """Have it stored; False (and an alarm) if there is nowhere."""
    place = choose(turn, load_unit)
    known = turn.state.transport_for(load_unit)
    if place is None:
        where = turn.state.load_unit[load_unit].place
        if not any(reachable(turn, transports.origin_of(turn, load_unit), aisle) for aisle in turn.layout.aisles):
            turn.raise_alarm(
                where, "no_route", f"load unit {load_unit}: no way from {where} to the racks", answers=("moved",),
                load_unit=load_unit,
            )  # fmt: skip
            return False
        turn.raise_alarm(where, "warehouse_full", WAREHOUSE_FULL, answers=("retry",), load_unit=load_unit)
        return False
    if known is None:
        transports.create(turn, load_unit, place, e.Purpose.PUTAWAY, reason=reason)
    else:
        transports.redirect(turn, known.number, place, e.Purpose.PUTAWAY, reason)
    return True


def has_room_for_arrivals(turn: Turn) -> bool:
    """Intake is open while more is free than what is kept for load units that are already inside."""
    return turn.state.room.free_count() > RESERVE_PER_AISLE * len(turn.layout.aisles)
