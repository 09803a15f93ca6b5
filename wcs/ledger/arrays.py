"""Columns of values as PostgreSQL's arrays, in its binary format. Rule: nothing is escaped, hence nothing is parsed.

The driver looks at each element of a list anew, which takes many times as long; to read arrays written as text takes an
eighth of the server's part of a commit.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

OIDS = {"boolean": 16, "bytea": 17, "bigint": 20, "smallint": 21, "text": 25}
FIXED = {"boolean": (1, "?"), "bigint": (8, "q"), "smallint": (2, "h")}  # length of an element, and how it is packed
NOTHING = b"\xff\xff\xff\xff"  # a length of -1: NULL
LENGTHS_KEPT = 1_024  # nearly all texts are shorter, and looking their length up is quicker than writing it
LENGTHS = [n.to_bytes(4, "big").decode("latin-1") for n in range(LENGTHS_KEPT)]


class ArrayBytes(bytes):
    """An array as it goes over the wire; `teach` tells the driver to send it as it stands."""


def binary_array(column: Sequence[Any], kind: str) -> ArrayBytes:
    r"""A column of values as PostgreSQL receives an array of them: dimensions, type, then length and value of each.

    >>> binary_array([7], "smallint").hex(" ", -4)
    '00000001 00000000 00000015 00000001 00000001 00000002 0007'
    >>> binary_array(["é", None], "text").hex(" ", -4)
    '00000001 00000001 00000019 00000002 00000001 00000002 c3a9ffff ffff'

    Raises:
        OverflowError, TypeError, UnicodeError: no such array can hold a value.
    """
    head = struct.pack(">5i", 1, None in column, OIDS[kind], len(column), 1)
    if kind == "text":
        return ArrayBytes(head + _texts(column))
    if kind == "bytea":
        return ArrayBytes(head + _of_any_length(column))
    try:
        return ArrayBytes(head + _of_one_length(column, kind))
    except struct.error as error:
        raise OverflowError(f"{kind}: {error}") from error


def _texts(column: Sequence[str | None]) -> bytes:
    """Of ASCII, where a character is a byte, all texts are encoded at once, their lengths as characters among them."""
    if None in column or not "".join(column).isascii():  # type: ignore[arg-type]
        return _of_any_length([None if v is None else v.encode() for v in column])
    parts: list[Any] = [""] * (2 * len(column))
    parts[::2] = [LENGTHS[n] if n < LENGTHS_KEPT else n.to_bytes(4, "big").decode("latin-1") for n in map(len, column)]  # type: ignore[arg-type]
    parts[1::2] = column
    return "".join(parts).encode("latin-1")


def _of_any_length(column: Sequence[bytes | None]) -> bytes:
    return b"".join([NOTHING if v is None else len(v).to_bytes(4, "big") + v for v in column])


def _of_one_length(column: Sequence[Any], kind: str) -> bytes:
    length, _ = FIXED[kind]
    if None in column:
        one = _packer(kind, 1)
        return b"".join([NOTHING if v is None else one.pack(length, v) for v in column])
    parts: list[Any] = [length] * (2 * len(column))
    parts[1::2] = column
    return _packer(kind, len(column)).pack(*parts)


@lru_cache(256)
def _packer(kind: str, count: int) -> struct.Struct:
    return struct.Struct(">" + f"i{FIXED[kind][1]}" * count)


def teach(connection: Any) -> None:
    """Let a psycopg connection send `ArrayBytes`; of which array it is, the statement says."""
    from psycopg.adapt import Dumper
    from psycopg.pq import Format

    class AsItStands(Dumper):
        format = Format.BINARY

        def dump(self, obj: Any) -> Any:
            return obj

    connection.adapters.register_dumper(ArrayBytes, AsItStands)
