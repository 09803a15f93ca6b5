"""The register map as data: every named word of the device interface, where it stands and how wide it is.

Rule: this is the only place that knows a word's position. Codec, commissioning and the OPC UA mirrors read it here.
Positions are within the block read or written at once; `first` says which word of the device that is.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

from wcs.core.ports import (
    AckCode,
    CommandCode,
    DeviceState,
    OperatingMode,
    OutcomeReason,
    ResultCode,
    TaskType,
)
from wcs.plant.model import Record

MAP_VERSION = 0x0100
WORD_MAX = 0xFFFF

DEVICE_WORDS = 256  # device n of a PLC has the block base = 256·n
COMMAND_FIRST, COMMAND_WORDS = 0, 32
STATUS_FIRST, STATUS_WORDS = 32, 64
TRANSFER_FIRST, TRANSFER_WORDS = 96, 32
TRANSFERS, TRANSFER_SIZE = 8, 4
TRANSFER_ACK_FIRST = 128
POINT_FIRST, POINT_WORDS = 136, 40
POINTS = 3
EVENT_WORDS, DECISION_WORDS = 32, 8
DONE_RING, DONE_SIZE = 4, 4
OUTCOME_RING, OUTCOME_SIZE = 2, 4
BARCODE_WORDS = 16


class ValueOutOfRange(ValueError):
    """A value does not fit its word: our own record is wrong, nothing is sent."""


class Kind(enum.Enum):
    """How many words a number takes, high word first, and whether it is two's complement."""

    U16 = (1, False)
    U32 = (2, False)
    S32 = (2, True)
    U64 = (4, False)

    @property
    def words(self) -> int:
        return self.value[0]

    @property
    def signed(self) -> bool:
        return self.value[1]


class Field(Record):
    """One named number: `at` is its first word within the block, `codes`, `bits` or `unit` what its values mean."""

    name: str
    at: int
    kind: Kind = Kind.U16
    codes: type[enum.IntEnum] | None = None
    bits: tuple[str, ...] = ()
    unit: str = ""

    def read(self, words: Sequence[int]) -> int:
        """The number that stands here."""
        value = 0
        for word in words[self.at : self.at + self.kind.words]:
            value = value << 16 | word
        bits = 16 * self.kind.words
        return value - (1 << bits) if self.kind.signed and value >> (bits - 1) else value

    def write(self, words: list[int], value: int) -> None:
        """Put the number here; ValueOutOfRange if it does not fit."""
        bits = 16 * self.kind.words
        low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if self.kind.signed else (0, 1 << bits)
        if not low <= value < high:
            raise ValueOutOfRange(f"{self.name} {value} does not fit {self.kind.name}")
        for n in reversed(range(self.kind.words)):
            words[self.at + n] = value & WORD_MAX
            value >>= 16


class Block(Record):
    """Words that travel together: `size` of them, beginning with word `first` of the device."""

    name: str
    first: int
    size: int
    fields: tuple[Field, ...]

    def read(self, words: Sequence[int]) -> dict[str, int]:
        """All named numbers of the block; WrongLength is the caller's to raise."""
        return {field.name: field.read(words) for field in self.fields}

    def write(self, values: Mapping[str, int]) -> list[int]:
        """The whole block; names left out are 0."""
        words = [0] * self.size
        for field in self.fields:
            field.write(words, values.get(field.name, 0))
        return words


STATUS_BITS = (
    "ready",
    "retentive memory valid",
    "load present",
    "WCS alive",
    "emergency stop clear",
    "in position",
    "homed",
    "charging",
)
ALARM_BITS = (
    "emergency stop",
    "overload",
    "fork not centred",
    "axis",
    "WCS lost",
    "source empty",
    "sink occupied",
    "contour",
    "jam",
    "localisation lost",
    "battery low",
)

COMMAND = Block(
    name="Cmd",
    first=COMMAND_FIRST,
    size=COMMAND_WORDS,
    fields=(
        Field(name="WcsLife", at=0),
        Field(name="WcsEpoch", at=1),
        Field(name="CmdSeq", at=2, kind=Kind.U32),
        Field(name="CmdCode", at=4, codes=CommandCode),
        Field(name="CmdFlags", at=5, bits=("no deposit after loss of the WCS",)),
        Field(name="TaskNumber", at=6, kind=Kind.U32),
        Field(name="TaskType", at=8, codes=TaskType),
        Field(name="Priority", at=9),
        *(Field(name=f"Source{letter}", at=10 + n) for n, letter in enumerate("ABCD")),
        *(Field(name=f"Sink{letter}", at=14 + n) for n, letter in enumerate("ABCD")),
        Field(name="LoadType", at=18),
        Field(name="LoadHeight", at=19, unit="mm"),
        Field(name="LoadWeight", at=20, kind=Kind.U32, unit="g"),
        Field(name="LoadId", at=22, kind=Kind.U64),
        *(Field(name=f"P{n}", at=25 + n) for n in (1, 2, 3, 4)),
        Field(name="Crc", at=31),
    ),
)

