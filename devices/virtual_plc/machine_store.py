"""What is left of a machine when its PLC process dies: retentive memory and, apart from it, the body.

Rule: memory is written before the motion that it permits, and never half; on a full disk the machine stands. The body
(where mast, fork and battery are) is no memory: a PLC that lost its memory still stands where it stood. A PLC that was
never switched on begins with new memory; one whose memory file is gone later has lost it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TypeVar

import msgspec

from devices.machines.machine import Machine
from devices.virtual_plc.files import read_if_there, write_when_there_is_room
from wcs.plant.model import Record

BODY_INTERVAL_S = 0.5  # wall time: how far a mast may seem to jump back when the power fails under way

Body = TypeVar("Body", bound=msgspec.Struct)


class _StoredBody(Record):
    saved_ms: int
    body: msgspec.Raw


class MachineStore:
    """The files of one machine, `<name>.memory.json` and `<name>.body.json`."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._memory = _memory_file(folder, name)
        self._body = folder / f"{name}.body.json"
        self._mark = folder / f"{name}.commissioned"
        self._written_memory: object = None
        self._written_body: object = None
        self._body_wall_s = 0.0

    def body(self, kind: type[Body]) -> tuple[Body | None, int]:
        """The body of an earlier life and the plant time at which it was last seen; (None, 0) if there was none."""
        content = read_if_there(self._body)
        if content is None:
            return None, 0
        stored = msgspec.json.decode(content, type=_StoredBody)
        return msgspec.json.decode(stored.body, type=kind), stored.saved_ms

    def power_up(self, machine: Machine, now_ms: int) -> None:
        """Start the machine with the memory that was kept, or with none if it was lost."""
        content = read_if_there(self._memory)
        memory: msgspec.Struct | None
        if content is not None:
            memory = msgspec.json.decode(content, type=type(machine.memory()))
        else:
            memory = None if self._mark.exists() else machine.memory()
        machine.restart(memory, now_ms)
        self.keep_memory(machine.memory())
        self._mark.touch()

    def keep_memory(self, memory: msgspec.Struct) -> None:
        """Write the memory, unless it is the one that was last written."""
        if memory is not self._written_memory:
            write_when_there_is_room(self._memory, msgspec.json.encode(memory))
            self._written_memory = memory

    def keep_body(self, body: msgspec.Struct, now_ms: int, *, moves: bool) -> None:
        """Write the body when it changed, and now and then while it moves."""
        wall_s = time.monotonic()
        due = moves and wall_s - self._body_wall_s >= BODY_INTERVAL_S
        if body is not self._written_body or due:
            stored = _StoredBody(saved_ms=now_ms, body=msgspec.Raw(msgspec.json.encode(body)))
            write_when_there_is_room(self._body, msgspec.json.encode(stored))
            self._written_body = body
            self._body_wall_s = wall_s


def wipe_memory(folder: Path, names: tuple[str, ...]) -> None:
    """Lose the memory of these machines, as a PLC does whose battery is flat; it must not be running."""
    for name in names:
        _memory_file(folder, name).unlink(missing_ok=True)


def _memory_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.memory.json"
