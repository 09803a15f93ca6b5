"""A loop of conveyors: never full, never locked up, and every load leaves it in the end."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.devices.conveyor_bench import LOOP, LOOP_SLOTS, ConveyorBench, loop, tote
from wcs.core.ports import CommandCode

FILLING_MS = 60_000  # by then whatever finds room has found it
PATIENCE_TURNS = 40  # a turn is about 20 s; each load that may leave does so within a few


def loads_on_loop(bench: ConveyorBench) -> int:
    return sum(len(bench.at(name)) for name in LOOP)


def fill(bench: ConveyorBench, loads: int) -> None:
    """Offer loads at both entries as fast as they are taken."""
    number = 0
    while number < loads:
        bench.acknowledge(0)
        bench.acknowledge(2)
        for index, place in ((0, "IN"), (2, "IN2")):
            if number < loads and bench.transfer(index).ready_to_accept:
                number += 1
                bench.put(tote(number), place)
        bench.wait(bench.now_ms + 500)
        if bench.now_ms > FILLING_MS:
            return


def test_a_loop_without_decisions_keeps_one_slot_free_and_turns() -> None:
    bench = ConveyorBench(loop())
    fill(bench, 20)
    assert loads_on_loop(bench) == LOOP_SLOTS - 1
    turns = len(bench.times("N-M"))
    bench.wait(bench.now_ms + 60_000)
    assert len(bench.times("N-M")) > turns + 10
    assert loads_on_loop(bench) == LOOP_SLOTS - 1


def test_a_load_taken_off_the_loop_makes_room_for_a_waiting_one() -> None:
    bench = ConveyorBench(loop())
    fill(bench, 20)
    scan = bench.point("CV2").scan_sequence
    while bench.point("CV2").scan_sequence == scan:
        bench.wait(bench.now_ms + 100)
    bench.decide(2, device="CV2")
    bench.wait(bench.now_ms + 30_000)
    assert len(bench.at("OUT")) == 1
    assert loads_on_loop(bench) == LOOP_SLOTS - 1


def test_a_loop_behind_a_blocked_exit_goes_on_turning() -> None:
    bench = ConveyorBench(loop())
    fill(bench, 20)
    for _ in range(200):
        bench.decide(2, device="CV2")
        bench.wait(bench.now_ms + 500)
    assert (len(bench.at("OUT")), len(bench.at("D-OUT"))) == (1, 1)
    turns = len(bench.times("N-M"))
    for _ in range(200):
        bench.decide(2, device="CV2")
        bench.wait(bench.now_ms + 500)
    assert len(bench.times("N-M")) > turns + 10


ACTS = st.tuples(
    st.sampled_from(("IN", "IN2", "decide 1", "decide 2", "lift", "pause", "power", "wait")), st.integers(0, 6_000)
)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 12), st.lists(ACTS, max_size=60))
def test_whatever_comes_in_and_is_decided_the_loop_never_overflows_and_every_load_leaves_in_the_end(
    loads: int, acts: list[tuple[str, int]]
) -> None:
    bench = ConveyorBench(loop())
    fill(bench, loads)
    number = loads
    for act, pause_ms in acts:
        if act in ("IN", "IN2") and not bench.at(act):
            number += 1
            bench.put(tote(number), act)
        else:
            perform(bench, act)
        bench.wait(bench.now_ms + pause_ms)
        check(bench)
    for _ in range(PATIENCE_TURNS * 20):
        if len(bench.world.contents()) == sum(place == "outside" for place in bench.world.contents().values()):
            return
        perform(bench, "lift")
        bench.decide(2, device="CV2")
        bench.wait(bench.now_ms + 1_000)
        check(bench)
    raise AssertionError(f"still in the building: {bench.world.contents()}")


def perform(bench: ConveyorBench, act: str) -> None:
    match act:
        case "decide 1" | "decide 2":
            bench.decide(int(act[-1]), device="CV2")
        case "lift":
            for index in range(3):
                bench.acknowledge(index)
            for number in bench.at("OUT"):
                bench.lift(number, "OUT")
            bench.acknowledge(1)
        case "pause":
            bench.send(CommandCode.PAUSE, "CV2")
            bench.wait(bench.now_ms + 1_000)
            bench.send(CommandCode.RESUME, "CV2")
        case "power":
            bench.power_cycle(bench.machine.memory())
            bench.send_all(CommandCode.RESUME)
        case _:
            pass


def check(bench: ConveyorBench) -> None:
    """No segment above its capacity, one slot of the loop free, and every load's number its own."""
    assert loads_on_loop(bench) < LOOP_SLOTS
    for segment in bench.plan.segments:
        assert len(bench.at(segment.name)) <= segment.capacity
    tracks = [track for _, track in bench.machine.memory().flow.tracks]
    assert len(tracks) == len(set(tracks))
