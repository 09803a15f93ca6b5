"""First-expired-first-out reservation, and what happens when promised stock is not there.

Rule: `reasons_against` is the one place that says whether stock may be promised; every reservation is checked by it.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core.turn import Turn
from wcs.plant.model import LOST, OUTSIDE

# Load units looked at for one line: one that needs more is served by several orders of the customer.
CANDIDATES_MAX = 500


def reasons_against(turn: Turn, content: e.Content, ship_ms: int) -> str:
    """Why this content cannot be promised for shipping at `ship_ms`; empty if it can.

    The expired (less than its life at shipping left), the held and the quarantined cannot, nor what is lost, outside,
    or already in an order's load unit.
    """
    state = turn.state
    unit = state.load_unit[content.load_unit]
    if content.quantity <= content.reserved:
        return "everything is promised already"
    if unit.role is not e.LoadUnitRole.STOCK:
        return f"load unit {unit.load_unit} is not stock"
    if unit.hold:
        return f"load unit {unit.load_unit} is held: {unit.hold}"
    if unit.place in (LOST, OUTSIDE):
        return f"load unit {unit.load_unit} is {unit.place}"
    lot = state.lot.get((content.sku, content.lot))
    if lot is None:
        return ""
    if lot.hold:
        return f"lot {lot.lot} is held: {lot.hold}"
    if is_expired(lot, ship_ms):
        return f"lot {lot.lot} is past its removal date"
    return ""


def is_expired(lot: e.Lot, at_ms: int) -> bool:
    """The one expiry predicate: too little life is left at `at_ms`."""
    return lot.removal_ms is not None and lot.removal_ms <= at_ms


def reserve_line(turn: Turn, order: e.CustomerOrder, line: e.OrderLine) -> int:
    """Promise stock to what is open of a line, first expired first; returns the quantity that found none."""
    state = turn.state
    wanted = line.quantity - line.reserved - line.picked - line.backordered
    ship_ms = max(turn.now_ms, order.due_ms or 0)
    unpromised = state.unpromised_of_sku.get(line.sku, [])
    passed_over = taken = 0  # the list shrinks under this loop: what is promised whole leaves it
    while wanted > 0 and passed_over < len(unpromised) and taken < CANDIDATES_MAX:
        _, lot, load_unit, owner = unpromised[passed_over]
        content = state.content[load_unit, line.sku, lot, owner]
        if reasons_against(turn, content, ship_ms):
            passed_over += 1
            continue
        taken += 1
        quantity = min(wanted, content.quantity - content.reserved)
        turn.record(
            f.StockReserved(
                reservation=e.Reservation(
                    number=state.next_number("reservation"),
                    order_number=order.number,
                    line=line.line,
                    load_unit=load_unit,
                    sku=line.sku,
                    lot=lot,
                    owner=owner,
                    quantity=quantity,
                )
            )
        )
        wanted -= quantity
    return wanted


def reserve_or_backorder(turn: Turn, order_number: str, line_number: int) -> None:
    """Reserve what is open of a line; what finds no stock is honestly backordered."""
    state = turn.state
    order = state.order[order_number]
    missing = reserve_line(turn, order, state.line[order_number, line_number])
    if missing > 0:
        turn.record(
            f.LineBackordered(
                order_number=order_number, line=line_number, quantity=missing, reason="no stock that can be promised"
            )
        )


def void(turn: Turn, number: int, reason: str) -> None:
    turn.record(f.ReservationVoided(number=number, reason=reason))


def void_content(turn: Turn, content: e.Content, reason: str) -> list[tuple[str, int]]:
    """Void every promise of one content; returns the order lines that are to be served from elsewhere."""
    state = turn.state
    lines = []
    for number in tuple(state.reservations_of_unit.get(content.load_unit, ())):
        row = state.reservation[number]
        if (row.sku, row.lot, row.owner) == (content.sku, content.lot, content.owner):
            void(turn, number, reason)
            lines.append((row.order_number, row.line))
    return lines


def promise_again(turn: Turn, lines: list[tuple[str, int]]) -> None:
    """Reserve these lines from elsewhere, or backorder them; their stations look at what is left to be picked.

    Rule: called when what broke the promises is on the book, so that they are not made again from the same stock.
    """
    state = turn.state
    for order_number, line in lines:
        if not state.order[order_number].cancelled:
            reserve_or_backorder(turn, order_number, line)
        if station := state.order[order_number].station:
            turn.stations_to_serve[station] = None
    turn.orders_changed = True


def give_up_unit(turn: Turn, load_unit: int, reason: str) -> None:
    """This load unit cannot keep its promises: each is reserved again from another one or backordered."""
    lines = [line for row in turn.state.contents(load_unit) for line in void_content(turn, row, reason)]
    promise_again(turn, lines)
