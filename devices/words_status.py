"""Words that come from a PLC: the status block and its transfer points.

Rule: a status block counts only if PlcLife agrees with its copy and the map version is ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from devices.words_errors import TornRead, UnknownCode, WrongLength, WrongMapVersion
from devices.words_layout import (
    DONE_RING,
    MAP_VERSION,
    STATUS,
    STATUS_WORDS,
    TRANSFER,
    TRANSFER_SIZE,
    TRANSFER_WORDS,
    TRANSFERS,
    ValueOutOfRange,
)
from wcs.core.ports import (
    AckCode,
    DeviceState,
    DeviceStatus,
    DoneEntry,
    OperatingMode,
    ResultCode,
    Telemetry,
    TransferStatus,
)

_LIFE_AT, _VERSION_AT, _TAIL_AT = 0, 3, 62


def check_status(words: Sequence[int]) -> None:
    """Whether these 64 words are one whole status block of our map version.

    Raises:
        WrongLength, TornRead, WrongMapVersion
    """
    if len(words) != STATUS_WORDS:
        raise WrongLength(f"status block of {len(words)} words")
    if words[_LIFE_AT] != words[_TAIL_AT]:
        raise TornRead(f"PlcLife {words[_LIFE_AT]}, tail {words[_TAIL_AT]}")
    if words[_VERSION_AT] != MAP_VERSION:
        raise WrongMapVersion(f"map version {words[_VERSION_AT]:#06x}, ours is {MAP_VERSION:#06x}")


def plc_life(words: Sequence[int]) -> int:
    """PlcLife of a status block."""
    return words[_LIFE_AT]


def encode_status(status: DeviceStatus, telemetry: Telemetry, *, life: int) -> list[int]:
    """The 64 words of a status block; `life` is PlcLife and its copy at the tail."""
    if len(status.done_ring) > DONE_RING:
        raise ValueOutOfRange(f"DoneRing of {len(status.done_ring)} entries")
    values = {
        "PlcLife": life,
        "BootCount": status.boot_count,
        "LatchedEpoch": status.latched_epoch,
        "MapVersion": status.map_version,
        "AckSeq": status.ack_sequence,
        "AckCode": status.ack_code,
        "Mode": status.mode,
        "State": status.state,
        "StatusBits": _status_bits(status),
        "ActiveTask": status.active_task,
        "ResultCode": status.result,
        "BadCrcCount": telemetry.bad_crc_count,
        "EventSeq": status.event_sequence,
        "PosX": telemetry.x_mm,
        "PosY": telemetry.y_mm,
        "PosZ": telemetry.z_mm,
        "AisleOrNode": status.confirmed[0],
        "Bay": status.confirmed[1],
        "Level": status.confirmed[2],
        "LoadType": status.load_type,
        "LoadId": status.load_id,
        "Odometer": telemetry.odometer_m,
        "CycleCount": telemetry.cycle_count,
        "PickCount": telemetry.pick_count,
        "Battery": telemetry.battery_permille,
        "StepAtStop": status.step_at_stop,
        "Tail": life,
    }
    values |= {f"Alarm{n}": word for n, word in enumerate(status.alarms, 1)}
    for n, entry in enumerate(status.done_ring, 1):
        values |= {f"Done{n}Task": entry.task_number, f"Done{n}Result": entry.result}
    return STATUS.write(values)


def _status_bits(status: DeviceStatus) -> int:
    flags = (
        status.ready,
        status.retentive_valid,
        status.load_present,
        status.wcs_alive,
        status.emergency_stop_clear,
        status.in_position,
        status.homed,
        status.charging,
    )
    return sum(flag << n for n, flag in enumerate(flags))


def decode_status(words: Sequence[int]) -> DeviceStatus:
    """The status block without its telemetry.

    Raises:
        WrongLength, TornRead, WrongMapVersion: see `check_status`.
        UnknownCode: mode, state, result or acknowledgement is not one of the interface.
    """
    check_status(words)
    values = STATUS.read(words)
    bits = values["StatusBits"]
    try:
        return DeviceStatus(
            boot_count=values["BootCount"],
            latched_epoch=values["LatchedEpoch"],
            map_version=values["MapVersion"],
            ack_sequence=values["AckSeq"],
            ack_code=AckCode(values["AckCode"]),
            mode=OperatingMode(values["Mode"]),
            state=DeviceState(values["State"]),
            ready=bool(bits & 1),
            retentive_valid=bool(bits & 2),
            load_present=bool(bits & 4),
            wcs_alive=bool(bits & 8),
            emergency_stop_clear=bool(bits & 16),
            in_position=bool(bits & 32),
            homed=bool(bits & 64),
            charging=bool(bits & 128),
            active_task=values["ActiveTask"],
            result=ResultCode(values["ResultCode"]),
            event_sequence=values["EventSeq"],
            alarms=(values["Alarm1"], values["Alarm2"], values["Alarm3"], values["Alarm4"]),
            confirmed=(values["AisleOrNode"], values["Bay"], values["Level"]),
            load_type=values["LoadType"],
            load_id=values["LoadId"],
            done_ring=tuple(
                DoneEntry(task_number=values[f"Done{n}Task"], result=ResultCode(values[f"Done{n}Result"]))
                for n in range(1, DONE_RING + 1)
                if values[f"Done{n}Task"]
            ),
            step_at_stop=values["StepAtStop"],
        )
    except ValueError as error:
        raise UnknownCode(str(error)) from None


def decode_telemetry(device: str, words: Sequence[int]) -> Telemetry:
    """Positions and counters of a status block that `check_status` has let pass."""
    values = STATUS.read(words)
    return Telemetry(
        device=device,
        x_mm=values["PosX"],
        y_mm=values["PosY"],
        z_mm=values["PosZ"],
        odometer_m=values["Odometer"],
        cycle_count=values["CycleCount"],
        pick_count=values["PickCount"],
        battery_permille=values["Battery"],
        bad_crc_count=values["BadCrcCount"],
    )


def encode_transfers(transfers: Sequence[TransferStatus]) -> list[int]:
    """The 32 words of the transfer points; fewer than eight are filled up with empty ones."""
    if len(transfers) > TRANSFERS:
        raise ValueOutOfRange(f"{len(transfers)} transfer points in one block")
    words: list[int] = []
    for transfer in transfers:
        flags = transfer.occupied | transfer.ready_to_accept << 1 | transfer.ready_to_hand_over << 2
        words += TRANSFER.write({"Flags": flags, "TrackNumber": transfer.track, "EventSeq": transfer.event_sequence})
    return words + [0] * (TRANSFER_WORDS - len(words))


def decode_transfers(words: Sequence[int]) -> tuple[TransferStatus, ...]:
    """All eight transfer points of a device."""
    if len(words) != TRANSFER_WORDS:
        raise WrongLength(f"transfer points of {len(words)} words")
    return tuple(decode_transfer(words[at : at + TRANSFER_SIZE]) for at in range(0, TRANSFER_WORDS, TRANSFER_SIZE))


def decode_transfer(words: Sequence[int]) -> TransferStatus:
    """One transfer point from its four words."""
    values = TRANSFER.read(words)
    flags = values["Flags"]
    return TransferStatus(
        occupied=bool(flags & 1),
        ready_to_accept=bool(flags & 2),
        ready_to_hand_over=bool(flags & 4),
        track=values["TrackNumber"],
        event_sequence=values["EventSeq"],
    )
