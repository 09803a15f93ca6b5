"""Words that go to a PLC: the command block and a point's decision.

Rule: what is encoded here is read here too, by the virtual PLC; golden traces from the published text guard both.
"""

from __future__ import annotations

from collections.abc import Sequence

from devices.words_crc import crc16
from devices.words_errors import UnknownCode, WrongCrc, WrongLength
from devices.words_layout import COMMAND, COMMAND_WORDS, DECISION, DECISION_WORDS
from wcs.core.ports import (
    Address,
    CommandCode,
    DeviceCommand,
    DeviceTask,
    PointDecision,
    TaskType,
)
from wcs.plant.model import Record

_WHOLE_TASK = (CommandCode.TASK, CommandCode.EXTEND)
_CRC_AT = 31
_DECISION_CRC_AT = 7


class CommandHeader(Record):
    """What a PLC looks at first, before CRC and code: is it fresh, and from which term of the host?"""

    epoch: int
    sequence: int
    code: int


def encode_command(command: DeviceCommand) -> list[int]:
    """The 32 words of one telegram; word 0 (WcsLife) is 0, for it is written alone.

    Raises:
        ValueError: a task where the code takes none, or none where it needs one.
        ValueOutOfRange: a number that does not fit its words.
    """
    task = command.task
    if (task is not None) != (command.code in _WHOLE_TASK):
        raise ValueError(f"{command.code.name} {'takes no' if task else 'needs a'} whole task")
    values = {
        "WcsEpoch": command.epoch,
        "CmdSeq": command.sequence,
        "CmdCode": command.code,
        "CmdFlags": command.flags,
        "Priority": command.priority,
    }
    if task is None:
        values |= {"TaskNumber": command.task_number, "P1": command.p1}
    else:
        if command.task_number not in (0, task.number) or command.p1:
            raise ValueError(f"task {task.number} in a command for task {command.task_number}, P1 {command.p1}")
        values |= _task_values(task)
    words = COMMAND.write(values)
    words[_CRC_AT] = crc16(words[1:_CRC_AT])
    return words


def _task_values(task: DeviceTask) -> dict[str, int]:
    source, sink = task.source, task.sink
    return {
        "TaskNumber": task.number,
        "TaskType": task.type,
        "SourceA": source.a,
        "SourceB": source.b,
        "SourceC": source.c,
        "SourceD": source.d,
        "SinkA": sink.a,
        "SinkB": sink.b,
        "SinkC": sink.c,
        "SinkD": sink.d,
        "LoadType": task.load_type,
        "LoadHeight": task.load_height_mm,
        "LoadWeight": task.load_mass_g,
        "LoadId": task.load_id,
        "P1": task.p[0],
        "P2": task.p[1],
        "P3": task.p[2],
        "P4": task.p[3],
    }


def command_header(words: Sequence[int]) -> CommandHeader:
    """Epoch, sequence and raw code of a command block, before any check but its length."""
    if len(words) != COMMAND_WORDS:
        raise WrongLength(f"command block of {len(words)} words")
    return CommandHeader(epoch=words[1], sequence=words[2] << 16 | words[3], code=words[4])


def decode_command(device: str, words: Sequence[int]) -> DeviceCommand:
    """One telegram from its 32 words; word 0 is not looked at.

    Raises:
        WrongLength, WrongCrc: not a telegram.
        UnknownCode: CmdCode, or TaskType of a whole task, is not one of the interface (a PLC says BAD_PARAMETER).
    """
    if len(words) != COMMAND_WORDS:
        raise WrongLength(f"command block of {len(words)} words")
    if crc16(words[1:_CRC_AT]) != words[_CRC_AT]:
        raise WrongCrc(f"{device}: command block")
    values = COMMAND.read(words)
    try:
        code = CommandCode(values["CmdCode"])
        task = _task(values) if code in _WHOLE_TASK else None
    except ValueError as error:
        raise UnknownCode(f"{device}: {error}") from None
    return DeviceCommand(
        device=device,
        epoch=values["WcsEpoch"],
        sequence=values["CmdSeq"],
        code=code,
        task_number=values["TaskNumber"],
        task=task,
        flags=values["CmdFlags"],
        priority=values["Priority"],
        p1=0 if task else values["P1"],
    )


def _task(values: dict[str, int]) -> DeviceTask:
    return DeviceTask(
        number=values["TaskNumber"],
        type=TaskType(values["TaskType"]),
        source=Address(a=values["SourceA"], b=values["SourceB"], c=values["SourceC"], d=values["SourceD"]),
        sink=Address(a=values["SinkA"], b=values["SinkB"], c=values["SinkC"], d=values["SinkD"]),
        load_type=values["LoadType"],
        load_height_mm=values["LoadHeight"],
        load_mass_g=values["LoadWeight"],
        load_id=values["LoadId"],
        p=(values["P1"], values["P2"], values["P3"], values["P4"]),
    )


def encode_decision(decision: PointDecision) -> list[int]:
    """The 8 words of a decision; of the epoch only the low byte travels."""
    words = DECISION.write(
        {
            "DecScanSeq": decision.scan_sequence,
            "DecTrackNumber": decision.track,
            "DecExit": decision.exit,
            "DecFlags": (decision.epoch & 0xFF) << 8,
        }
    )
    words[_DECISION_CRC_AT] = crc16(words[:_DECISION_CRC_AT])
    return words


def decode_decision(device: str, point: int, words: Sequence[int]) -> PointDecision | None:
    """A decision from its 8 words, with the low byte of the epoch; None if nothing was ever written there."""
    if len(words) != DECISION_WORDS:
        raise WrongLength(f"decision of {len(words)} words")
    if not any(words):
        return None
    if crc16(words[:_DECISION_CRC_AT]) != words[_DECISION_CRC_AT]:
        raise WrongCrc(f"{device}: decision of point {point}")
    values = DECISION.read(words)
    return PointDecision(
        device=device,
        point=point,
        scan_sequence=values["DecScanSeq"],
        track=values["DecTrackNumber"],
        exit=values["DecExit"],
        epoch=values["DecFlags"] >> 8,
    )
