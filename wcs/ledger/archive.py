"""Old months leave the database: their lines go into a file, and a closing says how the books stood behind them.

    read and fold the lines up to the cut ─▶ file, synced ─▶ rows of the closing ─▶ the closing ─▶ lines are deleted

Rule: a line is deleted only when a closing covers it (the database's own triggers see to that), and a closing is made
only when its file is durable. The work is done in small transactions, so that a host at work never waits long; broken
off anywhere, it leaves books that hold, and the next run finishes what is left. One archives at a time: between two of
those transactions another would take what is half done for what is left over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from wcs.core.entities import ENTITIES, Entity
from wcs.core.warehouse import Warehouse
from wcs.ledger import bulk
from wcs.ledger.archive_file import ArchiveHeader, read_header, sha256_of, write_archive
from wcs.ledger.chain import GENESIS, line_hash, times
from wcs.ledger.database import engine_for, sqlite_file
from wcs.ledger.errors import LeaseHeld, LedgerError
from wcs.ledger.journal_codec import UnknownLine, decode_fact
from wcs.ledger.lease import FileLock
from wcs.ledger.snapshot import read_snapshot
from wcs.ledger.tables import (
    CLOSABLE,
    FACT,
    closing,
    closing_row,
    command_delivery,
    containment_line,
    content_line,
    journal,
)
from wcs.plant.model import Plant, Record

ROWS_AT_ONCE = 500  # a transaction: a scan never waits behind more
ROWS_A_FETCH = 5_000
ENTITY_OF = {entity.TABLE: entity for entity in ENTITIES}
ROW_COLUMNS = ("site_id", "sequence", "number", "name", "document")


class ArchiveRefused(LedgerError):
    """Another plant's books, lines that contradict each other, a place that is taken, another who archives."""


class Closing(Record):
    """How the books stood at a journal sequence: state rows, places, and what each content account held."""

    sequence: int = 0
    hash: bytes = GENESIS
    containment_sequence: int = 0
    content_sequence: int = 0
    rows: tuple[Entity, ...] = ()
    accounts: dict[tuple[str, str, str, str], int] = msgspec.field(default_factory=dict)


def read_closing(connection: sa.Connection, site_id: str) -> Closing:
    """The newest closing; an empty one where nothing was ever archived."""
    found = connection.execute(
        sa.select(closing).where(closing.c.site_id == site_id).order_by(closing.c.sequence.desc()).limit(1)
    ).one_or_none()
    if found is None:
        return Closing()
    rows: list[Entity] = []
    accounts: dict[tuple[str, str, str, str], int] = {}
    query = (
        sa.select(closing_row.c.name, closing_row.c.document)
        .where(closing_row.c.site_id == site_id, closing_row.c.sequence == found.sequence)
        .order_by(closing_row.c.number)
    )
    for name, document in connection.execute(query):
        if name == "content_balance":
            *cell, quantity = msgspec.json.decode(document)
            accounts[tuple(cell)] = quantity
        else:
            rows.append(msgspec.json.decode(document, type=ENTITY_OF[name]))
    return Closing(
        sequence=found.sequence,
        hash=bytes(found.hash),
        containment_sequence=found.containment_sequence,
        content_sequence=found.content_sequence,
        rows=tuple(rows),
        accounts=accounts,
    )


def archive(
    url: str, plant: Plant, folder: Path, *, before_ms: int, now_ms: int, site_id: str = "main"
) -> ArchiveHeader | None:
    """Move what was committed before a moment (wall time) into a new file of the folder; None if there is nothing.

    The last event always stays. Raises:
        ArchiveRefused: the books belong to another plant, the lines contradict each other, the folder takes no file, or
            another archives them now.
        WrongDatabase: there is no ledger.
    """
    with read_snapshot(url) as connection:  # before anything is made, or a file is set up as a ledger's
        _check_plant(connection, site_id, plant)
    _make_folder(folder)
    engine = engine_for(url)
    try:
        with one_archiver(engine, site_id):
            return _archive(engine, plant, folder, site_id, before_ms=before_ms, now_ms=now_ms)
    finally:
        engine.dispose()


def _archive(
    engine: sa.Engine, plant: Plant, folder: Path, site_id: str, *, before_ms: int, now_ms: int
) -> ArchiveHeader | None:
    cleaner = _Deletion(engine, site_id)
    cleaner.finish_earlier()
    with engine.connect().execution_options(**_one_moment(engine)) as connection:
        begun = read_closing(connection, site_id)
        cut = _cut(connection, site_id, before_ms)
        if cut <= begun.sequence:
            return None
        part = _Part(connection, site_id, plant, begun, cut, before_ms)
        header, file = part.write(folder)
    _close(engine, site_id, part.closed(), file, now_ms)
    cleaner.finish_earlier()
    cleaner.delete_notes(before_ms)
    return header


