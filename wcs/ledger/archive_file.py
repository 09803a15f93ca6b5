"""The file of archived months: compressed lines of JSON. Rule: it says everything that the database said, hash by hash.

The first line is the header; each further one is an array: the table's name, then its columns without the site. Tables
follow one another in the order journal, containment_line, content_line, command_delivery, each in its own order.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from wcs.plant.model import Record

HASH_BYTES_AT_ONCE = 1 << 20


class ArchiveHeader(Record):
    """Which part of which journal this is. Hashes in hexadecimal."""

    site_id: str
    first: int
    last: int
    previous_hash: str
    hash: str
    format: int = 1


def write_archive(file: Path, header: ArchiveHeader, rows: Iterable[tuple[Any, ...]]) -> None:
    """Write header and rows; a row is (table, column, column, …), a hash in hexadecimal."""
    encode = msgspec.json.encode
    # No name and no time in it: the same lines make the same file.
    with file.open("wb") as into, gzip.GzipFile("", "wb", 6, into, mtime=0) as lines:
        lines.write(encode(header) + b"\n")
        for row in rows:
            lines.write(encode(row) + b"\n")


def read_header(file: Path) -> ArchiveHeader:
    """Which part of which journal a file holds."""
    with gzip.open(file, "rb") as lines:
        return msgspec.json.decode(lines.readline(), type=ArchiveHeader)


def read_rows(file: Path, table: str) -> Iterator[tuple[Any, ...]]:
    """One table's rows, as they stood in the database; a journal line's last column is its hash."""
    wanted = b'["' + table.encode() + b'",'
    with gzip.open(file, "rb") as lines:
        lines.readline()
        for line in lines:
            if line.startswith(wanted):
                _, *values = msgspec.json.decode(line)
                if table == "journal":
                    values[-1] = bytes.fromhex(values[-1])
                yield tuple(values)


def sha256_of(file: Path) -> str:
    """The whole file's digest, in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while part := content.read(HASH_BYTES_AT_ONCE):
            digest.update(part)
    return digest.hexdigest()
