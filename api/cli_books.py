"""Commands that read or keep the books: orders, stock, audit, backup, restore, export, archive, tokens.

Rule: they work on the database alone, beside a running site or without one; the audit asks the building too, if told.
Those that read change not one byte of it, whatever it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.exit_codes import NOT_WELL, REFUSED

if TYPE_CHECKING:
    from wcs.ledger.backup import SiteMark

journal = typer.Typer(no_args_is_help=True, help="The journal")
UNCUT = 10_000  # columns of a table that goes into a file or a pipe, where nobody sees a right edge
DEFAULT_URL = "sqlite:///.wcs/demo/wcs.db"
Url = Annotated[str, typer.Option("--database", envvar="WCS_DATABASE", help="SQLAlchemy URL of the ledger")]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output")]


def orders(database: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """All customer orders."""
    _show("customer_order", ("number", "state", "placed_ms", "ended_ms", "waits_for"), database, as_json)


def stock(database: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Stock by load unit, SKU and lot."""
    _show("content", ("load_unit", "sku", "lot", "owner", "quantity"), database, as_json)


def audit(
    database: Annotated[
        str | None, typer.Option("--database", envvar="WCS_DATABASE", help="SQLAlchemy URL of the ledger")
    ] = None,
    plant: Annotated[str | None, typer.Option(help="the plant's name or file, if it is not a shipped one")] = None,
    data: Annotated[Path | None, typer.Option(help="a demo's folder: ask its PLCs and its world too")] = None,
    site: Annotated[str | None, typer.Option(help="a site file: ask its PLCs too; wants --plant")] = None,
    full: Annotated[bool, typer.Option("--full", help="read the archives too")] = False,
    as_json: Json = False,
) -> None:
    """Prove the invariants from the database alone, and at rest against the building; exit code 1 if one fails.

    Loads in motion are ahead of their paper: with --data or --site, what differs while a site drives is skipped. What
    was skipped was not proved, and fails nothing.
    """
    from wcs.ledger.audit import audit as prove
    from wcs.plant.file import load_plant

    if (data and (site or plant)) or (site and not plant):
        raise typer.BadParameter("give --data alone, or --site with --plant")
    with _refusals(), _at_work("reading the books again"):
        if data or site:
            from api.evidence import audit_with, evidence_of_demo, evidence_of_site

            said = evidence_of_demo(data) if data else evidence_of_site(str(site), str(plant))
            report = audit_with(said, database, full=full)
        else:
            report = prove(database or DEFAULT_URL, full=full, plant=load_plant(plant) if plant else None)
    if as_json:
        _line(report)
    else:
        rows = [(name, "ok" if check.ok else "FAILED", check.detail) for name, check in report.checks.items()]
        _table(("check", "result", "detail"), [*rows, *((n, "skipped", why) for n, why in report.skipped.items())])
        made, failed = len(report.checks), sum(not check.ok for check in report.checks.values())
        sys.stdout.write(f"{made - failed} of {made} checks passed; skipped: {len(report.skipped)}\n")
    raise typer.Exit(0 if report.ok else NOT_WELL)


def export(
    table: Annotated[str, typer.Argument(help="customer_order, load_unit, content, journal, …")],
    database: Url = DEFAULT_URL,
    _: Annotated[bool, typer.Option("--json", help="as on every reading command; it is JSON lines anyhow")] = True,
) -> None:
    """One table as JSON lines."""
    with _refusals():
        for row in _rows(table, database):
            _line({name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()})