STATUS = Block(
    name="Sts",
    first=STATUS_FIRST,
    size=STATUS_WORDS,
    fields=(
        Field(name="PlcLife", at=0),
        Field(name="BootCount", at=1),
        Field(name="LatchedEpoch", at=2),
        Field(name="MapVersion", at=3),
        Field(name="AckSeq", at=4, kind=Kind.U32),
        Field(name="AckCode", at=6, codes=AckCode),
        Field(name="Mode", at=7, codes=OperatingMode),
        Field(name="State", at=8, codes=DeviceState),
        Field(name="StatusBits", at=9, bits=STATUS_BITS),
        Field(name="ActiveTask", at=10, kind=Kind.U32),
        Field(name="ResultCode", at=12, codes=ResultCode),
        Field(name="BadCrcCount", at=13),
        Field(name="EventSeq", at=14, kind=Kind.U32),
        Field(name="Alarm1", at=16, bits=ALARM_BITS),
        *(Field(name=f"Alarm{n}", at=15 + n) for n in (2, 3, 4)),
        *(Field(name=f"Pos{axis}", at=20 + 2 * n, kind=Kind.S32, unit="mm") for n, axis in enumerate("XYZ")),
        Field(name="AisleOrNode", at=26),
        Field(name="Bay", at=27),
        Field(name="Level", at=28),
        Field(name="LoadType", at=29),
        Field(name="LoadId", at=30, kind=Kind.U64),
        *(
            field
            for n in range(DONE_RING)
            for field in (
                Field(name=f"Done{n + 1}Task", at=34 + DONE_SIZE * n, kind=Kind.U32),
                Field(name=f"Done{n + 1}Result", at=36 + DONE_SIZE * n, codes=ResultCode),
            )
        ),
        Field(name="Odometer", at=50, kind=Kind.U32, unit="m"),
        Field(name="CycleCount", at=52, kind=Kind.U32),
        Field(name="PickCount", at=54, kind=Kind.U32),
        Field(name="Battery", at=56, unit="per mille"),
        Field(name="StepAtStop", at=57, codes=DeviceState),
        Field(name="Tail", at=62),
    ),
)

TRANSFER = Block(
    name="Transfer",
    first=TRANSFER_FIRST,
    size=TRANSFER_SIZE,
    fields=(
        Field(name="Flags", at=0, bits=("occupied", "ready to accept", "ready to hand over")),
        Field(name="TrackNumber", at=1, kind=Kind.U32),
        Field(name="EventSeq", at=3),
    ),
)

EVENT = Block(
    name="Evt",
    first=POINT_FIRST,
    size=EVENT_WORDS,
    fields=(
        Field(name="ScanSeq", at=0),
        Field(name="Flags", at=1, bits=("read", "no-read", "several codes", "overweight", "contour")),
        Field(name="TrackNumber", at=2, kind=Kind.U32),
        Field(name="DeadlineMs", at=4, unit="ms"),
        Field(name="Weight", at=5, kind=Kind.U32, unit="g"),
        Field(name="Height", at=7, unit="mm"),
        *(
            field
            for n in range(OUTCOME_RING)
            for field in (
                Field(name=f"Outcome{n + 1}ScanSeq", at=24 + OUTCOME_SIZE * n),
                Field(name=f"Outcome{n + 1}Exit", at=25 + OUTCOME_SIZE * n),
                Field(name=f"Outcome{n + 1}Reason", at=26 + OUTCOME_SIZE * n, codes=OutcomeReason),
            )
        ),
    ),
)
BARCODE_AT = 8  # the only text on the wire: 32 characters, within the event

DECISION = Block(
    name="Dec",
    first=POINT_FIRST + EVENT_WORDS,
    size=DECISION_WORDS,
    fields=(
        Field(name="DecScanSeq", at=0),
        Field(name="DecTrackNumber", at=1, kind=Kind.U32),
        Field(name="DecExit", at=3),
        Field(name="DecFlags", at=4),
        Field(name="Crc", at=7),
    ),
)
