"""The world process: what was answered is never lost, nothing moves twice, and plant time never goes back."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from devices.machines.world import WorldRefused
from devices.virtual_plc.addresses import WORLD
from devices.virtual_plc.files import FolderBusy
from devices.virtual_plc.remote_world import RemoteWorld
from devices.virtual_plc.running import RunningPlant, start_plant
from devices.virtual_plc.testport import TestPort
from devices.virtual_plc.world_calls import Done, Enter, LoadAt, Move, as_line
from tests.devices.virtual_plc_clients import tote
from wcs.plant.file import load_plant

BIN = "A1-L-01-01-1"
OTHER_BIN = "A1-L-01-02-1"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningPlant]:
    with start_plant(load_plant("tiny"), tmp_path, 8, only_plcs=()) as plant:
        yield plant


@pytest.fixture
def port(running: RunningPlant) -> Iterator[TestPort]:
    with closing(running.open_test_port()) as opened:
        yield opened


@pytest.fixture
def world(running: RunningPlant) -> Iterator[RemoteWorld]:
    with closing(RemoteWorld(running.test_port, "PLC1")) as opened:
        yield opened


def test_a_load_that_was_placed_stands_there_and_can_be_carried_and_taken_out(port: TestPort) -> None:
    port.place(tote(7), "D1.IN1")
    assert port.look("D1.IN1") == (tote(7),)
    port.carry(7, "D1.IN1", "ST1.O1", by="person picker")
    port.remove(7, "ST1.O1")
    assert port.dump() == {7: "outside"}
    assert [(entry.line.source, entry.line.sink) for entry in port.whole_log()] == [
        ("outside", "D1.IN1"),
        ("D1.IN1", "ST1.O1"),
        ("ST1.O1", "outside"),
    ]


def test_a_place_for_one_load_refuses_a_second_and_nothing_is_changed(port: TestPort) -> None:
    port.place_all([(tote(1), BIN), (tote(2), OTHER_BIN)])
    with pytest.raises(WorldRefused, match="occupied"):
        port.carry(1, BIN, OTHER_BIN)
    with pytest.raises(WorldRefused):
        port.place_all([(tote(3), "A1-L-01-03-1"), (tote(4), BIN)])
    with pytest.raises(WorldRefused, match="no place"):
        port.place(tote(5), "nowhere")
    assert port.dump() == {1: BIN, 2: OTHER_BIN}


def test_a_move_that_is_asked_again_is_done_once(running: RunningPlant, port: TestPort) -> None:
    port.place(tote(1), BIN)
    move = Move(number=1, source=BIN, sink=OTHER_BIN, by="CR1", caller="PLC1:x", counter=5)
    answers = [call(running.test_port, as_line(move)) for _ in range(2)]
    assert answers[0] == answers[1]
    assert port.dump() == {1: OTHER_BIN}
    assert len(port.whole_log()) == 2


def test_a_batch_that_is_asked_again_is_entered_once(running: RunningPlant, port: TestPort) -> None:
    enter = Enter(loads=(LoadAt(load=tote(1), place=BIN),), by="stock", caller="x", counter=1)
    for _ in range(2):
        assert call(running.test_port, as_line(enter)) == as_line(Done())
    assert len(port.whole_log()) == 1


def test_a_killed_world_lost_nothing_it_had_answered(running: RunningPlant, port: TestPort, world: RemoteWorld) -> None:
    world.watch((BIN, "CR1"))
    world.set_engaged(BIN, True)
    port.place_all([(tote(n), f"A1-L-02-0{n}-1") for n in range(1, 5)])
    port.place(tote(9), BIN)
    before = port.clock().now_ms()
    running.kill(WORLD)
    running.restart(WORLD)
    assert len(port.dump()) == 5
    assert world.refresh()
    assert world.loads(BIN) == (tote(9),)
    assert world.engaged(BIN)
    world.move(9, BIN, "CR1", by="CR1 task 1 PICK", now_ms=before + 1)
    assert world.loads("CR1") == (tote(9),)
    assert port.clock().now_ms() >= before
    assert [entry.line.sequence for entry in port.whole_log()] == [1, 2, 3, 4, 5, 6]


def test_a_refused_move_can_be_asked_again_when_the_way_is_free(running: RunningPlant, port: TestPort) -> None:
    port.place_all([(tote(1), BIN), (tote(2), OTHER_BIN)])
    move = Move(number=1, source=BIN, sink=OTHER_BIN, by="CR1", caller="PLC1:x", counter=1)
    assert b"Refused" in call(running.test_port, as_line(move))
    port.remove(2, OTHER_BIN)
    assert b"States" in call(running.test_port, as_line(move))


def test_a_client_senses_only_what_changed_at_the_places_it_watches(port: TestPort, world: RemoteWorld) -> None:
    world.watch((BIN,))
    changed = world.listen((BIN,))
    port.place(tote(1), OTHER_BIN)
    assert not world.refresh()
    assert not changed
    assert world.loads(OTHER_BIN) == (tote(1),)
    port.place(tote(2), BIN)
    assert world.refresh()
    assert changed == {BIN}


def test_a_line_that_is_no_call_is_refused_and_the_connection_lives_on(running: RunningPlant) -> None:
    with socket.create_connection(running.test_port, 5) as raw:
        stream = raw.makefile("rwb")
        for line, answer in ((b"{}\n", b"not a call"), (b"what\n", b"not a call"), (b'{"type":"Dump"}\n', b"Dumped")):
            stream.write(line)
            stream.flush()
            assert answer in stream.readline()
        stream.close()


def test_plant_time_goes_on_where_it_was_after_a_stop_and_with_another_speed(tmp_path: Path) -> None:
    plant = load_plant("tiny")
    with start_plant(plant, tmp_path, 8, only_plcs=(), origin_ms=1_000_000) as running:
        port = running.open_test_port()
        first = port.clock()
        assert first.speed == 8
        assert first.now_ms() >= 1_000_000
        seen = first.now_ms()
        port.close()
    with start_plant(plant, tmp_path, 2, only_plcs=()) as running:
        port = running.open_test_port()
        second = port.clock()
        assert second.speed == 2
        assert seen <= second.now_ms() < seen + 60_000
        port.close()


def test_two_running_plants_do_not_share_one_folder(running: RunningPlant) -> None:
    with pytest.raises(FolderBusy):
        start_plant(running.plant, running.data, 8, only_plcs=())


def test_a_fault_for_a_device_that_nobody_hosts_is_refused(port: TestPort) -> None:
    with pytest.raises(WorldRefused, match="no PLC process hosts CR1"):
        port.inject("CR1", "fault")


def call(address: tuple[str, int], line: bytes) -> bytes:
    with socket.create_connection(address, 5) as raw:
        stream = raw.makefile("rwb")
        stream.write(line)
        stream.flush()
        answer = stream.readline()
        stream.close()
        return answer
