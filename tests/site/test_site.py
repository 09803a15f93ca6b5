"""The asyncio host: what it promises is on paper, and nothing stops it but another host."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from tests.ledger.clerk import TINY, moved
from tests.ledger.test_disk_full import PAGES_FOR_EVER, Disk, disk  # noqa: F401  # a fixture
from tests.ledger.test_writer import change, read
from tests.site.hosts import order, running, sku, until
from wcs.core import warehouse
from wcs.core.events import OrderRequested
from wcs.core.facts import OrderPlaced
from wcs.core.orders import place
from wcs.core.turn import RequestRefused, Turn
from wcs.ledger.audit import audit
from wcs.ledger.errors import LeaseLost
from wcs.ledger.writer import LedgerWriter
from wcs.site import Committed, EventQuarantined, HostNotReady, HostState, Site


def test_what_is_answered_is_on_paper_and_in_the_view(database_url: str) -> None:
    async def scene() -> None:
        async with running(database_url) as site:
            await site.submit(sku("S1"))
            facts = await site.submit(order("O1"))
            assert any(isinstance(fact, OrderPlaced) for fact in facts)
            assert read(database_url, "SELECT number FROM customer_order") == [("O1",)]
            assert site.view.order["O1"].number == "O1"

    asyncio.run(scene())
    assert audit(database_url).ok


def test_callers_who_come_together_are_committed_together(database_url: str) -> None:
    async def scene() -> int:
        async with running(database_url) as site:
            await site.submit(sku("S1"))
            before = site.metrics.commits
            await asyncio.gather(*(site.submit(order(f"O{n}")) for n in range(100)))
            assert len(site.view.order) == 100
            return site.metrics.commits - before

    assert asyncio.run(scene()) <= 3


def test_a_refused_request_changes_nothing_and_disturbs_nobody(sqlite_url: str) -> None:
    async def scene() -> None:
        async with running(sqlite_url) as site:
            await site.submit(sku("S1"))
            answers = await asyncio.gather(
                site.submit(order("O1")), site.submit(order("O2", "unknown")), site.submit(order("O3")),
                return_exceptions=True,
            )  # fmt: skip
            assert [isinstance(answer, RequestRefused) for answer in answers] == [False, True, False]
            assert sorted(o.number for o in site.view.order) == ["O1", "O3"]
            assert site.metrics.refused == 1

    asyncio.run(scene())


def handle_orders_by(monkeypatch: pytest.MonkeyPatch, handler: warehouse.Handler) -> None:
    handlers = dict(warehouse.HANDLERS)
    handlers[OrderRequested] = handler
    monkeypatch.setattr(warehouse, "HANDLERS", handlers)


@pytest.fixture
def an_order_that_breaks_us(monkeypatch: pytest.MonkeyPatch) -> str:
    """A bug of ours, as small as can be: the order of this number breaks an assertion after something was done."""

    def break_at(turn: Turn, event: OrderRequested) -> None:
        place(turn, event)
        assert event.number != "POISON", "a bug for this test"

    handle_orders_by(monkeypatch, break_at)
    return "POISON"


def test_an_event_that_breaks_an_assertion_is_set_aside_and_the_others_are_done(
    database_url: str, an_order_that_breaks_us: str
) -> None:
    async def scene() -> None:
        async with running(database_url) as site:
            await site.submit(sku("S1"))
            answers = await asyncio.gather(
                *(site.submit(order(number)) for number in ("O1", an_order_that_breaks_us, "O2")),
                return_exceptions=True,
            )
            assert [isinstance(answer, EventQuarantined) for answer in answers] == [False, True, False]
            assert sorted(o.number for o in site.view.order) == ["O1", "O2"]
            assert [alarm.code for alarm in site.view.alarm] == ["event_quarantined"]
            assert site.condition.state is HostState.READY

    asyncio.run(scene())
    assert read(database_url, "SELECT name FROM quarantine") == [("OrderRequested",)]
    assert audit(database_url).ok


def test_an_event_that_contradicts_the_books_is_set_aside_and_the_others_are_done(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def post_twice(turn: Turn, event: OrderRequested) -> None:
        place(turn, event)
        if event.number == "TWICE":  # past `apply`, which would have caught it: two lines of one key
            turn.facts.extend([moved(1, "outside", "A", "M1"), moved(1, "outside", "A", "M1")])

    handle_orders_by(monkeypatch, post_twice)

    async def scene() -> None:
        async with running(database_url) as site:
            await site.submit(sku("S1"))
            answers = await asyncio.gather(
                *(site.submit(order(number)) for number in ("O1", "TWICE", "O2")), return_exceptions=True
            )
            assert [isinstance(answer, EventQuarantined) for answer in answers] == [False, True, False]
            assert sorted(o.number for o in site.view.order) == ["O1", "O2"]

    asyncio.run(scene())
    assert audit(database_url).ok


def test_a_full_disk_is_a_condition_and_it_goes_on_by_itself(sqlite_url: str, disk: Disk) -> None:  # noqa: F811
    async def scene() -> None:
        async with running(sqlite_url) as site:
            await site.submit(sku("S1"))
            disk.pages = 1
            waiting = [asyncio.create_task(site.submit(order(f"O{n}"))) for n in range(300)]
            await until(lambda: site.condition.state is HostState.NO_COMMIT)
            assert "full" in site.condition.reason
            promised = sum(task.done() for task in waiting)
            assert read(sqlite_url, "SELECT COUNT(*) FROM customer_order") == [(promised,)]
            assert len(site.view.order) == promised
            disk.pages = PAGES_FOR_EVER
            await asyncio.gather(*waiting)
            assert site.condition.state is HostState.READY
            assert len(site.view.order) == 300

    asyncio.run(scene())
    assert audit(sqlite_url).ok


def test_a_restart_goes_on_from_the_same_state(database_url: str) -> None:
    async def scene() -> dict[str, Any]:
        async with running(database_url) as site:
            if not len(site.view.sku):
                await site.submit(sku("S1"))
                await asyncio.gather(*(site.submit(order(f"O{n}")) for n in range(20)))
            epoch = next(iter(site.view.site)).epoch
            return {
                "orders": dict(site.view.order.rows), "lines": dict(site.view.line.rows),
                "counters": dict(site.view.counter.rows), "epoch": epoch,
            }  # fmt: skip

    first, second = asyncio.run(scene()), asyncio.run(scene())
    assert second.pop("epoch") > first.pop("epoch")
    assert second == first


def test_a_follower_sees_every_committed_fact_once(sqlite_url: str) -> None:
    async def listen(site: Site, seen: list[str]) -> None:
        async for news in site.follow():
            assert isinstance(news, Committed)
            seen.extend(fact.order.number for fact in news.facts or () if isinstance(fact, OrderPlaced))

    async def scene() -> None:
        async with running(sqlite_url) as site:
            await site.submit(sku("S1"))
            seen: list[str] = []
            listener = asyncio.create_task(listen(site, seen))
            await asyncio.sleep(0)
            for n in range(50):
                await site.submit(order(f"O{n}"))
            await until(lambda: len(seen) == 50)
            assert seen == [f"O{n}" for n in range(50)]
            listener.cancel()

    asyncio.run(scene())


def test_a_host_that_has_stopped_takes_nothing_in(sqlite_url: str) -> None:
    async def scene() -> None:
        async with running(sqlite_url) as site:
            pass
        with pytest.raises(HostNotReady):
            await site.submit(sku("S1"))

    asyncio.run(scene())


def test_the_clock_goes_on_from_where_it_was_even_if_the_wall_clock_went_back(sqlite_url: str) -> None:
    async def scene(now_ms: int) -> int:
        ledger = LedgerWriter(sqlite_url)
        site = Site(TINY, ledger, (), lambda: now_ms, tick_s=0.01)
        host = asyncio.create_task(site.run())
        await until(lambda: len(site.view.site) > 0 and site.metrics.commits > 3)
        host.cancel()
        await asyncio.gather(host, return_exceptions=True)
        ledger.close()
        return next(iter(site.view.site)).now_ms

    assert asyncio.run(scene(5_000)) == 5_000
    assert asyncio.run(scene(1_000)) == 5_000


def test_what_a_host_froze_comes_no_more_into_the_collector_s_rounds(sqlite_url: str) -> None:
    async def scene() -> None:
        async with running(sqlite_url) as site:
            frozen = gc.get_freeze_count()
            await site.submit(sku("S1"))
            await site.submit(order("O1"))
            in_rounds = {id(known) for known in gc.get_objects()}
            rows = [t.rows for state in (site.view, site.warehouse.state) for t in state.tables.values()]
            assert not [table for table in rows if id(table) in in_rounds]
            assert frozen > len(rows)

    try:
        asyncio.run(scene())
    finally:
        gc.unfreeze()


def test_a_host_whose_lease_was_taken_stops(database_url: str) -> None:
    async def scene() -> None:
        ledger = LedgerWriter(database_url)
        site = Site(TINY, ledger, (), tick_s=0.05)
        host = asyncio.create_task(site.run())
        await until(lambda: site.condition.state is HostState.READY)
        change(database_url, "UPDATE lease SET epoch = epoch + 1, holder = 'another'")
        async with asyncio.timeout(10):
            with pytest.raises(LeaseLost):
                await host
        assert site.condition.state is HostState.STOPPED
        ledger.close()

    asyncio.run(scene())
