"""Where the words stand: Modbus addresses and OPC UA node identifiers.

Rule: both carriages carry the same words; only what is in this file differs between them.
Modbus: holding registers, zero-based PDU addresses, unit id 1. OPC UA: string identifiers in one namespace.
"""

from __future__ import annotations

from collections.abc import Sequence

from devices.words_layout import (
    COMMAND_FIRST,
    DEVICE_WORDS,
    EVENT_WORDS,
    POINT_FIRST,
    POINT_WORDS,
    POINTS,
    STATUS,
    STATUS_FIRST,
    STATUS_WORDS,
    TRANSFER_ACK_FIRST,
    TRANSFER_WORDS,
)

UNIT_ID = 1
STATUS_READ_WORDS = STATUS_WORDS + TRANSFER_WORDS  # status and transfer points: one read of 96
POINT_READ_WORDS = POINTS * POINT_WORDS  # all points: one read of 120
BLOCKS_MAX = 0x10000 // DEVICE_WORDS  # what Modbus can address in one unit

NAMESPACE_URI = "urn:wcs:device:v1"
MIRRORS = (
    "State",
    "Mode",
    "AckSeq",
    "AckCode",
    "ActiveTask",
    "ResultCode",
    "Alarm1",
    "Alarm2",
    "Alarm3",
    "Alarm4",
    "PosX",
    "PosY",
    "PosZ",
    "LoadId",
)


def base_address(block: int) -> int:
    """The first word of the PLC's device number `block`."""
    if not 0 <= block < BLOCKS_MAX:
        raise ValueError(f"block {block}: a PLC has blocks 0 to {BLOCKS_MAX - 1}")
    return DEVICE_WORDS * block


def life_address(block: int) -> int:
    """WcsLife, written alone."""
    return base_address(block) + COMMAND_FIRST


def command_address(block: int) -> int:
    """Words 1–31 of the command block, written at once."""
    return base_address(block) + COMMAND_FIRST + 1


def status_address(block: int) -> int:
    """Status block and transfer points, one read of STATUS_READ_WORDS."""
    return base_address(block) + STATUS_FIRST


def transfer_ack_address(block: int, transfer: int) -> int:
    """TransferAck of one transfer point."""
    return base_address(block) + TRANSFER_ACK_FIRST + transfer


def points_address(block: int) -> int:
    """All points, one read of POINT_READ_WORDS."""
    return base_address(block) + POINT_FIRST


def event_address(block: int, point: int) -> int:
    """The event of one point (EVENT_WORDS)."""
    return points_address(block) + POINT_WORDS * point


def decision_address(block: int, point: int) -> int:
    """The decision of one point (DECISION_WORDS)."""
    return event_address(block, point) + EVENT_WORDS


def command_id(device: str) -> str:
    """OPC UA identifier of the command block, UInt16[32]; its word 0 is ignored."""
    return f"{device}.Cmd"


def life_id(device: str) -> str:
    """OPC UA identifier of WcsLife, UInt16."""
    return f"{device}.WcsLife"


def status_id(device: str) -> str:
    """OPC UA identifier of the status block, UInt16[64]."""
    return f"{device}.Sts"


def transfer_id(device: str) -> str:
    """OPC UA identifier of the transfer points, UInt16[32]."""
    return f"{device}.Transfer"


def transfer_ack_id(device: str) -> str:
    """OPC UA identifier of the transfer acknowledgements, UInt16[8]."""
    return f"{device}.TransferAck"


def event_id(device: str, point: int) -> str:
    """OPC UA identifier of a point's event, UInt16[32]."""
    return f"{device}.Point{point}.Evt"


def decision_id(device: str, point: int) -> str:
    """OPC UA identifier of a point's decision, UInt16[8]."""
    return f"{device}.Point{point}.Dec"


def mirror_id(device: str, name: str) -> str:
    """OPC UA identifier of one of the readable MIRRORS."""
    return f"{device}.Status.{name}"


_MIRRORED = tuple(field for field in STATUS.fields if field.name in MIRRORS)


def mirror_values(status_words: Sequence[int]) -> dict[str, int]:
    """What the mirrors show for a status block, by name; PosX, PosY, PosZ are signed, LoadId is UInt64."""
    return {field.name: field.read(status_words) for field in _MIRRORED}