def token(
    actor: str,
    scope: Annotated[list[str], typer.Option(help="read, order, operate or admin; may be given again")],
    database: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Make an API token: its words are shown this once. A running site knows it after its next start."""
    from api.names import reason_against
    from api.tokens import Scope, TokenStore

    if reason := reason_against(actor):  # the API could not take back a token of such a name
        typer.echo(f"{actor!r} cannot be a name: {reason}", err=True)
        raise typer.Exit(REFUSED)
    try:
        scopes = [Scope(name) for name in scope]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    with _refusals():
        store = TokenStore(database)
        try:
            words = store.make(actor, scopes)
        finally:
            store.close()
    if as_json:
        _line({"actor": actor, "scopes": scopes, "token": words})
    else:
        sys.stdout.write(words + "\n")


def backup(
    file: Annotated[Path, typer.Argument(help="the new file")], database: Url = DEFAULT_URL, as_json: Json = False
) -> None:
    """Write a backup whose hash chain was read again; a site may go on meanwhile."""
    from wcs.ledger.backup import back_up

    _marks(lambda: back_up(database, file), as_json)


def restore(
    file: Annotated[Path, typer.Argument(help="a backup")], database: Url = DEFAULT_URL, as_json: Json = False
) -> None:
    """Fill an empty database from a backup. Its devices wait then until a person takes them over."""
    from wcs.ledger.backup import restore as fill

    _marks(lambda: fill(database, file), as_json)


@journal.command()
def archive(
    folder: Annotated[Path, typer.Argument(help="where the archives are kept")],
    before: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="lines before this day (UTC) leave")],
    plant: Annotated[str, typer.Option(help="the site's plant: a shipped plant's name, or a file")],
    database: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Move old lines out of the database; a closing says how the books stood behind them.

    With --json the archive's header is printed, null if nothing was that old.
    """
    import time

    from wcs.ledger.archive import archive as leave
    from wcs.plant.file import load_plant

    before_ms = int(before.replace(tzinfo=UTC).timestamp() * 1000)
    with _refusals(), _at_work("reading the journal"):
        now_ms = time.time_ns() // 1_000_000
        header = leave(database, load_plant(plant), folder, before_ms=before_ms, now_ms=now_ms)
    if as_json:
        _line(header)
    elif header is None:
        sys.stdout.write(f"nothing moved out: no line is older than {before:%Y-%m-%d}\n")
    else:
        row = (header.site_id, f"{header.first} to {header.last}", header.hash)
        _table(("site", "lines that left", "hash of the last"), [row])


COMMANDS: tuple[Callable[..., None], ...] = (orders, stock, audit, backup, restore, export, token)


@contextmanager
def _refusals() -> Iterator[None]:
    """What the ledger, a plant or site file or a demo's folder refuses is said in a line, with exit code 2."""
    from sqlalchemy.exc import SQLAlchemyError

    from wcs.ledger.errors import LedgerError
    from wcs.plant.file import PlantFileError
    from wcs.plant.site_file import SecretMissing

    try:
        yield
    except SQLAlchemyError as refusal:  # a wrong address, a file that is no database, tables that are not there
        typer.echo(f"the database cannot be read: {str(refusal).splitlines()[0]}", err=True)
        raise typer.Exit(REFUSED) from None
    except (LedgerError, PlantFileError, SecretMissing, FileNotFoundError) as refusal:
        typer.echo(str(refusal), err=True)
        raise typer.Exit(REFUSED) from None


@contextmanager
def _at_work(words: str) -> Iterator[None]:
    """A line on a terminal that something goes on: the length of a journal is not known before it is read."""
    from rich.console import Console

    with Console(stderr=True).status(words):
        yield


def _marks(work: Callable[[], tuple[SiteMark, ...]], as_json: bool) -> None:
    with _refusals(), _at_work("copying the books, and reading their chain again"):
        marks = work()
    if as_json:
        _line(marks)
    else:
        _table(("site", "last line", "hash"), [(m.site_id, m.last_sequence, m.last_hash) for m in marks])


def _rows(table: str, database: str) -> Iterable[dict[str, Any]]:
    import sqlalchemy as sa

    from wcs.ledger.database import sqlite_file
    from wcs.ledger.snapshot import read_snapshot
    from wcs.ledger.tables import metadata

    file = sqlite_file(database)
    if file is not None and not Path(file).exists():
        raise FileNotFoundError(f"there is no ledger at {file}: name it with --database, as in sqlite:///DIR/wcs.db")
    if table not in metadata.tables:
        raise FileNotFoundError(f"there is no table {table}; known are {', '.join(sorted(metadata.tables))}")
    made = metadata.tables[table]
    with read_snapshot(database) as connection:
        for row in connection.execution_options(yield_per=1000).execute(sa.select(made).order_by(*made.primary_key)):
            yield dict(row._mapping)


def _show(table: str, columns: tuple[str, ...], database: str, as_json: bool) -> None:
    with _refusals():
        rows = [{name: row[name] for name in columns} for row in _rows(table, database)]
    if as_json:
        _line(rows)
        return
    titles = tuple(name.removesuffix("_ms") for name in columns)
    _table(titles, [tuple(_for_people(name, value) for name, value in row.items()) for row in rows])


def _for_people(name: str, value: object) -> object:
    """Moments of plant time as a person reads them; machines read milliseconds."""
    if name.endswith("_ms") and isinstance(value, int):
        return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"
    return value


def _line(value: object) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def _table(columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    """A table for people, cut nowhere. Names are shown as they are: in a plain string rich would read `[red]` as a
    colour.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table()
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text("" if value is None else str(value)) for value in row))
    Console(width=None if sys.stdout.isatty() else UNCUT).print(made)
