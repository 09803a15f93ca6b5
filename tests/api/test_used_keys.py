"""A key places one order, also after a restart, for a day."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import httpx
import pytest

from api.problems import Problem
from api.used_keys import KEPT_MS, UsedKeys
from tests.api.serving import served
from wcs.ledger.database import engine_for
from wcs.ledger.writer import LedgerWriter

KEY = {"Idempotency-Key": "k-1"}
BODY = {"number": "SO-1", "lines": [{"sku": "TEA", "quantity": 4}]}


@contextlib.contextmanager
def started(url: str) -> Iterator[httpx.Client]:
    """The site from its start to its end, and one caller."""
    with served(url) as site, site.client(actor="shop") as client:
        yield client


def test_a_key_is_known_after_a_restart(database_url: str) -> None:
    with started(database_url) as shop:
        shop.put("/api/v1/skus/TEA", json={"name": "Tea"}).raise_for_status()
        assert shop.post("/api/v1/orders", json=BODY, headers=KEY).status_code == 201
    with started(database_url) as shop:
        again = shop.post("/api/v1/orders", json=BODY, headers=KEY)
        assert (again.status_code, again.json()["order"]["number"]) == (200, "SO-1")
        other = shop.post("/api/v1/orders", json={**BODY, "number": "SO-2"}, headers=KEY)
        assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
        assert len(shop.get("/api/v1/orders").json()["items"]) == 1


def test_the_key_of_a_refused_order_is_free(database_url: str) -> None:
    unknown = {**BODY, "lines": [{"sku": "COFFEE", "quantity": 1}]}
    with started(database_url) as shop:
        assert shop.post("/api/v1/orders", json=unknown, headers=KEY).status_code == 422
    with started(database_url) as shop:
        shop.put("/api/v1/skus/TEA", json={"name": "Tea"}).raise_for_status()
        assert shop.post("/api/v1/orders", json=BODY, headers=KEY).status_code == 201


def test_a_key_whose_request_is_not_decided_yet_may_be_tried_again(database_url: str) -> None:
    LedgerWriter(database_url).close()
    engine = engine_for(database_url).execution_options(wcs_writer=True)
    keys = UsedKeys(engine)
    asyncio.run(keys.note("shop", "k-1", "SO-1", "x"))
    for wanted in (409, 422):
        with pytest.raises(Problem) as refused:
            keys.check("shop", "k-1", "SO-1", "y")
        assert refused.value.status == wanted
        keys.decided("shop", "k-1")
    asyncio.run(keys.forget("shop", "k-1"))
    keys.check("shop", "k-1", "SO-1", "y")
    engine.dispose()


def test_a_key_is_forgotten_after_a_day(database_url: str) -> None:
    LedgerWriter(database_url).close()
    engine = engine_for(database_url).execution_options(wcs_writer=True)
    now = 1_800_000_000_000
    asyncio.run(UsedKeys(engine, lambda: now).note("shop", "k-1", "SO-1", "x"))
    within = UsedKeys(engine, lambda: now + KEPT_MS - 1)
    after = UsedKeys(engine, lambda: now + KEPT_MS)
    with pytest.raises(Problem):
        within.check("shop", "k-1", "SO-2", "y")
    after.check("shop", "k-1", "SO-2", "y")
    asyncio.run(after.note("shop", "k-2", "SO-2", "y"))
    UsedKeys(engine, lambda: now).check("shop", "k-1", "SO-3", "z")  # it is gone from the paper too
    engine.dispose()
