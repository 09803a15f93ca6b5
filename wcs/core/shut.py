"""What people have shut: locations and aisles that are blocked, cranes that are out of service.

Rule: what stands behind it is promised last, and is not called while it cannot be fetched. Faults are not asked about
here: they pass, a person's act lasts until a person ends it.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core import waiting
from wcs.core.state import State


def anything(state: State) -> bool:
    """Whether anything is shut at all; mostly nothing is."""
    return bool(state.block.rows or state.out_of_service)


def why(state: State, place: str, flow: e.Flow) -> str:
    """What keeps anything from being fetched from (out) or brought to (in) this location; empty if nothing does."""
    if not anything(state):
        return ""
    aisle = state.layout.aisle_of(place)
    if aisle is None:
        return ""
    if block := waiting.block_of(state, place, flow):
        return waiting.of_block(block)
    crane = state.layout.crane_of_aisle[aisle].name
    return waiting.of_device(state, crane) if crane in state.out_of_service else ""
