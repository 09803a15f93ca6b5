"""CRC-16/MODBUS over words, by table.

Rule: the check is over the words' big-endian bytes, initial value FFFF, polynomial A001 (reflected), no final xor.
"""

from __future__ import annotations

from collections.abc import Iterable

_POLYNOMIAL = 0xA001


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = tuple(_entry(byte) for byte in range(256))


def crc16_bytes(data: bytes) -> int:
    """CRC-16/MODBUS of bytes: `crc16_bytes(b"123456789")` is 0x4B37."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def crc16(words: Iterable[int]) -> int:
    """CRC-16/MODBUS of words, high byte of each first."""
    return crc16_bytes(b"".join(word.to_bytes(2, "big") for word in words))
