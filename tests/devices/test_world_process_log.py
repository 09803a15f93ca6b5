"""The world's log on disk and the stored clock."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from devices.machines.world import WorldLine
from devices.virtual_plc.plant_clock import ClockOrigin, PlantClock
from devices.virtual_plc.stored_clock import start_clock, store_clock
from devices.virtual_plc.world_calls import LoggedLine
from devices.virtual_plc.world_log import WorldLog, WorldLogDamaged

NS_A_SECOND = 1_000_000_000


def line(sequence: int) -> LoggedLine:
    moved = WorldLine(sequence=sequence, time_ms=sequence, number=1, source="a", sink="b", by="test")
    return LoggedLine(line=moved, caller="x", counter=sequence)


def test_a_torn_last_line_is_cut_off_and_the_log_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "world.log"
    log = WorldLog(path)
    for n in (1, 2):
        log.append(line(n))
    log.close()
    with path.open("ab") as file:
        file.write(b'{"line":{"sequence":3,"time')
    log = WorldLog(path)
    assert [entry.line.sequence for entry in log.lines()] == [1, 2]
    log.append(line(3))
    assert [entry.line.sequence for entry in log.lines()] == [1, 2, 3]
    log.close()


def test_the_log_is_read_on_from_a_position(tmp_path: Path) -> None:
    log = WorldLog(tmp_path / "world.log")
    for n in range(1, 6):
        log.append(line(n))
    first, position = log.read(0, 2)
    rest, _ = log.read(position, 100)
    assert [entry.line.sequence for entry in (*first, *rest)] == [1, 2, 3, 4, 5]
    log.close()


def test_a_log_that_was_changed_in_the_middle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "world.log"
    path.write_bytes(b"rubbish\n" + msgspec.json.encode(line(1)) + b"\n")
    log = WorldLog(path)
    with pytest.raises(WorldLogDamaged, match="byte 0"):
        list(log.lines())
    log.close()


def test_plant_time_runs_as_fast_as_its_speed_and_never_goes_back() -> None:
    now_ns = [5 * NS_A_SECOND]
    clock = PlantClock(ClockOrigin(plant_ms=1000, monotonic_ns=now_ns[0], speed=8.0), lambda: now_ns[0])
    now_ns[0] += NS_A_SECOND
    assert clock.now_ms() == 9000
    assert clock.wall_s_until(13_000) == pytest.approx(0.5)
    clock.set_origin(ClockOrigin(plant_ms=0, monotonic_ns=now_ns[0], speed=8.0))
    assert clock.now_ms() == 9000


def test_a_killed_world_counts_from_the_same_origin_again(tmp_path: Path) -> None:
    first = start_clock(tmp_path / "clock", 8.0, 0, None)
    store_clock(tmp_path / "clock", first, stopped=False)
    assert start_clock(tmp_path / "clock", 8.0, 0, None).origin == first.origin


def test_plant_time_is_never_behind_the_log(tmp_path: Path) -> None:
    first = start_clock(tmp_path / "clock", 8.0, 0, 1000)
    store_clock(tmp_path / "clock", first, stopped=True)
    assert start_clock(tmp_path / "clock", 1.0, 7_000_000, None).now_ms() >= 7_000_000
