"""The hash chain over the journal. Rule: each line's hash covers the one before it and everything the line says."""

from __future__ import annotations

from hashlib import sha256

GENESIS = bytes(32)


def times(occurred_at_ms: int, received_at_ms: int, committed_at_ms: int) -> str:
    """The times as a line's hash covers them; said once for an event and its facts."""
    return f"|{occurred_at_ms}|{received_at_ms}|{committed_at_ms}|"


def line_hash(
    previous: bytes, sequence: int, kind: int, event_sequence: int, name: str, version: int, at: str, document: bytes
) -> bytes:
    """SHA-256 of the previous hash and the line, fields parted by a byte that no number holds; `at`: its `times`."""
    head = f"{sequence}|{kind}|{event_sequence}|{name}|{version}{at}"
    return sha256(previous + head.encode() + document).digest()
