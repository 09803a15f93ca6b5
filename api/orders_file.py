"""Real baskets from a CSV file: order_id, sku, quantity and perhaps due (an ISO date or time), a line each.

For a replay also when an order comes: placed (an ISO date or time), or after_s (seconds from the start).
Rule: the whole file is read and checked before anything of it is placed; what is wrong is named by file and line.
Times are all with a zone, or all without (then UTC). Commas, semicolons or tabs separate, a byte order mark and any
line ends are welcome, the text is UTF-8.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

from api.names import reason_against
from wcs.core.events import OrderLineWish
from wcs.core.orders import LINES_MAX, QUANTITY_MAX
from wcs.plant.model import Record

COLUMNS, TIMES = ("order_id", "sku", "quantity"), ("due", "placed", "after_s")
SEPARATORS = ",;\t"
AFTER_S_MAX = 366 * 86_400  # a year: beyond it somebody has mistaken the unit
# As people write numbers, of a length that they read: Python also takes 1_0 and digits of other scripts.
WHOLE_NUMBER, NUMBER = re.compile(r"\s*[+-]?[0-9]{1,30}\s*"), re.compile(r"[\s0-9.eE+-]+")


class Basket(Record):
    """An order of an orders file."""

    number: str
    lines: tuple[OrderLineWish, ...]
    due_ms: int | None = None
    placed_ms: int | None = None
    after_ms: int | None = None


class OrdersFileError(Exception):
    """A line of an orders file that cannot be read; the text says which and why."""


def read_baskets(file: Path, known: Collection[str] | None = None) -> list[Basket]:
    """The orders of a file, in the order of their first lines; only SKUs that are `known`, if that is given.

    Raises:
        OrdersFileError: with the line and the reason.
    """
    lines: dict[str, dict[str, int]] = {}
    due: dict[str, int | None] = {}
    placed: dict[str, int | None] = {}
    after: dict[str, int | None] = {}
    zoned: set[bool] = set()
    for where, row in _rows(file):
        number, sku = _name(row, "order_id", where), _name(row, "sku", where)
        basket = lines.setdefault(number, {})
        basket[sku] = basket.get(sku, 0) + _quantity(row["quantity"], where)
        if basket[sku] > QUANTITY_MAX:
            raise OrdersFileError(f"{where}: more than {QUANTITY_MAX} of {sku} in order {number}")
        if len(basket) > LINES_MAX:
            raise OrdersFileError(f"{where}: more than {LINES_MAX} lines in order {number}")
        if known is not None and sku not in known:
            raise OrdersFileError(f"{where}: unknown SKU {sku!r}")
        for column, times, time_ms in (
            ("due", due, _time_ms(row.get("due"), where, "due", zoned)),
            ("placed", placed, _time_ms(row.get("placed"), where, "placed", zoned)),
            ("after_s", after, _seconds_ms(row.get("after_s"), where)),
        ):
            if times.get(number) is None:
                times[number] = time_ms
            elif time_ms not in (None, times[number]):
                raise OrdersFileError(f"{where}: another {column} of order {number} than on a line before")
    return [
        Basket(
            number=n,
            lines=tuple(OrderLineWish(sku=s, quantity=q) for s, q in basket.items()),
            due_ms=due[n],
            placed_ms=placed[n],
            after_ms=after[n],
        )
        for n, basket in lines.items()
    ]


def _rows(file: Path) -> Iterator[tuple[str, dict[str, str | None]]]:
    """Each row with the words for where it stands."""
    text = _text(file)
    header = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(SEPARATORS, key=header.count), strict=True)
    try:
        names = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = names
        missing = [name for name in COLUMNS if name not in names]
        if missing:
            columns = f"column {missing[0]} is" if len(missing) == 1 else f"columns {', '.join(missing)} are"
            raise OrdersFileError(f"{file}: line 1: the {columns} missing")
        twice = [name for name in (*COLUMNS, *TIMES) if names.count(name) > 1]
        if twice:
            raise OrdersFileError(f"{file}: line 1: the column {', '.join(twice)} is there twice")
        if "placed" in names and "after_s" in names:
            raise OrdersFileError(f"{file}: line 1: placed and after_s are there: wanted one of them")
        for row in reader:
            where = f"{file}: line {reader.line_num}"
            if None in row:
                raise OrdersFileError(f"{where}: more fields than the {len(names)} columns of line 1")
            yield where, row
    except csv.Error as error:
        raise OrdersFileError(f"{file}: line {reader.reader.line_num}: {error}") from None


def _text(file: Path) -> str:
    content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise OrdersFileError(f"{file}: line {line}: byte {content[error.start]:#04x} is not UTF-8") from None


def _name(row: dict[str, str | None], column: str, where: str) -> str:
    name = (row[column] or "").strip()
    if not name:
        raise OrdersFileError(f"{where}: {column} may not be empty")
    if reason := reason_against(name):
        raise OrdersFileError(f"{where}: {column} {name[:80]!r}: {reason}")
    return name


def _quantity(text: str | None, where: str) -> int:
    if not text or not WHOLE_NUMBER.fullmatch(text):
        raise OrdersFileError(f"{where}: quantity {text!r} is not a whole number")
    quantity = int(text)
    if not 0 < quantity <= QUANTITY_MAX:
        raise OrdersFileError(f"{where}: quantity must be 1 to {QUANTITY_MAX}")
    return quantity


def _seconds_ms(text: str | None, where: str) -> int | None:
    if not text or not text.strip():
        return None
    try:
        seconds = float(text) if NUMBER.fullmatch(text) else math.nan
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= AFTER_S_MAX:
        raise OrdersFileError(f"{where}: after_s {text!r} is not a number from 0 to {AFTER_S_MAX}")
    return round(seconds * 1000)


def _time_ms(text: str | None, where: str, column: str, zoned: set[bool]) -> int | None:
    """Moments as ms since 1970; `zoned` remembers whether those before had a zone, for a mixture is a slip."""
    if not text or not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        zoned.add(moment.tzinfo is not None)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        time_ms = int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise OrdersFileError(f"{where}: {column} {text!r} is not an ISO date or time") from None
    if len(zoned) > 1:
        raise OrdersFileError(f"{where}: {column} {text!r}: some times of this file have a zone, others have none")
    if time_ms < 0:
        raise OrdersFileError(f"{where}: {column} {text!r} is long past")
    return time_ms
