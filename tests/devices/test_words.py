"""The telegram words against golden traces written by hand, and against themselves on random records."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import words
from devices.words_layout import COMMAND, DECISION, EVENT, STATUS, TRANSFER, Block
from wcs.core.ports import (
    AckCode,
    Address,
    CommandCode,
    DeviceCommand,
    DeviceState,
    DeviceStatus,
    DeviceTask,
    DoneEntry,
    OperatingMode,
    OutcomeReason,
    PointDecision,
    PointOutcome,
    PointStatus,
    ResultCode,
    ScanFlags,
    TaskType,
    Telemetry,
    TransferStatus,
)

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> list[int]:
    """The words of one hand-written trace; whatever follows '#' is comment."""
    lines = (GOLDEN / f"wire_{name}.txt").read_text(encoding="ascii", errors="ignore").splitlines()
    return [int(word, 16) for line in lines for word in line.partition("#")[0].split()]


TASK = DeviceCommand(
    device="CR1",
    epoch=7,
    sequence=66051,
    code=CommandCode.TASK,
    task_number=262154,
    flags=1,
    priority=5,
    task=DeviceTask(
        number=262154,
        type=TaskType.TRANSFER,
        source=Address(a=1, b=12, c=3, d=22),
        sink=Address(a=1, b=0, c=2, d=0),
        load_type=2,
        load_height_mm=450,
        load_mass_g=25_000,
        load_id=0x1234_5678,
    ),
)
SYNC = DeviceCommand(device="CR1", epoch=7, sequence=42, code=CommandCode.SYNC, p1=1)
EXTEND = DeviceCommand(
    device="V1",
    epoch=8,
    sequence=43,
    code=CommandCode.EXTEND,
    task_number=99,
    task=DeviceTask(
        number=99,
        type=TaskType.POSITION,
        source=Address(a=17),
        sink=Address(a=25),
        p=(1500, 18, 21, 0),
    ),
)
CRANE_STATUS = DeviceStatus(
    boot_count=3,
    latched_epoch=7,
    ack_sequence=66051,
    ack_code=AckCode.ACCEPTED,
    mode=OperatingMode.AUTOMATIC,
    state=DeviceState.TO_DEPOSIT,
    ready=True,
    retentive_valid=True,
    load_present=True,
    wcs_alive=True,
    emergency_stop_clear=True,
    homed=True,
    active_task=262154,
    event_sequence=16,
    alarms=(2, 0, 0, 0x8000),
    confirmed=(1, 12, 3),
    load_type=2,
    load_id=0x1234_5678,
    done_ring=(
        DoneEntry(task_number=262153, result=ResultCode.OK),
        DoneEntry(task_number=262152, result=ResultCode.SINK_OCCUPIED),
    ),
    step_at_stop=3,
)
CRANE_TELEMETRY = Telemetry(
    device="CR1",
    x_mm=12_000,
    y_mm=-2,
    odometer_m=65_536,
    cycle_count=100,
    pick_count=50,
    battery_permille=900,
    bad_crc_count=2,
)
TRANSFER_POINTS = (
    TransferStatus(ready_to_accept=True),
    TransferStatus(occupied=True, ready_to_hand_over=True, track=100_000, event_sequence=17),
    *(TransferStatus(),) * 6,
)
SCANNED = PointStatus(
    scan_sequence=0x1235,
    flags=ScanFlags.READ | ScanFlags.OVERWEIGHT,
    track=100_000,
    deadline_ms=2000,
    mass_g=40_000,
    height_mm=320,
    barcode="LU-000123",
    outcomes=(
        PointOutcome(scan_sequence=0x1234, exit=3, reason=OutcomeReason.AS_DECIDED),
        PointOutcome(scan_sequence=0x1233, exit=1, reason=OutcomeReason.TIMEOUT),
    ),
)
DECIDED = PointDecision(device="CV", point=0, scan_sequence=0x1235, track=100_000, exit=3, epoch=7)


@pytest.mark.parametrize(
    ("trace", "command"), [("command_task", TASK), ("command_sync", SYNC), ("command_extend", EXTEND)]
)
def test_a_command_block_is_the_published_one(trace: str, command: DeviceCommand) -> None:
    assert words.encode_command(command) == golden(trace)
    assert words.decode_command(command.device, golden(trace)) == command


def test_a_status_block_is_the_published_one() -> None:
    trace = golden("status_crane")
    assert words.decode_status(trace) == CRANE_STATUS
    assert words.decode_telemetry("CR1", trace) == CRANE_TELEMETRY
    assert words.encode_status(CRANE_STATUS, CRANE_TELEMETRY, life=0xFF) == trace


def test_transfer_points_are_the_published_ones() -> None:
    assert words.decode_transfers(golden("transfers")) == TRANSFER_POINTS
    assert words.encode_transfers(TRANSFER_POINTS[:2]) == golden("transfers")


def test_a_point_event_is_the_published_one() -> None:
    assert words.decode_event(golden("point_event")) == SCANNED
    assert words.encode_event(SCANNED) == golden("point_event")


def test_a_decision_is_the_published_one() -> None:
    assert words.encode_decision(DECIDED) == golden("point_decision")
    assert words.decode_decision("CV", 0, golden("point_decision")) == DECIDED


def test_the_crc_is_the_one_of_modbus() -> None:
    assert words.crc16_bytes(b"123456789") == 0x4B37
    assert words.crc16([0x0103, 0x0000, 0x000A]) == 0xCDC5


def test_mirrors_show_the_numbers_of_the_status_block() -> None:
    shown = words.mirror_values(golden("status_crane"))
    assert set(shown) == set(words.MIRRORS)
    assert (shown["State"], shown["PosY"], shown["LoadId"], shown["Alarm4"]) == (4, -2, 0x1234_5678, 0x8000)


def test_addresses_follow_the_published_map() -> None:
    assert words.life_address(2) == 512
    assert words.command_address(2) == 513
    assert words.status_address(2) == 544
    assert words.transfer_ack_address(2, 7) == 512 + 135
    assert words.points_address(2) == 648
    assert words.event_address(2, 2) == 512 + 216
    assert words.decision_address(2, 2) == 512 + 248
    assert (words.STATUS_READ_WORDS, words.POINT_READ_WORDS) == (96, 120)


def test_opc_ua_identifiers_follow_the_published_names() -> None:
    assert words.NAMESPACE_URI == "urn:wcs:device:v1"
    assert words.command_id("CR1") == "CR1.Cmd"
    assert words.decision_id("CV", 2) == "CV.Point2.Dec"
    assert words.mirror_id("CR1", "PosX") == "CR1.Status.PosX"


@pytest.mark.parametrize("block", [COMMAND, STATUS, TRANSFER, EVENT, DECISION], ids=lambda block: block.name)
def test_no_two_names_share_a_word(block: Block) -> None:
    taken = [field.at + n for field in block.fields for n in range(field.kind.words)]
    assert len(taken) == len(set(taken))
    assert max(taken) < block.size


@pytest.mark.parametrize("at", range(1, 32))
def test_any_changed_word_of_a_command_breaks_its_crc(at: int) -> None:
    telegram = golden("command_task")
    telegram[at] ^= 0x0100
    with pytest.raises(words.WrongCrc):
        words.decode_command("CR1", telegram)


def test_wcs_life_is_outside_the_crc() -> None:
    telegram = golden("command_task")
    telegram[0] = 4711
    assert words.decode_command("CR1", telegram) == TASK


def test_a_torn_status_block_is_named_so() -> None:
    torn = golden("status_crane")
    torn[62] += 1
    with pytest.raises(words.TornRead):
        words.decode_status(torn)


def test_another_map_version_is_named_so() -> None:
    other = golden("status_crane")
    other[3] = 0x0200
    with pytest.raises(words.WrongMapVersion, match="0x0200"):
        words.decode_status(other)


def test_a_code_that_the_interface_does_not_name_is_refused() -> None:
    strange = golden("status_crane")
    strange[8] = 9
    with pytest.raises(words.UnknownCode):
        words.decode_status(strange)
    telegram = golden("command_sync")
    telegram[4] = 77
    telegram[31] = words.crc16(telegram[1:31])
    with pytest.raises(words.UnknownCode):
        words.decode_command("CR1", telegram)
    assert words.command_header(telegram) == words.CommandHeader(epoch=7, sequence=42, code=77)


def test_a_block_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(words.WrongLength):
        words.decode_status(golden("status_crane")[:-1])
    with pytest.raises(words.WrongLength):
        words.decode_command("CR1", [])


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(words.ValueOutOfRange, match="CmdSeq"):
        words.encode_command(DeviceCommand(device="CR1", epoch=1, sequence=1 << 32, code=CommandCode.SYNC))
    with pytest.raises(words.ValueOutOfRange):
        words.encode_event(PointStatus(barcode="x" * 33))


def test_a_task_without_its_words_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a whole task"):
        words.encode_command(DeviceCommand(device="CR1", epoch=1, sequence=1, code=CommandCode.TASK))


def test_a_decision_never_written_is_none() -> None:
    assert words.decode_decision("CV", 0, [0] * 8) is None


def test_a_barcode_that_is_not_ascii_is_known_to_none() -> None:
    event = golden("point_event")
    event[8] = 0xFF55
    assert words.decode_event(event).barcode.startswith("\ufffd")


U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFF_FFFF)
U64 = st.integers(0, 0xFFFF_FFFF_FFFF_FFFF)
S32 = st.integers(-(1 << 31), (1 << 31) - 1)
ADDRESSES = st.builds(Address, a=U16, b=U16, c=U16, d=U16)


@st.composite
def commands(draw: st.DrawFn) -> DeviceCommand:
    code = draw(st.sampled_from(CommandCode))
    number, task, p1 = draw(U32), None, draw(U16)
    if code in (CommandCode.TASK, CommandCode.EXTEND):
        p1 = 0
        task = DeviceTask(
            number=number,
            type=draw(st.sampled_from(TaskType)),
            source=draw(ADDRESSES),
            sink=draw(ADDRESSES),
            load_type=draw(U16),
            load_height_mm=draw(U16),
            load_mass_g=draw(U32),
            load_id=draw(U64),
            p=draw(st.tuples(U16, U16, U16, U16)),
        )
    return DeviceCommand(
        device="CR1",
        epoch=draw(U16),
        sequence=draw(U32),
        code=code,
        task_number=number,
        task=task,
        flags=draw(U16),
        priority=draw(U16),
        p1=p1,
    )


DONE_ENTRIES = st.builds(DoneEntry, task_number=st.integers(1, 0xFFFF_FFFF), result=st.sampled_from(ResultCode))
STATUSES = st.builds(
    DeviceStatus,
    boot_count=U16,
    latched_epoch=U16,
    map_version=st.just(0x0100),
    ack_sequence=U32,
    active_task=U32,
    event_sequence=U32,
    alarms=st.tuples(U16, U16, U16, U16),
    confirmed=st.tuples(U16, U16, U16),
    load_type=U16,
    load_id=U64,
    done_ring=st.lists(DONE_ENTRIES, max_size=4).map(tuple),
    step_at_stop=st.integers(0, 5),
)
TELEMETRY = st.builds(
    Telemetry,
    device=st.just("CR1"),
    x_mm=S32,
    y_mm=S32,
    z_mm=S32,
    odometer_m=U32,
    cycle_count=U32,
    pick_count=U32,
    battery_permille=U16,
    bad_crc_count=U16,
)
TRANSFER_LISTS = st.lists(st.builds(TransferStatus, track=U32, event_sequence=U16), min_size=8, max_size=8)
OUTCOMES = st.builds(
    PointOutcome, scan_sequence=st.integers(1, 0xFFFF), exit=U16, reason=st.sampled_from(OutcomeReason)
)
EVENTS = st.builds(
    PointStatus,
    scan_sequence=U16,
    flags=st.integers(0, 31).map(ScanFlags),
    track=U32,
    deadline_ms=U16,
    mass_g=U32,
    height_mm=U16,
    barcode=st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=32),
    outcomes=st.lists(OUTCOMES, max_size=2).map(tuple),
)


@given(commands())
def test_every_command_comes_back_as_it_was_sent(command: DeviceCommand) -> None:
    telegram = words.encode_command(command)
    assert len(telegram) == 32
    assert words.decode_command("CR1", telegram) == command


@given(STATUSES, TELEMETRY, U16)
def test_every_status_comes_back_as_it_was_written(status: DeviceStatus, telemetry: Telemetry, life: int) -> None:
    block = words.encode_status(status, telemetry, life=life)
    assert words.decode_status(block) == status
    assert words.decode_telemetry("CR1", block) == telemetry
    assert words.plc_life(block) == life


@given(TRANSFER_LISTS)
def test_every_transfer_point_comes_back_as_it_was_written(transfers: list[TransferStatus]) -> None:
    assert list(words.decode_transfers(words.encode_transfers(transfers))) == transfers


@given(EVENTS)
def test_every_event_comes_back_as_it_was_written(event: PointStatus) -> None:
    assert words.decode_event(words.encode_event(event)) == event


@given(U16, U32, U16, U16)
def test_every_decision_comes_back_with_the_low_byte_of_its_epoch(
    scan: int, track: int, exit_number: int, epoch: int
) -> None:
    decision = PointDecision(device="CV", point=1, scan_sequence=scan, track=track, exit=exit_number, epoch=epoch)
    back = words.decode_decision("CV", 1, words.encode_decision(decision))
    assert back == PointDecision(
        device="CV", point=1, scan_sequence=scan, track=track, exit=exit_number, epoch=epoch & 0xFF
    )


@given(st.lists(U16, min_size=64, max_size=64))
def test_no_words_whatever_raise_anything_but_a_telegram_error(noise: list[int]) -> None:
    with contextlib.suppress(words.TelegramError):
        words.decode_status(noise)
    with contextlib.suppress(words.TelegramError):
        words.decode_event(noise[:32])
    with contextlib.suppress(words.TelegramError):
        words.decode_command("X", noise[:32])
