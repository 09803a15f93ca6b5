"""The conversation with one device, driven by hand: no wires, no clock."""

from __future__ import annotations

from collections.abc import Iterator

from devices import words
from devices.session import (
    Delivery,
    DeviceSession,
    Phase,
    Reading,
    Write,
    WriteCommand,
    WriteDecision,
    WriteLife,
    WriteTransferAck,
    back_off_ms,
)
from devices.session_answers import LOOKS_MAX, WRITES_MAX
from devices.session_outbox import COMMANDS_WAITING_MAX, RESENDS_MAX
from wcs.core.ports import (
    AckCode,
    Command,
    CommandCode,
    Connected,
    DeliveryNote,
    DeviceCommand,
    DeviceState,
    DeviceStatus,
    Disconnected,
    OutcomeReason,
    PointChanged,
    PointDecision,
    PointOutcome,
    PointStatus,
    StatusChanged,
    Synchronised,
    Telemetry,
    TransferAck,
    TransferChanged,
    TransferStatus,
    Unanswered,
)


class Conversation:
    """A session and a PLC of plain words, in hand-driven time."""

    def __init__(self, *, tracked: bool = False) -> None:
        self.tracked = tracked
        self.writes_arrive = True
        self.delivered: list[Delivery] = []
        self.written: list[Write] = []
        self.now_ms = 0
        self.life = 100
        self.status = DeviceStatus()
        self.telemetry = Telemetry(device="D")
        self.transfers = [TransferStatus()] * 8
        self.points = [PointStatus()] * 3
        self.session = DeviceSession(
            "D", tracked=tracked, deliver=self.delivered.append, wall_ms=lambda: self.now_ms, jitter=lambda: 0.0
        )

    def reading(self, *, torn: bool = False) -> Reading:
        status = words.encode_status(self.status, self.telemetry, life=self.life)
        if torn:
            status[62] += 1
        if not self.tracked:
            return Reading(status=tuple(status), at_once=True)
        events = tuple((p, tuple(words.encode_event(point))) for p, point in enumerate(self.points))
        transfers = tuple(words.encode_transfers(self.transfers))
        return Reading(status=tuple(status), transfers=transfers, events=events, at_once=True)

    def open(self) -> None:
        self.session.opened(self.now_ms)
        self.poll()

    def poll(self, *, alive: bool = True, torn: bool = False) -> list[Delivery]:
        """One turn: write what is due, read, look at the time; returns what was delivered."""
        before = len(self.delivered)
        for write in self.session.writes(self.now_ms):
            self.written.append(write)
            if isinstance(write, WriteDecision | WriteTransferAck):
                stands = write.words if self.writes_arrive else (0,) * len(write.words)
                self.session.read_back(write, stands, self.now_ms)
        self.life += alive
        self.session.heard(self.reading(torn=torn), self.now_ms)
        self.session.supervise(self.now_ms)
        return self.delivered[before:]

    def after(self, ms: int, *, alive: bool = True) -> list[Delivery]:
        """Polls of 50 ms for so long."""
        return [report for _ in range(ms // 50) for report in self._tick(alive)]

    def _tick(self, alive: bool) -> list[Delivery]:
        self.now_ms += 50
        return self.poll(alive=alive)

    def send(self, command: Command) -> None:
        self.session.take(command, self.now_ms)

    def acknowledge(self, sequence: int) -> None:
        self.status = DeviceStatus(ack_sequence=sequence, ack_code=AckCode.ACCEPTED)

    def telegrams(self) -> list[tuple[int, ...]]:
        return [write.words for write in self.written if isinstance(write, WriteCommand)]

    def answers(self) -> Iterator[WriteDecision | WriteTransferAck]:
        return (write for write in self.written if isinstance(write, WriteDecision | WriteTransferAck))


def connected(*, tracked: bool = False) -> Conversation:
    talk = Conversation(tracked=tracked)
    talk.open()
    talk.poll()
    return talk


def command(sequence: int, code: CommandCode = CommandCode.SYNC) -> DeviceCommand:
    return DeviceCommand(device="D", epoch=1, sequence=sequence, code=code)


def of_the_core(reports: list[Delivery]) -> list[Delivery]:
    return [report for report in reports if not isinstance(report, Telemetry | DeliveryNote)]


def test_the_first_whole_read_of_a_connection_is_delivered_once() -> None:
    talk = Conversation()
    talk.status = DeviceStatus(boot_count=3, active_task=17, state=DeviceState.PICKING)
    talk.open()
    (first,) = of_the_core(talk.delivered)
    assert isinstance(first, Connected)
    assert first.snapshot.status == talk.status
    assert of_the_core(talk.after(200)) == []


def test_after_the_acknowledgement_of_sync_a_whole_read_is_delivered() -> None:
    talk = connected()
    talk.send(command(7))
    talk.poll()
    talk.acknowledge(7)
    assert of_the_core(talk.poll()) == []
    assert talk.session.wants_whole_read(talk.now_ms)
    (report,) = of_the_core(talk.poll())
    assert report == Synchronised(sequence=7, snapshot=report.snapshot) if isinstance(report, Synchronised) else False
    assert not talk.session.wants_whole_read(talk.now_ms)


def test_a_second_sync_keeps_no_change_back() -> None:
    talk = connected()
    talk.send(command(7))
    talk.poll()
    talk.acknowledge(7)
    talk.after(100)
    talk.send(command(8))
    talk.poll()
    talk.status = DeviceStatus(ack_sequence=7, ack_code=AckCode.ACCEPTED, state=DeviceState.FAULT)
    assert of_the_core(talk.poll()) == [StatusChanged(device="D", status=talk.status, battery_permille=0)]
    talk.acknowledge(8)
    kinds = [type(report) for report in of_the_core(talk.after(100))]
    assert kinds == [StatusChanged, Synchronised]


def test_changes_between_the_first_sync_and_its_whole_read_are_in_the_snapshot() -> None:
    talk = connected()
    talk.send(command(7))
    talk.poll()
    talk.status = DeviceStatus(state=DeviceState.PICKING)
    assert of_the_core(talk.poll()) == []
    talk.status = DeviceStatus(state=DeviceState.DONE, ack_sequence=7)
    (report,) = of_the_core(talk.after(100))
    assert isinstance(report, Synchronised)
    assert report.snapshot.status == talk.status


def test_the_identical_telegram_is_sent_again_five_times_and_then_the_device_is_lost() -> None:
    talk = connected()
    talk.send(command(7))
    reports = of_the_core(talk.after(3_050))
    assert len(talk.telegrams()) == 1 + RESENDS_MAX
    assert len(set(talk.telegrams())) == 1
    assert reports == [Unanswered(device="D", sequence=7)]
    assert talk.session.phase is Phase.RESTING


def test_an_acknowledged_telegram_is_not_sent_again() -> None:
    talk = connected()
    talk.send(command(7))
    talk.poll()
    talk.acknowledge(7)
    talk.after(2_000)
    assert len(talk.telegrams()) == 1


def test_the_next_command_waits_for_the_acknowledgement_of_the_former() -> None:
    talk = connected()
    talk.send(command(7))
    talk.send(command(8, CommandCode.PAUSE))
    talk.after(200)
    assert len(talk.telegrams()) == 1
    talk.acknowledge(7)
    talk.after(100)
    assert [words.command_header(telegram).sequence for telegram in talk.telegrams()] == [7, 8]


def test_when_a_command_was_sent_and_acknowledged_is_noted() -> None:
    talk = connected()
    talk.send(command(7))
    talk.after(50)
    talk.acknowledge(7)
    talk.after(50)
    notes = [report for report in talk.delivered if isinstance(report, DeliveryNote)]
    assert notes == [
        DeliveryNote(device="D", sequence=7, sent_at_ms=50),
        DeliveryNote(device="D", sequence=7, acknowledged_at_ms=100),
    ]


def test_more_commands_than_make_sense_end_the_conversation() -> None:
    talk = connected()
    for sequence in range(COMMANDS_WAITING_MAX + 1):
        talk.send(command(sequence + 1))
    (report,) = of_the_core(talk.delivered[1:])
    assert isinstance(report, Disconnected)


def test_a_command_for_a_device_that_is_not_connected_is_dropped() -> None:
    talk = Conversation()
    talk.send(command(7))
    talk.open()
    talk.after(1_000)
    assert talk.telegrams() == []


def test_wcs_life_rises_every_500_ms() -> None:
    talk = connected()
    talk.after(5_000)
    beats = [write.value for write in talk.written if isinstance(write, WriteLife)]
    assert beats == list(range(1, 12))


def test_a_plc_life_that_stands_still_is_suspect_after_1_s_and_lost_after_3_s() -> None:
    talk = connected()
    assert of_the_core(talk.after(950, alive=False)) == []
    assert not talk.session.wants_whole_read(talk.now_ms)
    talk.after(50, alive=False)
    assert talk.session.wants_whole_read(talk.now_ms)
    assert of_the_core(talk.after(2_000, alive=False)) == [Disconnected(device="D", reason="PlcLife stands still")]


def test_a_device_whose_life_was_lost_is_connected_again_only_when_it_moves() -> None:
    talk = connected()
    talk.after(3_050, alive=False)
    assert of_the_core(talk.after(5_000, alive=False)) == []
    (report,) = of_the_core(talk.after(300))
    assert isinstance(report, Connected)


def test_a_lost_connection_is_told_once_however_often_it_fails_again() -> None:
    talk = connected()
    talk.session.closed("gone")
    talk.session.closed("refused")
    assert of_the_core(talk.delivered[1:]) == [Disconnected(device="D", reason="gone")]


def test_only_a_changed_status_is_delivered() -> None:
    talk = connected()
    talk.status = DeviceStatus(state=DeviceState.TO_PICK, active_task=4)
    assert of_the_core(talk.after(500)) == [StatusChanged(device="D", status=talk.status, battery_permille=0)]


def test_only_changed_transfer_points_and_points_are_delivered() -> None:
    talk = connected(tracked=True)
    talk.transfers[2] = TransferStatus(occupied=True, track=9, event_sequence=1)
    talk.points[1] = PointStatus(scan_sequence=5, track=9, barcode="LU-1")
    assert of_the_core(talk.after(500)) == [
        TransferChanged(device="D", transfer=2, status=talk.transfers[2]),
        PointChanged(device="D", point=1, status=talk.points[1]),
    ]


def test_positions_are_telemetry_and_come_ten_times_a_second_at_most() -> None:
    talk = connected()
    start = len(talk.delivered)
    for x_mm in range(40):
        talk.telemetry = Telemetry(device="D", x_mm=x_mm)
        talk.after(50)
    news = talk.delivered[start:]
    assert all(isinstance(report, Telemetry) for report in news)
    assert 18 <= len(news) <= 21


def test_a_torn_read_counts_for_nothing() -> None:
    talk = connected()
    talk.status = DeviceStatus(state=DeviceState.FAULT)
    assert talk.poll(torn=True) == []
    assert len(of_the_core(talk.poll())) == 1


def test_a_plc_of_another_map_version_is_refused_by_name() -> None:
    talk = Conversation()
    talk.status = DeviceStatus(map_version=0x0200)
    talk.open()
    (report,) = talk.delivered
    assert isinstance(report, Disconnected)
    assert report.reason.startswith("another version of the register map: ")


def test_words_published_before_what_was_read_since_are_ignored() -> None:
    talk = connected()
    old = talk.reading()
    talk.status = DeviceStatus(state=DeviceState.DONE)
    talk.after(50)
    before = len(talk.delivered)
    talk.session.heard(old, talk.now_ms)
    assert talk.delivered[before:] == []


DECISION = PointDecision(device="D", point=1, scan_sequence=5, track=9, exit=2, epoch=1)


def waiting_at_point() -> Conversation:
    talk = Conversation(tracked=True)
    talk.points[1] = PointStatus(scan_sequence=5, track=9)
    talk.open()
    return talk


def test_a_decision_is_written_again_until_it_is_read_back() -> None:
    talk = waiting_at_point()
    talk.writes_arrive = False
    talk.send(DECISION)
    talk.after(200)
    assert len(list(talk.answers())) == 4
    talk.writes_arrive = True
    talk.after(450)
    assert len(list(talk.answers())) == 5


def test_a_decision_not_yet_judged_is_looked_at_again_lest_an_older_write_came_over_it() -> None:
    talk = waiting_at_point()
    talk.send(DECISION)
    talk.after(600)
    assert len(list(talk.answers())) == 2


def test_a_judged_decision_is_left_alone() -> None:
    talk = waiting_at_point()
    talk.send(DECISION)
    talk.after(50)
    outcome = PointOutcome(scan_sequence=5, exit=2, reason=OutcomeReason.AS_DECIDED)
    talk.points[1] = PointStatus(scan_sequence=5, track=9, outcomes=(outcome,))
    talk.after(2_000)
    assert len(list(talk.answers())) == 1


def test_a_decision_whose_event_is_gone_is_not_written() -> None:
    talk = waiting_at_point()
    talk.points[1] = PointStatus(scan_sequence=6, track=10)
    talk.poll()
    talk.send(DECISION)
    talk.after(500)
    assert list(talk.answers()) == []


def test_a_decision_that_never_arrives_ends_the_conversation() -> None:
    talk = waiting_at_point()
    talk.writes_arrive = False
    talk.send(DECISION)
    reports = of_the_core(talk.after(50 * (WRITES_MAX + 2)))
    assert len(list(talk.answers())) == WRITES_MAX + 1
    assert isinstance(reports[-1], Disconnected)


def test_a_transfer_acknowledgement_is_written_until_it_stands() -> None:
    talk = connected(tracked=True)
    talk.transfers[3] = TransferStatus(event_sequence=12)
    talk.poll()
    talk.send(TransferAck(device="D", transfer=3, event_sequence=12))
    talk.after(10_000)
    assert [write.words for write in talk.answers()] == [(12,)] * LOOKS_MAX


def test_back_off_doubles_from_a_fifth_of_a_second_to_five() -> None:
    assert [back_off_ms(attempts, 1.0) for attempts in (0, 1, 4, 5, 50)] == [200, 400, 3_200, 5_000, 5_000]
    assert back_off_ms(0, 0.0) == 100
