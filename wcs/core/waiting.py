"""Why a transport order does not go on now, for those who read it: what the cycle would answer, asked without a turn.

Rule: nothing is decided and nothing recorded here; a reason that the cycle has written down itself comes first.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import on_board
from wcs.core.layout import FLEET, Kind
from wcs.core.state import State


def reason(state: State, transport: e.TransportOrder) -> str:
    """Empty: it is under way, or it is its turn soon."""
    if transport.waits_for:
        return transport.waits_for
    leg = state.leg.get(transport.leg)
    if leg is None:
        return ""
    if leg.device:
        return of_device(state, leg.device)
    for place, flow in ((leg.source, e.Flow.OUT), (leg.sink, e.Flow.IN)):
        if block := block_of(state, place, flow):
            return of_block(block)
    if leg.carrier == FLEET:
        return of_fleet(state)
    if leg.carrier not in state.layout.cranes:
        return ""
    block = block_of_aisle(state, leg.carrier)
    return of_block(block) if block is not None else of_device(state, leg.carrier)


def block_of(state: State, place: str, flow: e.Flow) -> e.Block | None:
    """The block, its own or its aisle's, that keeps this flow (in or out) from a location; None if nothing does."""
    aisle = state.layout.aisle_of(place) if state.block.rows else None
    if aisle is None:
        return None
    for name in (place, aisle):
        block = state.block.get(name)
        if block is not None and block.stops(flow):
            return block
    return None


def block_of_aisle(state: State, crane: str) -> e.Block | None:
    """The block that keeps a crane from moving in its aisle at all, be it from one transfer point to another."""
    block = state.block.get(state.layout.cranes[crane].aisle)
    return block if block is not None and block.flow is e.Flow.BOTH else None


def of_block(block: e.Block) -> str:
    match block.flow:
        case e.Flow.IN:
            return f"{block.place} is blocked for put-away by {block.actor}: {block.reason}"
        case e.Flow.OUT:
            return f"{block.place} is blocked for retrieval by {block.actor}: {block.reason}"
        case e.Flow.BOTH:
            return f"{block.place} is blocked by {block.actor}: {block.reason}"


def of_device(state: State, name: str) -> str:
    """Why this machine does not work; empty if it can."""
    device = state.device[name]
    if not device.in_service:
        return f"{name} was taken out of service by {device.out_of_service_by}"
    if device.link is not e.Link.SYNCHRONISED:
        return f"{name} is {device.link.value}"
    if on_board.is_unknown(state, name):
        return f"{name} has a load on board that the book does not know"
    for unit in state.units_at.get(name, ()):
        if unit not in state.transport_of_unit:
            return f"{name} has load unit {unit} on board, which finds no place"
    if device.able:
        return ""
    return f"{name} is {device.stopped or f'in mode {device.mode.name.lower()}'}"


def of_fleet(state: State) -> str:
    """Why no vehicle comes; empty if one can."""
    reasons = [of_device(state, name) for name, kind in state.layout.kinds.items() if kind is Kind.VEHICLE]
    return "" if not all(reasons) else "; ".join(reasons)
