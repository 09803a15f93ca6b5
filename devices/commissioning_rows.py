"""Words as a person reads them: which word, its name, its value, what that means.

Rule: everything shown comes from the register map; what the interface does not name is said to be so.
"""

from __future__ import annotations

from collections.abc import Sequence

from devices.session import Reading
from devices.words import EVENT_WORDS, MAP_VERSION, POINT_WORDS, TRANSFERS, decode_event
from devices.words_errors import TelegramError
from devices.words_layout import (
    BARCODE_AT,
    COMMAND,
    EVENT,
    STATUS,
    TRANSFER,
    TRANSFER_SIZE,
    Block,
    Field,
)
from wcs.plant.model import Record

STRANGE = "not in the interface"
_BEATS = ("PlcLife", "Tail")


class Row(Record):
    """One named number on the wire."""

    word: int
    name: str
    value: int | str
    meaning: str


def command_rows(words: Sequence[int]) -> tuple[Row, ...]:
    """What a command block says, without what is 0."""
    return tuple(row for row in _rows(COMMAND, words) if row.value)


def status_rows(words: Sequence[int]) -> tuple[Row, ...]:
    """What a status block says, all of it."""
    return _rows(STATUS, words)


def reading_rows(reading: Reading) -> tuple[Row, ...]:
    """Everything that one device says."""
    rows: tuple[Row, ...] = () if reading.status is None else status_rows(reading.status)
    if reading.transfers is not None:
        for transfer in range(TRANSFERS):
            at = TRANSFER_SIZE * transfer
            rows += _rows(TRANSFER, reading.transfers[at : at + TRANSFER_SIZE], f"Transfer{transfer}.", at)
    for point, words in reading.events:
        rows += event_rows(point, words)
    return rows


def event_rows(point: int, words: Sequence[int]) -> tuple[Row, ...]:
    """What a point's event says."""
    prefix = f"Point{point}."
    rows = _rows(EVENT, words, prefix, POINT_WORDS * point)
    try:
        barcode = decode_event(words[:EVENT_WORDS]).barcode
    except TelegramError as error:
        barcode = str(error)
    return (
        *rows,
        Row(word=EVENT.first + POINT_WORDS * point + BARCODE_AT, name=f"{prefix}Barcode", value=barcode, meaning=""),
    )


def changed_rows(before: Sequence[Row], after: Sequence[Row]) -> tuple[Row, ...]:
    """The rows of `after` that differ from `before`; the beat of PlcLife is no change."""
    known = {row.name: row for row in before}
    return tuple(row for row in after if known.get(row.name) != row and row.name not in _BEATS)


def _rows(block: Block, words: Sequence[int], prefix: str = "", offset: int = 0) -> tuple[Row, ...]:
    return tuple(
        Row(
            word=block.first + offset + field.at,
            name=prefix + field.name,
            value=field.read(words),
            meaning=_meaning(field, field.read(words)),
        )
        for field in block.fields
    )


def _meaning(field: Field, value: int) -> str:
    if field.codes is not None:
        return next((code.name for code in field.codes if code == value), STRANGE if value else "none")
    if field.bits:
        names = [name for bit, name in enumerate(field.bits) if value >> bit & 1]
        strange = value >> len(field.bits)
        return ", ".join(names + [f"bits {strange << len(field.bits):#06x} {STRANGE}"] * bool(strange))
    if field.name == "MapVersion":
        return f"{value >> 8}.{value & 0xFF}" + ("" if value == MAP_VERSION else f", {STRANGE}")
    return field.unit
