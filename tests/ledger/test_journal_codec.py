"""The golden journal: one line of each event and fact, as it was written, is readable for ever.

A new event or fact needs a line here; a line that stands is never changed. When what is written changes, its VERSION
rises, a line of the new version is added, and the old line must still be decoded (`OLD_FACTS`, `OLD_EVENTS`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simulation.twin import Twin
from wcs.core import events, facts
from wcs.core.warehouse import Warehouse
from wcs.ledger.journal_codec import UnknownLine, decode_event, decode_fact, encode

GOLDEN = [line.split("\t") for line in (Path(__file__).parent / "golden" / "journal.tsv").read_text().splitlines()]
WRITTEN_NOW = {
    **{(kind.__name__, kind.VERSION): "event" for kind in events.Event.__subclasses__()},
    **{(kind.__name__, kind.VERSION): "fact" for kind in facts.Fact.__subclasses__()},
}


@pytest.mark.parametrize(("kind", "name", "version", "document"), GOLDEN, ids=[f"{g[1]}-{g[2]}" for g in GOLDEN])
def test_a_golden_line_is_read_and_written_again_byte_by_byte(
    kind: str, name: str, version: str, document: str
) -> None:
    decode = decode_event if kind == "event" else decode_fact
    item = decode(name, int(version), document)
    if (name, int(version)) in WRITTEN_NOW:
        assert encode(item) == (name, int(version), document.encode())


def test_every_event_and_fact_has_a_golden_line() -> None:
    golden = {(name, int(version)) for _, name, version, _ in GOLDEN}
    assert sorted(set(WRITTEN_NOW) - golden) == []


@pytest.mark.parametrize(("name", "version"), [("TermBegun", 99), ("NeverHeardOf", 1)])
def test_a_line_of_a_newer_program_is_not_guessed_at(name: str, version: int) -> None:
    for decode in (decode_event, decode_fact):
        with pytest.raises(UnknownLine):
            decode(name, version, "{}")


def test_a_journal_that_was_written_and_read_folds_to_the_same_state(tiny_run: Twin) -> None:
    assert tiny_run.journal is not None
    folded = Warehouse(tiny_run.plant)
    for event, led_to in tiny_run.journal:
        assert decode_event(*encode(event)) == event
        for fact in led_to:
            folded.apply(decode_fact(*encode(fact)))
    for entity, table in tiny_run.warehouse.state.tables.items():
        assert folded.state.tables[entity].rows == table.rows, entity.TABLE


def test_the_same_events_lead_to_the_same_facts(tiny_run: Twin) -> None:
    assert tiny_run.journal is not None
    again = Warehouse(tiny_run.plant)
    for event, led_to in tiny_run.journal:
        assert again.handle(event).facts == led_to
