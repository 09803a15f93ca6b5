"""The hash chain over the journal. Rule: each line's hash covers the one before it and everything the line says."""

from __future__ import annotations

import hashlib

GENESIS = bytes(32)


def line_hash(
    previous: bytes, sequence: int, kind: int, event_sequence: int, name: str, version: int, document: bytes,
    occurred_at_ms: int, received_at_ms: int, committed_at_ms: int,
) -> bytes:  # fmt: skip
    """SHA-256 of the previous hash and the line, fields parted by a byte that no number holds."""
    head = f"{sequence}|{kind}|{event_sequence}|{name}|{version}|{occurred_at_ms}|{received_at_ms}|{committed_at_ms}|"
    return hashlib.sha256(previous + head.encode() + document).digest()
