"""A mind decides by the policies that it was made with; what it decided is applied the same under any."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import pytest

from tests.core.warehouses import HOUR_MS, Site, stocked_site
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.warehouse import Warehouse
from wcs.plant.policies import DEFAULT_POLICIES, Policies, policies_of

OLDEST_FIRST = Policies(pairing="oldest_first")
ORDERS = 30
MINUTE_MS = 60_000  # the cranes stand for so long: retrievals wait beside one another


def cranes_in_service(site: Site, in_service: bool) -> None:
    for crane in site.state.layout.cranes:
        at_ms = site.twin.now_ms
        site.twin.handle(v.DeviceServiceRequested(at_ms=at_ms, actor="test", device=crane, in_service=in_service))


@lru_cache(maxsize=2)
def hour_under(policies: Policies) -> Site:
    site, work = stocked_site()
    site.twin.warehouse.state.policies = policies
    cranes_in_service(site, False)
    for n in range(ORDERS):
        number, lines = work.order(n)
        site.twin.handle(v.OrderRequested(at_ms=site.twin.now_ms, actor="test", number=number, lines=lines))
    site.run_for(MINUTE_MS)
    cranes_in_service(site, True)
    site.run_for(HOUR_MS)
    return site


def overtaken(site: Site) -> int:
    """How many retrievals began after a younger one of the same crane to the same sink."""
    legs = {fact.leg.number: fact.leg for fact in site.facts_of(f.LegStarted) if isinstance(fact, f.LegStarted)}
    youngest: dict[tuple[str, str], int] = {}
    count = 0
    for fact in site.facts_of(f.LegAssigned):
        assert isinstance(fact, f.LegAssigned)
        leg = legs[fact.number]
        if fact.device in site.twin.warehouse.layout.cranes and site.state.layout.is_location(leg.source):
            way = leg.carrier, leg.sink
            count += leg.number < youngest.get(way, 0)
            youngest[way] = max(leg.number, youngest.get(way, 0))
    return count


def test_oldest_first_lets_no_retrieval_overtake_another() -> None:
    assert overtaken(hour_under(DEFAULT_POLICIES)) > 0, "the nearest goes first by default"
    assert overtaken(hour_under(OLDEST_FIRST)) == 0


def test_facts_are_applied_the_same_under_any_policies() -> None:
    site = hour_under(OLDEST_FIRST)
    folded = Warehouse(site.plant, policies=DEFAULT_POLICIES)
    for fact in site.facts:
        folded.apply(fact)
    for entity in e.ENTITIES:
        assert folded.state.tables[entity].rows == site.state.tables[entity].rows


def test_policies_outlive_a_restart_in_a_replay() -> None:
    mind = Warehouse(hour_under(DEFAULT_POLICIES).plant, policies=OLDEST_FIRST)
    assert mind.state.rebuilt().policies == OLDEST_FIRST


def test_the_same_policies_decide_the_same_again() -> None:
    site = hour_under(OLDEST_FIRST)
    assert site.twin.journal is not None
    again = Warehouse(site.plant, policies=OLDEST_FIRST)
    for event, facts in site.twin.journal:
        assert msgspec.json.encode(again.handle(event).facts) == msgspec.json.encode(facts), event


def test_the_longest_idle_vehicle_takes_the_next_leg() -> None:
    site, work = stocked_site()
    site.twin.warehouse.state.policies = Policies(vehicle_choice="longest_idle")
    for n in range(ORDERS):
        number, lines = work.order(n)
        site.twin.handle(v.OrderRequested(at_ms=site.twin.now_ms, actor="test", number=number, lines=lines))
    given: dict[str, int] = {}
    assert site.twin.journal is not None
    site.run_for(HOUR_MS)
    for fact in site.facts_of(f.LegAssigned):
        assert isinstance(fact, f.LegAssigned)
        if fact.device in site.state.layout.vehicles:
            given[fact.device] = given.get(fact.device, 0) + 1
    assert set(given) == set(site.state.layout.vehicles)


def test_a_name_that_its_kind_does_not_have_is_refused() -> None:
    assert policies_of({"pairing": "oldest_first", "putaway": "travel_time"}) == OLDEST_FIRST
    with pytest.raises(msgspec.ValidationError, match="single_command"):
        policies_of({"pairing": "single_command"})
