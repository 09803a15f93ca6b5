"""Many rows in one statement: every value comes back as it was, whatever stands in it."""

from __future__ import annotations

import pytest

from tests.ledger.clerk import Clerk, batch_of
from wcs.core import entities as e
from wcs.ledger.errors import BatchRefused

AWKWARD = (
    'say "no"', "back\\slash", "\\", "{a,b}", "a,b", "NULL", "null", "", " ", "line\nbreak\ttab", "'; --", "%s", "货位",
    "🚚", '\\"', "\\x00", "long " * 1_000, "长" * 1_000,
)  # fmt: skip


def test_any_text_comes_back_as_it_was(database_url: str) -> None:
    assert stored_and_loaded(database_url, list(AWKWARD)) == list(AWKWARD)


def test_texts_of_ascii_alone_come_back_as_they_were(database_url: str) -> None:
    plain = [text for text in AWKWARD if text.isascii()]
    assert stored_and_loaded(database_url, plain) == plain


def stored_and_loaded(url: str, texts: list[str]) -> list[str]:
    rows = [e.Sku(sku=f"S{n:02d}", name=text) for n, text in enumerate(texts)]
    changes = tuple(e.Change(entity=e.Sku, key=(row.sku,), row=row) for row in rows)
    with Clerk(url) as clerk:
        clerk.ledger.commit(batch_of(changes=changes))
        return [row.name for row in clerk.ledger.load_rows() if isinstance(row, e.Sku)]


def test_numbers_flags_lists_and_nothing_come_back_as_they_were(database_url: str) -> None:
    rows = (
        e.Lot(sku="S1", lot="L1", expiry_ms=None, removal_ms=-(1 << 62)),
        e.Device(name="CR1", link=e.Link.FROZEN, able=True, in_service=False, alarms=(1, 2, 3, 4), battery_permille=7),
        e.VehicleTraffic(vehicle="V1", home="H", node="N", ahead=('a"b', "c,d"), sink=None),
        e.Alarm(number=1, subject="s", code="c", text="t", raised_ms=1, answers=()),
    )
    changes = tuple(
        e.Change(entity=type(row), key=tuple(getattr(row, name) for name in row.KEY), row=row) for row in rows
    )
    with Clerk(database_url) as clerk:
        clerk.ledger.commit(batch_of(changes=changes))
        loaded = list(clerk.ledger.load_rows())
    for row in rows:
        assert row in loaded


def test_a_character_that_the_database_cannot_hold_is_refused(postgres_url: str) -> None:
    row = e.Sku(sku="S\0", name="zero")
    with Clerk(postgres_url) as clerk, pytest.raises(BatchRefused):
        clerk.ledger.commit(batch_of(changes=(e.Change(entity=e.Sku, key=(row.sku,), row=row),)))
