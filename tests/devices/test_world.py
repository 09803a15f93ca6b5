"""The world: a load has one place, a refusal changes nothing, and the log rebuilds it."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from devices.machines.machine import Load
from devices.machines.world import MemoryWorld, WorldLine, WorldRefused
from tests.devices.machine_plants import crane_plant
from wcs.plant.model import OUTSIDE

BIN = "A1-L-03-02-1"


def tote(number: int) -> Load:
    return Load(number=number, barcode=f"T{number}", load_type=1, mass_g=5_000, height_mm=300)


def test_a_load_moves_from_place_to_place_and_is_always_at_one() -> None:
    lines: list[WorldLine] = []
    world = MemoryWorld(crane_plant(), lines.append)
    world.place(tote(1), "A1.IN", by="dock worker", now_ms=10)
    world.move(1, "A1.IN", "CR1", by="CR1 task 4 PICK", now_ms=20)
    world.move(1, "CR1", BIN, by="CR1 task 4 DEPOSIT", now_ms=30)
    assert world.loads(BIN) == (tote(1),)
    assert world.loads("A1.IN") == world.loads("CR1") == ()
    assert [(line.sequence, line.time_ms, line.source, line.sink) for line in lines] == [
        (1, 10, OUTSIDE, "A1.IN"),
        (2, 20, "A1.IN", "CR1"),
        (3, 30, "CR1", BIN),
    ]
    assert lines[2].by == "CR1 task 4 DEPOSIT"


def test_a_single_place_refuses_a_second_load() -> None:
    lines: list[WorldLine] = []
    world = MemoryWorld(crane_plant(), lines.append)
    world.place(tote(1), BIN, by="test", now_ms=0)
    world.place(tote(2), "A1.IN", by="test", now_ms=0)
    with pytest.raises(WorldRefused, match="occupied by load 1"):
        world.move(2, "A1.IN", BIN, by="test", now_ms=1)
    assert world.place_of(2) == "A1.IN"
    assert len(lines) == 2


def test_a_conveyor_holds_many_loads_in_order_of_arrival() -> None:
    world = MemoryWorld(crane_plant())
    for number in (3, 1, 2):
        world.place(tote(number), "CV", by="test", now_ms=0)
    assert [load.number for load in world.loads("CV")] == [3, 1, 2]


@pytest.mark.parametrize("sink", ["A1-L-99-01-1", "nowhere", "A1-X-01-01-1"])
def test_a_place_that_the_plant_has_not_is_refused(sink: str) -> None:
    world = MemoryWorld(crane_plant())
    with pytest.raises(WorldRefused, match="no place"):
        world.place(tote(1), sink, by="test", now_ms=0)


def test_a_load_is_not_moved_from_where_it_is_not() -> None:
    world = MemoryWorld(crane_plant())
    world.place(tote(1), BIN, by="test", now_ms=0)
    with pytest.raises(WorldRefused, match=r"not at A1\.IN"):
        world.move(1, "A1.IN", "CR1", by="test", now_ms=0)
    with pytest.raises(WorldRefused, match="never seen"):
        world.move(9, "A1.IN", "CR1", by="test", now_ms=0)
    with pytest.raises(WorldRefused, match="already at"):
        world.place(tote(1), "A1.IN", by="test", now_ms=0)


def test_a_load_that_left_may_come_back() -> None:
    world = MemoryWorld(crane_plant())
    world.place(tote(1), "A1.IN", by="test", now_ms=0)
    world.move(1, "A1.IN", OUTSIDE, by="test", now_ms=0)
    world.place(tote(1), BIN, by="test", now_ms=0)
    assert world.place_of(1) == BIN
    assert world.loads(OUTSIDE) == ()


def test_a_log_that_cannot_be_written_undoes_the_move() -> None:
    def full_disk(line: WorldLine) -> None:
        raise OSError("no space left on device")

    world = MemoryWorld(crane_plant(), full_disk)
    with pytest.raises(OSError, match="no space"):
        world.place(tote(1), BIN, by="test", now_ms=0)
    assert world.loads(BIN) == ()
    assert world.sequence == 0


def test_listeners_and_watchers_hear_of_loads_and_wires() -> None:
    world = MemoryWorld(crane_plant())
    heard: list[str] = []
    world.subscribe(("A1.IN",), heard.append)
    changed = world.listen(("A1.IN",))
    world.place(tote(1), "A1.IN", by="test", now_ms=0)
    assert changed == {"A1.IN"}
    changed.clear()
    world.set_accepts("A1.IN", False)
    assert changed == {"A1.IN"}
    changed.clear()
    world.set_accepts("A1.IN", False)
    assert not changed
    world.set_engaged("A1.IN", True)
    world.place(tote(2), BIN, by="test", now_ms=0)
    assert heard == ["A1.IN"] * 3
    assert changed == {"A1.IN"}
    assert not world.accepts("A1.IN")
    assert world.accepts("A1.OUT")
    assert world.engaged("A1.IN")


def test_a_log_with_a_gap_is_refused() -> None:
    world = MemoryWorld(crane_plant())
    line = WorldLine(sequence=2, time_ms=0, number=1, source=OUTSIDE, sink=BIN, by="test", load=tote(1))
    with pytest.raises(WorldRefused, match="line 2 follows line 0"):
        world.replay([line])


class WorldAgainstADictionary(RuleBasedStateMachine):
    """Random moves against the dumbest world: a dictionary from load to place."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[WorldLine] = []
        self.world = MemoryWorld(crane_plant(), self.lines.append)
        self.model: dict[int, str] = {}

    places = st.sampled_from(["A1.IN", "A1.OUT", "CR1", "CV", BIN, OUTSIDE, "nowhere"])
    numbers = st.integers(1, 4)

    @rule(number=numbers, place=places)
    def place(self, number: int, place: str) -> None:
        possible = self.model.get(number, OUTSIDE) == OUTSIDE and self.takes(number, place)
        try:
            self.world.place(tote(number), place, by="test", now_ms=0)
        except WorldRefused:
            assert not possible
        else:
            assert possible
            self.model[number] = place

    @rule(number=numbers, source=places, sink=places)
    def move(self, number: int, source: str, sink: str) -> None:
        possible = self.model.get(number) == source and self.takes(number, sink)
        try:
            self.world.move(number, source, sink, by="test", now_ms=0)
        except WorldRefused:
            assert not possible
        else:
            assert possible
            self.model[number] = sink

    def takes(self, number: int, place: str) -> bool:
        standing = {other for other, at in self.model.items() if at == place} - {number}
        return place in ("CV", OUTSIDE) or (place != "nowhere" and not standing)

    @invariant()
    def every_load_is_where_the_model_says(self) -> None:
        assert self.world.contents() == self.model

    @invariant()
    def the_log_rebuilds_the_world(self) -> None:
        again = MemoryWorld(crane_plant())
        again.replay(self.lines)
        for place in ("A1.IN", "A1.OUT", "CR1", "CV", BIN, OUTSIDE):
            assert again.loads(place) == self.world.loads(place)


TestWorldAgainstADictionary = WorldAgainstADictionary.TestCase
