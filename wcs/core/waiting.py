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
    for place in (leg.source, leg.sink):
        if place in state.block and state.layout.is_location(place):
            return of_block(state, place)
    if leg.carrier == FLEET:
        return of_fleet(state)
    crane = state.layout.cranes.get(leg.carrier)
    if crane is None:
        return ""
    return of_block(state, crane.aisle) if crane.aisle in state.block else of_device(state, crane.name)


def of_block(state: State, place: str) -> str:
    block = state.block[place]
    return f"{place} is blocked by {block.actor}: {block.reason}"


def of_device(state: State, name: str) -> str:
    """Why this machine does not work; empty if it can."""
    device = state.device[name]
    if not device.in_service:
        return f"{name} was taken out of service by {device.out_of_service_by}"
    if device.link is not e.Link.SYNCHRONISED:
        return f"{name} is {device.link.value}"
    if on_board.is_unknown(state, name):
        return f"{name} has a load on board that the book does not know"
    if device.able:
        return ""
    return f"{name} is {device.stopped or f'in mode {device.mode.name.lower()}'}"


def of_fleet(state: State) -> str:
    """Why no vehicle comes; empty if one can."""
    reasons = [of_device(state, name) for name, kind in state.layout.kinds.items() if kind is Kind.VEHICLE]
    return "" if not all(reasons) else "; ".join(reasons)
