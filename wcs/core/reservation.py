"""First-expired-first-out reservation, and what happens when promised stock is not there.

Rule: `reasons_against` is the one place that says whether stock may be promised; every reservation is checked by it.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core import shut
from wcs.core.turn import Turn
from wcs.plant.model import LOST, OUTSIDE

# Load units looked at for one line: one that needs more is served by several orders of the customer.
CANDIDATES_MAX = 500


def reasons_against(turn: Turn, content: e.Content, removal_ms: int, ship_ms: int) -> str:
    """Why this content, to be removed at `removal_ms`, cannot be promised for shipping at `ship_ms`; empty if it can.

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
    if state.lots_held and (hold := state.lots_held.get((content.sku, content.lot))):
        return f"lot {content.lot} is held: {hold}"
    if is_expired(removal_ms, ship_ms):
        return f"lot {content.lot} is past its removal date"
    return ""


def is_expired(removal_ms: int, at_ms: int) -> bool:
    """The one expiry predicate: too little life is left at `at_ms`."""
    return removal_ms <= at_ms


def promise(turn: Turn, order: e.CustomerOrder, line: e.OrderLine, wanted: int, *, fetchable: bool) -> int:
    """Promise up to `wanted`, only of what can be fetched now if asked so; returns what found none."""
    state = turn.state
    ship_ms = max(turn.now_ms, order.due_ms or 0)
    unpromised = state.unpromised_of_sku.get(line.sku, ())
    passed_over = taken = 0  # the list shrinks under this loop: what is promised whole leaves it
    while wanted > 0 and passed_over < len(unpromised) and taken < CANDIDATES_MAX:
        removal_ms, lot, load_unit, owner = unpromised[passed_over]
        content = state.content[load_unit, line.sku, lot, owner]
        if reasons_against(turn, content, removal_ms, ship_ms) or (fetchable and is_shut(turn, load_unit)):
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


def is_shut(turn: Turn, load_unit: int) -> bool:
    """Whether a load unit stands behind something that people have shut."""
    return bool(shut.why(turn.state, turn.state.load_unit[load_unit].place, e.Flow.OUT))


def from_elsewhere(turn: Turn, order_number: str) -> str:
    """Promise an order what can be fetched instead of what stands behind something shut, where there is enough of it;
    why it must wait for the rest, or empty.
    """
    state, waits = turn.state, ""
    for number, unit in tuple(state.reservations_of_order.get(order_number, {}).items()):
        why = shut.why(state, state.load_unit[unit].place, e.Flow.OUT)
        if not why:
            continue
        row = state.reservation[number]
        if fetchable_quantity(turn, row) < row.quantity:
            waits = why
            continue
        void(turn, number, why)
        reserve_or_backorder(turn, state.order[order_number], state.line[order_number, row.line])
    return waits


def fetchable_quantity(turn: Turn, row: e.Reservation) -> int:
    """How much could be promised in its stead of what can be fetched now; no more is counted than it needs."""
    state = turn.state
    ship_ms = max(turn.now_ms, state.order[row.order_number].due_ms or 0)
    found = 0
    for removal_ms, lot, load_unit, owner in state.unpromised_of_sku.get(row.sku, ()):
        content = state.content[load_unit, row.sku, lot, owner]
        if not reasons_against(turn, content, removal_ms, ship_ms) and not is_shut(turn, load_unit):
            found += content.quantity - content.reserved
            if found >= row.quantity:
                break
    return found


def reserve_or_backorder(turn: Turn, order: e.CustomerOrder, line: e.OrderLine) -> None:
    """Promise stock to what is open of a line, first expired first; what finds none is honestly backordered.

    What people have shut comes last: a later removal date that can be fetched serves the order sooner.
    """
    wanted = line.quantity - line.reserved - line.picked - line.backordered
    if shut.anything(turn.state):
        wanted = promise(turn, order, line, wanted, fetchable=True)
    missing = promise(turn, order, line, wanted, fetchable=False)
    if missing > 0:
        turn.record(
            f.LineBackordered(
                order_number=order.number, line=line.line, quantity=missing, reason="no stock that can be promised"
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
        order = state.order[order_number]
        if not order.cancelled:
            reserve_or_backorder(turn, order, state.line[order_number, line])
        if order.station:
            turn.stations_to_serve[order.station] = None
    turn.orders_changed = True


def give_up_unit(turn: Turn, load_unit: int, reason: str) -> None:
    """This load unit cannot keep its promises: each is reserved again from another one or backordered."""
    lines = [line for row in turn.state.contents(load_unit) for line in void_content(turn, row, reason)]
    promise_again(turn, lines)
