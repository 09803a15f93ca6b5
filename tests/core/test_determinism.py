"""The same events give the same facts, over a restart and under any hash seed; facts alone give the state."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import lru_cache

import msgspec

from tests.core.bad_days import BadDay, run_bad_day
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core.warehouse import Warehouse

SEED = 3
SUBPROCESS_TIMEOUT_S = 120  # a day takes a few seconds; a shared machine stalls
DIGEST = "from tests.core.test_determinism import digest; print(digest())"


@lru_cache(maxsize=1)
def the_day() -> BadDay:
    return run_bad_day(SEED)


def digest() -> str:
    """Of all facts of a day, in order."""
    return hashlib.sha256(msgspec.json.encode(the_day().site.facts)).hexdigest()


def rows(warehouse: Warehouse) -> bytes:
    tables = warehouse.state.tables
    return msgspec.json.encode([[tables[t].rows[k] for k in sorted(tables[t].rows)] for t in e.ENTITIES])


def test_the_events_of_a_day_give_the_same_facts_again() -> None:
    day = the_day()
    assert day.site.twin.journal is not None
    events = [event for event, _ in day.site.twin.journal]
    assert sum(isinstance(event, v.HostStarted) for event in events) > 1, "the host restarts in the middle"
    again = Warehouse(day.site.plant)
    for event, facts in day.site.twin.journal:
        assert msgspec.json.encode(again.handle(event).facts) == msgspec.json.encode(facts), event
    assert rows(again) == rows(day.site.twin.warehouse)


def test_facts_alone_give_the_same_tables() -> None:
    day = the_day()
    folded = Warehouse(day.site.plant)
    for fact in day.site.facts:
        folded.apply(fact)
    assert rows(folded) == rows(day.site.twin.warehouse)


def test_a_restart_from_the_stored_rows_goes_on_with_the_same_facts() -> None:
    day = the_day()
    assert day.site.twin.journal is not None
    journal = day.site.twin.journal
    starts = [n for n, (event, _) in enumerate(journal) if isinstance(event, v.HostStarted)]
    before = Warehouse(day.site.plant)
    for event, _ in journal[: starts[1]]:
        before.handle(event)
    stored = [row for entity in e.ENTITIES for row in sorted(before.state.tables[entity], key=_key)]
    restarted = Warehouse(day.site.plant, stored)
    for event, facts in journal[starts[1] :]:
        assert restarted.handle(event).facts == facts, event


def _key(row: e.Entity) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in row.KEY)


def test_two_hash_seeds_give_the_same_facts() -> None:
    digests = set()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        ran = subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True,
            timeout=SUBPROCESS_TIMEOUT_S, check=True,
        )  # fmt: skip
        digests.add(ran.stdout.strip())
    assert digests == {digest()}
