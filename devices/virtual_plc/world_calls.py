"""What is said between the world process and those who reach it: one JSON document a line, one answer a call.

Rule: a call that changes the world carries its caller and a counter, so that asking again changes nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from devices.machines.machine import Load
from devices.machines.world import WorldLine
from devices.virtual_plc.plant_clock import ClockOrigin
from wcs.plant.model import Record

LINE_BYTES_MAX = 16 * 1024 * 1024  # a batch of 50,000 opening loads; a longer line is a mistake, not a call


class PlaceState(Record):
    """What can be sensed at one place: its loads in order of arrival, and the two wires of a hand-over."""

    loads: tuple[Load, ...]
    accepts: bool
    engaged: bool


class LoadAt(Record):
    """A load and the place where it is to appear."""

    load: Load
    place: str


class LoggedLine(Record):
    """One line of the world's log: what moved, and on whose call."""

    line: WorldLine
    caller: str
    counter: int


class Sense(Record, tag=True):
    """What changed, since this connection last asked, at the places it watches; `watch` sets them and tells all."""

    watch: tuple[str, ...] | None = None


class Look(Record, tag=True):
    """What stands at these places."""

    places: tuple[str, ...]


class Move(Record, tag=True):
    """Move one load; `now_ms` None: the world's own time."""

    number: int
    source: str
    sink: str
    by: str
    caller: str
    counter: int
    now_ms: int | None = None


class Enter(Record, tag=True):
    """Loads enter the building (or come back) from outside: all of them, or none and a refusal."""

    loads: tuple[LoadAt, ...]
    by: str
    caller: str
    counter: int


class Wire(Record, tag=True):
    """A machine sets one of its wires at a place: `engaged`, or else `accepts`."""

    place: str
    engaged: bool
    value: bool


class Dump(Record, tag=True):
    """Where every load is."""


class ReadLog(Record, tag=True):
    """Lines of the log from this position on."""

    position: int
    lines_max: int


class AskClock(Record, tag=True):
    """From where plant time is counted."""


class Inject(Record, tag=True):
    """A fault for the machine of this device, wherever it runs."""

    device: str
    fault: str
    arguments: Mapping[str, object]


class ListDevices(Record, tag=True):
    """Which devices are being hosted now."""


class Attach(Record, tag=True):
    """This connection is a PLC process: tell it of changes at `watch`, and pass it faults for `devices`."""

    plc: str
    devices: tuple[str, ...]
    watch: tuple[str, ...]


class Injected(Record, tag=True):
    """A PLC process has passed on fault `number`; `error` empty: taken."""

    number: int
    error: str = ""


Call = Sense | Look | Move | Enter | Wire | Dump | ReadLog | AskClock | Inject | ListDevices | Attach | Injected


class States(Record, tag=True):
    """What can be sensed at places."""

    places: dict[str, PlaceState]


class Refused(Record, tag=True):
    """It cannot happen; nothing was changed."""

    reason: str


class NotNow(Record, tag=True):
    """The log cannot be written (the disk is full), so nothing was changed: ask again, for as long as it takes."""

    reason: str


class Dumped(Record, tag=True):
    """Load number → place."""

    place_of: dict[int, str]


class LogLines(Record, tag=True):
    """Lines of the log, and the position after them."""

    lines: tuple[LoggedLine, ...]
    position: int


class ClockSaid(Record, tag=True):
    """From where plant time is counted."""

    origin: ClockOrigin


class Devices(Record, tag=True):
    """Device → PLC process that hosts it."""

    plc_of: dict[str, str]


class Done(Record, tag=True):
    """It is so."""


Answer = States | Refused | NotNow | Dumped | LogLines | ClockSaid | Devices | Done


class Changed(Record, tag=True):
    """Pushed to an attached PLC process: something changed at a place it watches."""


class FaultToInject(Record, tag=True):
    """Pushed to an attached PLC process: pass this on to the machine, and answer with `Injected`."""

    number: int
    device: str
    fault: str
    arguments: dict[str, object]


Push = Changed | FaultToInject | Done

_encoder = msgspec.json.Encoder()
call_decoder: msgspec.json.Decoder[Call] = msgspec.json.Decoder(Call)
answer_decoder: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
push_decoder: msgspec.json.Decoder[Push] = msgspec.json.Decoder(Push)
logged_decoder: msgspec.json.Decoder[LoggedLine] = msgspec.json.Decoder(LoggedLine)


def as_line(record: Record) -> bytes:
    """The record as one line of JSON."""
    return _encoder.encode(record) + b"\n"
