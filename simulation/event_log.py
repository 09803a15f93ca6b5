"""The event log of a run as a file: a line of JSON a fact, in the words of the journal; and availability read from it.

    {"plant": "tiny", "run": "9f…", "seed": 1, "from_ms": 0}                        which run; until from_ms warm-up
    {"at_ms": 40, "fact": "DeviceTaskStarted", "version": 1, "document": {…}}       a fact, when it came to be
    {"ended_ms": 3600000}                                                           the run's end: the log is whole

Rule: what is written is what the mind decided, whole and in order; it changes nothing of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from simulation.downtimes import Downtimes
from simulation.downtimes_of_journal import NEEDED
from simulation.run import run
from simulation.spec import HOUR_MS, DeviceTimes, RunResult, RunSpec
from simulation.warm_start import Start
from wcs.core import facts as f
from wcs.core.layout import Layout
from wcs.ledger.journal_codec import UnknownLine, decode_fact, encode
from wcs.plant.model import Plant, Record

Shape = TypeVar("Shape", bound=Record)
NAMES = frozenset(fact.__name__ for fact in NEEDED)


class Head(Record, forbid_unknown_fields=True):
    """The first line."""

    plant: str
    run: str
    seed: int
    from_ms: int


class Line(Record, forbid_unknown_fields=True):
    """One fact."""

    at_ms: int
    fact: str
    version: int
    document: msgspec.Raw


class End(Record, forbid_unknown_fields=True):
    """The last line."""

    ended_ms: int


def run_logged(spec: RunSpec, file: Path, progress: Callable[[float], None], *, start: Start | None) -> RunResult:
    """As `run`, and its facts in this file, which is written anew.

    Raises:
        OSError: it cannot be written.
    """
    from_ms = int(spec.warm_up_hours * HOUR_MS)
    with file.open("wb") as out:
        _write(out, Head(plant=spec.plant.name, run=spec.name(), seed=spec.seed, from_ms=from_ms))

        def listen(facts: Sequence[f.Fact], at_ms: int) -> None:
            for fact in facts:
                name, version, document = encode(fact)
                _write(out, Line(at_ms=at_ms, fact=name, version=version, document=msgspec.Raw(document)))

        result = run(spec, progress, start=start, listen=listen)
        _write(out, End(ended_ms=from_ms + round(result.row.hours * HOUR_MS)))
    return result


def read_log(file: Path, plant: Plant) -> tuple[DeviceTimes, ...]:
    """The times of each device in the measured time of a log.

    Raises:
        ValueError: it is no log, not whole, another plant's, or tells nothing of a device of this plant; with the line.
        OSError: the file.
    """
    with file.open("rb") as lines:
        numbered = enumerate(lines, 1)
        head = _read(next(numbered, (1, b"")), Head)
        if head.plant != plant.name:
            raise ValueError(f"line 1: it is of the plant {head.plant}, not of {plant.name}")
        kinds = {device: kind.value for device, kind in Layout(plant).kinds.items()}
        downtimes = Downtimes(kinds, head.from_ms)
        told: set[str] = set()
        end = _take_in(numbered, downtimes, told)
    silent = [device for device in kinds if device not in told]
    if silent:  # it would stand there with an availability of 1
        raise ValueError(f"it tells nothing of {', '.join(silent[:4])}{', …' if silent[4:] else ''}")
    return downtimes.times(end.ended_ms)


def _take_in(numbered: Iterator[tuple[int, bytes]], downtimes: Downtimes, told: set[str]) -> End:
    """Every fact, until the last line says that it is the last."""
    for number, line in numbered:
        if line.startswith(b'{"ended_ms"'):
            return _read((number, line), End)
        read = _read((number, line), Line)
        if read.fact not in NAMES:
            continue
        try:
            fact = decode_fact(read.fact, read.version, bytes(read.document))
        except (UnknownLine, msgspec.DecodeError) as broken:
            raise ValueError(f"line {number}: {broken}") from None
        if isinstance(fact, f.DeviceLinkChanged):
            told.add(fact.device)
        downtimes.facts((fact,), read.at_ms)
    raise ValueError("it is not whole: the line that ends it is missing")


def _write(out: BinaryIO, record: Head | Line | End) -> None:
    out.write(msgspec.json.encode(record) + b"\n")


def _read(line: tuple[int, bytes], shape: type[Shape]) -> Shape:
    number, text = line
    try:
        return msgspec.json.decode(text, type=shape)
    except msgspec.DecodeError as broken:
        raise ValueError(f"line {number}: no line of an event log ({broken})") from None
