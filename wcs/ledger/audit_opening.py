"""Where the audit starts: nothing, or how the newest closing says that the books stood. Rule: read with SQL of its own.

A full audit starts from nothing and reads the archives; what it has folded when they end must be the closing's rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from wcs.core.entities import ENTITIES, Entity
from wcs.ledger.archive_file import read_header, read_rows, sha256_of
from wcs.plant.model import Record

ENTITY_OF = {entity.TABLE: entity for entity in ENTITIES}
NEWEST = """
SELECT sequence, hash, containment_sequence, content_sequence FROM closing
WHERE site_id = :site ORDER BY sequence DESC LIMIT 1
"""
ROWS = "SELECT name, document FROM closing_row WHERE site_id = :site AND sequence = :sequence ORDER BY number"
ARCHIVES = "SELECT sequence, hash, archive, archive_sha256 FROM closing WHERE site_id = :site ORDER BY sequence"


class Opening(Record):
    """The state and the balances from which the lines in the database go on."""

    sequence: int = 0
    hash: bytes = bytes(32)
    containment_sequence: int = 0
    content_sequence: int = 0
    rows: tuple[Entity, ...] = ()
    places: dict[int, str] = msgspec.field(default_factory=dict)
    accounts: dict[tuple[Any, ...], int] = msgspec.field(default_factory=dict)
    last_task: int = 0


def read_opening(connection: sa.Connection, site_id: str) -> Opening:
    """The newest closing; an empty one where nothing was ever archived."""
    newest = connection.execute(sa.text(NEWEST), {"site": site_id}).one_or_none()
    if newest is None:
        return Opening()
    rows: list[Entity] = []
    places: dict[int, str] = {}
    accounts: dict[tuple[Any, ...], int] = {}
    last_task = 0
    for name, document in connection.execute(sa.text(ROWS), {"site": site_id, "sequence": newest.sequence}):
        said = json.loads(document)
        if name == "content_balance":
            accounts[tuple(said[:-1])] = said[-1]
            continue
        if name == "load_unit":
            places[said["load_unit"]] = said["place"]
        if name == "counter" and said["name"] == "task":
            last_task = said["value"]
        rows.append(msgspec.convert(said, ENTITY_OF[name]))
    return Opening(
        sequence=newest.sequence,
        hash=bytes(newest.hash),
        containment_sequence=newest.containment_sequence,
        content_sequence=newest.content_sequence,
        rows=tuple(rows),
        places=places,
        accounts=accounts,
        last_task=last_task,
    )


class Archives:
    """The files of a site's archived lines, in order."""

    def __init__(self, connection: sa.Connection, site_id: str, folder: Path | None) -> None:
        said = connection.execute(sa.text(ARCHIVES), {"site": site_id}).all()
        self._closings = [(row.sequence, bytes(row.hash), row.archive, row.archive_sha256) for row in said]
        self._site_id = site_id
        self._folder = folder

    def complaints(self) -> list[str]:
        """What is wrong with the files as such: missing, not to be read, changed, or not following one another."""
        told, last, last_hash = [], 0, bytes(32).hex()
        for sequence, found, name, digest in self._closings:
            file = self._file(name)
            try:
                if sha256_of(file) != digest:
                    told.append(f"the archive {file} is not what it was")
                else:
                    header = read_header(file)
                    said = (header.site_id, header.first, header.last, header.previous_hash, header.hash)
                    if said != (self._site_id, last + 1, sequence, last_hash, found.hex()):
                        told.append(f"the archive {file} does not follow line {last} or end at line {sequence}")
            except FileNotFoundError:
                told.append(f"the archive {file} is not there")
            except OSError as error:  # a folder has its name, or we may not read it
                told.append(f"the archive cannot be read: {error}")
            last, last_hash = sequence, found.hex()
        return told

    def rows(self, table: str) -> Iterator[tuple[Any, ...]]:
        """One table's rows from all files."""
        for _, _, name, _ in self._closings:
            yield from read_rows(self._file(name), table)

    def _file(self, name: str) -> Path:
        return Path(name) if self._folder is None else self._folder / Path(name).name
