"""Every "no" has its reason, also one that nobody wrote down: what an order's load units wait for."""

from __future__ import annotations

from tests.core.test_bad_luck import ships, site_with_stock
from tests.core.warehouses import Site
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import waiting

MINUTE_MS = 60_000


def reasons(site: Site) -> set[str]:
    return {waiting.reason(site.state, transport) for transport in site.state.transport}


def block(site: Site, place: str, reason: str, flow: e.Flow = e.Flow.BOTH) -> None:
    site.twin.handle(
        v.PlaceBlockRequested(
            at_ms=site.twin.now_ms, actor="mei", place=place, blocked=bool(reason), reason=reason, flow=flow
        )
    )


def serve(site: Site, device: str, *, in_service: bool) -> None:
    event = v.DeviceServiceRequested(at_ms=site.twin.now_ms, actor="mei", device=device, in_service=in_service)
    site.twin.handle(event)


def test_what_stands_in_a_blocked_aisle_says_who_blocked_it_and_goes_on_when_it_is_free() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 12))
    block(site, "A1", "bent beam")
    site.run_for(5 * MINUTE_MS)
    assert site.state.order["SO1"].waits_for == "A1 is blocked by mei: bent beam"
    assert not reasons(site), "it holds no place at a station meanwhile, and nothing is called"
    block(site, "A1", "")
    ships(site)
    assert not site.state.order["SO1"].waits_for


def test_a_load_on_the_crane_of_an_aisle_that_is_blocked_is_brought_to_an_end() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 12))
    site.run_until(lambda: bool(site.state.units_at.get("CR1")))
    block(site, "A1", "bent beam")
    site.run_for(5 * MINUTE_MS)
    assert not site.state.units_at.get("CR1")
    block(site, "A1", "")
    ships(site)


def test_what_waits_for_a_crane_or_vehicle_out_of_service_says_by_whom() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 12))
    serve(site, "CR1", in_service=False)
    serve(site, "V1", in_service=False)
    site.run_for(5 * MINUTE_MS)
    assert site.state.order["SO1"].waits_for == "CR1 was taken out of service by mei"
    serve(site, "CR1", in_service=True)
    site.run_until(lambda: site.order_state("SO1") is e.OrderState.PACKED)
    site.run_for(5 * MINUTE_MS)
    assert reasons(site) == {"V1 was taken out of service by mei"}
    serve(site, "V1", in_service=True)
    ships(site)


def test_what_waits_for_a_crane_that_stands_says_how_it_stands() -> None:
    site = site_with_stock(people=False)
    site.order("SO1", ("TEA", 12))
    site.run_until(lambda: bool(site.state.task_of_device.get("CR1")))
    site.twin.inject("CR1", "mode", mode="manual")
    site.run_for(MINUTE_MS)
    assert any(reason.startswith("CR1 is ") for reason in reasons(site))


def order_without_empties() -> Site:
    """A site with stock, an order for it and nothing to put it into."""
    site = Site()
    site.start()
    site.skus("TEA")
    site.stock("A1-L-01-01-1", "TEA", 30)
    site.order("SO1", ("TEA", 2))
    return site


def test_orders_that_wait_for_an_empty_that_cannot_come_raise_an_alarm_until_one_comes() -> None:
    site = order_without_empties()
    site.order("SO2", ("TEA", 2))
    site.run_for(MINUTE_MS)
    (alarm,) = site.state.alarm
    assert (alarm.code, alarm.answers) == ("no_empties", ())
    assert site.state.order["SO1"].waits_for == "an empty load unit for the order"
    site.stock("A2-L-01-01-1")
    site.run_until_ended()
    assert not len(site.state.alarm)
    assert site.order_state("SO2") is e.OrderState.SHIPPED


def test_an_alarm_about_empties_ends_with_the_last_order_that_waits() -> None:
    site = order_without_empties()
    site.run_for(MINUTE_MS)
    site.cancel("SO1")
    assert not len(site.state.alarm)
