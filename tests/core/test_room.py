"""The free places: kept by facts, they are what the rows say."""

from __future__ import annotations

from tests.core.warehouses import HOUR_MS, stocked_site
from wcs.core import events as v
from wcs.core.room import Room
from wcs.core.state import State

ORDERS = 25
BLOCKED = ("A1", "A2-L-01-01-1", "A2-L-01-02-1")


def places(state: State, room: Room) -> dict[str, object]:
    """All that a choice depends on."""
    names = [state.layout.locations.name(n) for n in range(state.layout.locations.count)]
    aisles = range(len(state.layout.plant.aisles))
    return {
        "status": {name: int(status) for name, status in zip(names, room.free.status, strict=True)},
        "held": [name for name in names if room.is_held(name)],
        "free": (room.free_count(), [(room.free.free_count(n), room.free.first_free(n)) for n in aisles]),
        "aisles of SKUs": {sku: counts.tolist() for sku, counts in room._sku_count.items() if counts.any()},
        "blocked": list(room.blocked_aisles),
    }


def test_free_places_kept_by_facts_are_those_that_the_rows_say() -> None:
    site, work = stocked_site()
    state = site.state
    before = places(state, state.room)
    for place in BLOCKED:
        site.twin.handle(
            v.PlaceBlockRequested(at_ms=site.twin.now_ms, actor="test", place=place, blocked=True, reason="repair")
        )
    for n in range(ORDERS):
        number, lines = work.order(n)
        site.twin.handle(v.OrderRequested(at_ms=site.twin.now_ms, actor="test", number=number, lines=lines))
    seen = []
    for _ in range(20):
        site.run_for(HOUR_MS // 60)
        kept = places(state, state.room)
        assert kept == places(state, state.rebuilt().room)
        seen.append(kept)
    assert any(kept["held"] != before["held"] for kept in seen)