@contextmanager
def one_archiver(engine: sa.Engine, site_id: str) -> Iterator[None]:
    """Nobody else archives these books meanwhile; the system, or the server, frees it when this process ends.

    Raises:
        ArchiveRefused: somebody does.
    """
    held = "another archives these books now"
    file = sqlite_file(engine.url.render_as_string(hide_password=False))
    if file is not None:
        lock = FileLock(Path(file), ".archiver", held)
        try:
            lock.take()
        except LeaseHeld as error:
            raise ArchiveRefused(str(error)) from None
        try:
            yield
        finally:
            lock.free()
        return
    take = sa.text("SELECT pg_try_advisory_lock(hashtext('wcs archiver'), hashtext(:site))")
    # Not in a transaction, which would stand open for as long as the work takes, and keep old rows alive.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(take, {"site": site_id}).scalar_one():
            raise ArchiveRefused(held)
        try:
            yield
        finally:
            connection.invalidate()  # the session ends, and with it the lock


def _check_plant(connection: sa.Connection, site_id: str, plant: Plant) -> None:
    told = sa.text("SELECT name FROM installed_plant WHERE site_id = :site")
    name = connection.execute(told, {"site": site_id}).scalar()
    if name not in (None, plant.name):
        raise ArchiveRefused(f"the books belong to the plant {name}, not to {plant.name}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArchiveRefused(f"there can be no archives in {folder}: {error}") from error


def _one_moment(engine: sa.Engine) -> dict[str, Any]:
    return {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}


def _cut(connection: sa.Connection, site_id: str, before_ms: int) -> int:
    """The last line to be archived: whole events only, and never the newest."""
    mine = journal.c.site_id == site_id
    first_left = sa.select(sa.func.min(journal.c.sequence)).where(mine, journal.c.committed_at_ms >= before_ms)
    newest = sa.select(sa.func.max(journal.c.sequence)).where(mine)
    stays = connection.execute(first_left).scalar() or connection.execute(newest).scalar()
    if stays is None:
        return 0
    event = sa.select(journal.c.event_sequence).where(mine, journal.c.sequence == stays)
    return int(connection.execute(event).scalar_one()) - 1


class _Part:
    """The lines behind a closing up to a cut: folded while they are written."""

    def __init__(
        self, connection: sa.Connection, site_id: str, plant: Plant, begun: Closing, cut: int, before_ms: int
    ) -> None:
        self._connection = connection
        self._site_id = site_id
        self._begun = begun
        self._cut = cut
        self._before_ms = before_ms
        self._warehouse = Warehouse(plant, begun.rows)
        self._accounts = dict(begun.accounts)
        self._hash = begun.hash
        self._last = {"containment_line": begun.containment_sequence, "content_line": begun.content_sequence}

    def write(self, folder: Path) -> tuple[ArchiveHeader, Path]:
        """Write the file, durably."""
        query = sa.select(journal.c.hash).where(journal.c.site_id == self._site_id, journal.c.sequence == self._cut)
        header = ArchiveHeader(
            site_id=self._site_id,
            first=self._begun.sequence + 1,
            last=self._cut,
            previous_hash=self._begun.hash.hex(),
            hash=bytes(self._connection.execute(query).scalar_one()).hex(),
        )
        file = folder / f"{self._site_id}-{header.first:012d}-{header.last:012d}.jsonl.gz"
        partial = file.with_name(file.name + ".part")
        if file.exists() and not _begins_with(file, header):
            raise ArchiveRefused(
                f"{file} is no archive of these lines, perhaps of another journal: choose another folder"
            )
        try:
            write_archive(partial, header, self._rows())
            for path in (partial, folder):
                _sync(path)
            partial.replace(file)  # a file that an interrupted run left says the same
            _sync(folder)
        except OSError as error:
            raise ArchiveRefused(f"{file} cannot be written: {error}") from error
        finally:
            partial.unlink(missing_ok=True)
        return header, file.absolute()

    def closed(self) -> Closing:
        """How the books stand at the cut."""
        state = self._warehouse.state
        return Closing(
            sequence=self._cut,
            hash=self._hash,
            containment_sequence=self._last["containment_line"],
            content_sequence=self._last["content_line"],
            rows=tuple(row for entity in ENTITIES for row in state.tables[entity]),
            accounts={cell: quantity for cell, quantity in sorted(self._accounts.items()) if quantity},
        )

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        for line in self._of(journal, journal.c.sequence, self._begun.sequence, self._cut):
            self._take_in(line)
            yield ("journal", *line[:-1], self._hash.hex())
        for table in (containment_line, content_line):
            for line in self._of(table, table.c.caused_by, self._begun.sequence, self._cut):
                self._last[table.name] = line[0]
                if table is content_line:
                    self._add_up(line)
                yield (str(table.name), *line)
        for note in self._of(command_delivery, command_delivery.c.sent_at_ms, -1, self._before_ms - 1):
            yield ("command_delivery", *note)

    def _of(self, table: sa.Table, column: sa.Column[Any], above: int, last: int) -> Iterator[tuple[Any, ...]]:
        """Rows without their site, by key, with above < column ≤ last."""
        columns = [c for c in table.c if c.name != "site_id"]
        query = sa.select(*columns).where(table.c.site_id == self._site_id, column > above, column <= last)
        ordered = query.order_by(*(c for c in table.primary_key.columns if c.name != "site_id"))
        for row in self._connection.execute(ordered, execution_options={"yield_per": ROWS_A_FETCH}):
            yield tuple(row)

    def _take_in(self, line: tuple[Any, ...]) -> None:
        sequence, kind, event_sequence, name, version, document, occurred, received, committed, found = line
        at = times(occurred, received, committed)
        self._hash = line_hash(self._hash, sequence, kind, event_sequence, name, version, at, document.encode())
        if self._hash != bytes(found):
            raise ArchiveRefused(f"line {sequence} ({name}) is not what its hash covers, or one is missing before it")
        if kind != FACT:
            return
        try:
            self._warehouse.apply(decode_fact(name, version, document))
            self._warehouse.state.forget_changes()
        except (UnknownLine, msgspec.MsgspecError, AssertionError, KeyError) as error:
            raise ArchiveRefused(f"line {sequence} ({name}) cannot be folded: {error}") from error

    def _add_up(self, line: tuple[Any, ...]) -> None:
        _, _, _, source, sink, sku, lot, owner, quantity, _ = line
        for account, by in ((source, -quantity), (sink, quantity)):
            cell = (account, sku, lot, owner)
            self._accounts[cell] = self._accounts.get(cell, 0) + by


def _close(engine: sa.Engine, site_id: str, closed: Closing, file: Path, now_ms: int) -> None:
    """Write the closing's rows, then the closing itself: from then on the fold starts there."""
    documents = [(row.TABLE, msgspec.json.encode(row).decode()) for row in closed.rows]
    documents += [("content_balance", msgspec.json.encode((*c, q)).decode()) for c, q in closed.accounts.items()]
    rows = [(site_id, closed.sequence, number, *document) for number, document in enumerate(documents)]
    writing = engine.execution_options(wcs_writer=True)
    for first in range(0, len(rows), ROWS_AT_ONCE):
        with writing.begin() as connection:
            bulk.insert(connection, closing_row, ROW_COLUMNS, rows[first : first + ROWS_AT_ONCE])
    with writing.begin() as connection:
        connection.execute(
            closing.insert().values(
                site_id=site_id,
                sequence=closed.sequence,
                hash=closed.hash,
                containment_sequence=closed.containment_sequence,
                content_sequence=closed.content_sequence,
                closed_at_ms=now_ms,
                archive=str(file),
                archive_sha256=sha256_of(file),
            )
        )


class _Deletion:
    """Removes what the newest closing covers, and what broken-off runs left."""

    def __init__(self, engine: sa.Engine, site_id: str) -> None:
        self._engine = engine.execution_options(wcs_writer=True)
        self._site_id = site_id

    def finish_earlier(self) -> None:
        with self._engine.begin() as connection:
            newest = connection.execute(
                sa.select(closing.c.sequence, closing.c.containment_sequence, closing.c.content_sequence)
                .where(closing.c.site_id == self._site_id)
                .order_by(closing.c.sequence.desc())
                .limit(1)
            ).one_or_none()
            connection.execute(
                closing_row.delete().where(
                    closing_row.c.site_id == self._site_id,
                    closing_row.c.sequence != (newest.sequence if newest else -1),
                )
            )
        if newest is not None:
            for table, last in zip(CLOSABLE, newest, strict=True):
                self._delete(table, last)

    def delete_notes(self, before_ms: int) -> None:
        mine = command_delivery.c.site_id == self._site_id
        with self._engine.begin() as connection:
            connection.execute(command_delivery.delete().where(mine, command_delivery.c.sent_at_ms < before_ms))

    def _delete(self, table: sa.Table, last: int) -> None:
        mine = table.c.site_id == self._site_id
        with self._engine.connect() as connection:
            first = connection.execute(sa.select(sa.func.min(table.c.sequence)).where(mine)).scalar()
        if first is None:
            return
        for above in range(first - 1, last, ROWS_AT_ONCE):
            upto = min(last, above + ROWS_AT_ONCE)
            with self._engine.begin() as connection:
                connection.execute(table.delete().where(mine, table.c.sequence > above, table.c.sequence <= upto))


def _begins_with(file: Path, header: ArchiveHeader) -> bool:
    try:
        return read_header(file) == header
    except (OSError, EOFError, msgspec.MsgspecError):  # no archive at all
        return False


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
