"""Traffic: the named worst cases, each on the smallest track that has it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.traffic.tracks import Drivers, track, traffic
from wcs.plant.model import Vehicle
from wcs.traffic.grants import (
    AHEAD_MAX,
    AHEAD_MS,
    ASK_AGAIN_MS,
    DETOUR_AFTER_MS,
    ENOUGH_MS,
    NO_WAY,
    PATIENCE_MS,
    next_grant,
    rest_after,
)
from wcs.traffic.homes import assign_homes, check_track, nearest_charger, travel_time_ms
from wcs.traffic.records import Grant, Refusal
from wcs.traffic.state import Traffic


def granted(state: Traffic, vehicle: str, now_ms: int = 0) -> tuple[str, ...]:
    answer = next_grant(state, vehicle, now_ms)
    assert isinstance(answer, Grant), answer
    state.grant(answer, now_ms)
    return answer.nodes


def refused(state: Traffic, vehicle: str, now_ms: int = 0) -> Refusal:
    answer = next_grant(state, vehicle, now_ms)
    assert isinstance(answer, Refusal), answer
    return answer


def one_ring() -> Traffic:
    """A one-way ring of six nodes; three homes on spurs of it."""
    ring = track(["A>B>C>D>E>F>A", "A-H1", "C-H2", "E-H3"], parking=["H1", "H2", "H3"], charging=["H1", "D"])
    return traffic(ring, V1="H1", V2="H2", V3="H3")


def one_two_way_lane() -> Traffic:
    """Two homes at the ends of a lane in which nobody can pass."""
    return traffic(track(["H1-A-B-C-D-H2"], parking=["H1", "H2"]), V1="H1", V2="H2")


def test_a_stretch_has_at_most_four_nodes_and_extends_while_driving() -> None:
    state = one_ring()
    state.set_errand("V1", "F", 0)
    assert granted(state, "V1") == ("A", "B", "C", "D")
    assert refused(state, "V1").reason == "holds enough of its way"
    state.confirm("V1", "B", 2000)
    assert state.held_by("H1") is None
    assert state.held_by("A") is None
    assert state.held_by("B") == "V1"
    assert granted(state, "V1", 2000) == ("E", "F")
    assert refused(state, "V1").reason == "holds enough of its way"
    state.confirm("V1", "E", 5000)
    assert refused(state, "V1").reason == "arrived"


def test_a_vehicle_holds_the_next_node_and_some_seconds_beyond() -> None:
    state = traffic(track(["H1>A>B>C>D>E>F>G>I>J>K>H1"], parking=["H1"]), V1="H1")
    state.set_errand("V1", "K", 0)
    now_ms = 0
    while state.vehicles["V1"].node != "K":
        answer = next_grant(state, "V1", now_ms)
        if isinstance(answer, Grant):
            state.grant(answer, now_ms)
        beyond_ms = 1000 * (len(state.vehicles["V1"].ahead) - 1)
        assert min(ENOUGH_MS, 1000 * (10 - now_ms // 1000 - 1)) <= beyond_ms <= AHEAD_MS
        now_ms += 1000
        state.confirm("V1", state.vehicles["V1"].ahead[0], now_ms)


def test_on_a_track_of_short_lanes_no_more_than_two_stretches_are_held() -> None:
    lane = track(["H1>A>B>C>D>E>F>G>I>J>K>H1"], parking=["H1"])
    short = replace(lane, edges=tuple(replace(edge, length_mm=100) for edge in lane.edges))
    state = traffic(short, V1="H1")
    state.set_errand("V1", "K", 0)
    granted(state, "V1")
    granted(state, "V1")
    assert refused(state, "V1").reason == "holds enough of its way"
    assert len(state.vehicles["V1"].ahead) == AHEAD_MAX


def test_confirming_a_later_node_releases_all_before_it() -> None:
    state = one_ring()
    state.set_errand("V1", "D", 0)
    granted(state, "V1")
    state.confirm("V1", "C", 3000)
    assert [state.held_by(node) for node in "ABCD"] == [None, None, "V1", "V1"]
    state.confirm("V1", "D", 4000)
    assert state.vehicles["V1"].sink is None


def test_a_node_that_was_never_granted_cannot_be_confirmed() -> None:
    state = one_ring()
    with pytest.raises(ValueError, match="V1 is at D, but was led along H1"):
        state.confirm("V1", "D", 0)


def test_a_refusal_names_who_holds_what() -> None:
    state = one_ring()
    state.set_errand("V1", "B", 0)
    granted(state, "V1")
    state.confirm("V1", "B", 2000)
    state.set_errand("V3", "C", 2000)
    assert granted(state, "V3", 2000) == ("E", "F", "A")
    state.confirm("V3", "E", 3000)
    answer = refused(state, "V3", 3000)
    assert (answer.reason, answer.node, answer.held_by, answer.until_ms) == ("held", "B", "V1", None)
    state.confirm("V3", "A", 5000)
    assert refused(state, "V3", 5000).until_ms == 5000 + DETOUR_AFTER_MS


def test_vehicles_do_not_enter_a_two_way_lane_head_on() -> None:
    state = traffic(track(["H1-A", "A-M-N-B", "B-H2", "A-X", "B-Y"], parking=["H1", "H2"]), V1="H1", V2="H2")
    state.set_errand("V1", "Y", 0)
    state.set_errand("V2", "X", 0)
    granted(state, "V1")
    answer = refused(state, "V2")
    assert answer.held_by == "V1"
    drivers = Drivers(state, {})
    drivers.run(100)
    assert sorted(drivers.done) == [("V1", "Y"), ("V2", "X")]


def test_two_that_want_to_the_other_end_of_a_lane_both_arrive() -> None:
    state = one_two_way_lane()
    drivers = Drivers(state, {"V1": ["D"], "V2": ["A"]})
    drivers.run(200)
    assert sorted(drivers.done) == [("V1", "D"), ("V2", "A")]


def test_a_full_ring_keeps_moving() -> None:
    state = one_ring()
    drivers = Drivers(state, {"V1": ["F", "C", "B"], "V2": ["B", "A", "F"], "V3": ["D", "E", "A"]})
    drivers.run(400)
    assert len(drivers.done) == 9


def test_the_last_vehicle_that_would_lock_a_ring_waits_outside() -> None:
    ring = track(["A>B>C>A", "A-H1", "B-H2", "C-H3"], parking=["H1", "H2", "H3"])
    state = traffic(ring, V1="H1@A", V2="H2@C", V3="H3")
    # V1 at A lives behind A, V2 at C lives behind B: V3 has its home behind C, which V2 can leave.
    state.set_errand("V3", "B", 0)
    assert refused(state, "V3").held_by == "V2"
    drivers = Drivers(state, {"V1": ["C", "B"], "V2": ["A"], "V3": []})
    drivers.run(400)
    assert len(drivers.done) == 4


def test_at_a_crossing_one_waits_for_the_other() -> None:
    cross = track(["H1>W>X>E>Q>H1", "H2>N>X>S>R>H2", "E>R", "S>Q"], parking=["H1", "H2"])
    state = traffic(cross, V1="H1", V2="H2")
    state.set_errand("V1", "E", 0)
    state.set_errand("V2", "S", 0)
    assert granted(state, "V1") == ("W", "X", "E")
    assert granted(state, "V2") == ("N",)
    answer = refused(state, "V2")
    assert (answer.node, answer.held_by) == ("X", "V1")
    state.confirm("V1", "E", 3000)
    assert granted(state, "V2", 3000) == ("X", "S")


def test_a_vehicle_parked_in_a_dead_end_comes_out_when_another_wants_in() -> None:
    spur = track(["A>B>C>D>A", "B-P-Q", "A-H1", "D-H2"], parking=["H1", "H2"])
    state = traffic(spur, V1="H1", V2="H2@Q")
    state.set_errand("V1", "Q", 0)
    assert granted(state, "V1") == ("A",)
    assert refused(state, "V1").reason == "another comes towards it"
    drivers = Drivers(state, {})
    drivers.run(200)
    assert drivers.done == [("V1", "Q")]


def test_ways_lead_around_a_vehicle_out_of_service() -> None:
    fork = track(["H1-A", "A>B>D", "A>C>E>G>I>J>K>L>M>D", "D>F>A", "D-H2"], parking=["H1", "H2"])
    state = traffic(fork, V1="H1", V2="H2@B")
    state.set_errand("V1", "D", 0)
    assert state.route("V1") == ("A", "B", "D")
    state.set_able("V2", False, 0)
    assert state.route("V1") == ("A", *"CEGIJKLM", "D")
    assert refused(state, "V2").reason == "out of service"
    state.set_able("V2", True, 0)
    assert state.route("V1") == ("A", "B", "D")


def test_ways_lead_around_a_closed_node_or_edge() -> None:
    fork = track(["H1-A", "A>B>D", "A>C>E>D", "D>F>A"], parking=["H1"])
    state = traffic(fork, V1="H1")
    state.set_errand("V1", "D", 0)
    state.set_closed(frozenset(), frozenset({("A", "B")}))
    assert state.route("V1") == ("A", "C", "E", "D")
    state.set_closed(frozenset({"C"}), frozenset())
    assert state.route("V1") == ("A", "B", "D")
    state.set_closed(frozenset({"C", "B"}), frozenset())
    assert refused(state, "V1").reason == NO_WAY
    with pytest.raises(ValueError, match="no edge from B to A"):
        state.set_closed(frozenset(), frozenset({("B", "A")}))


def test_after_waiting_a_vehicle_drives_around_one_that_stands() -> None:
    fork = track(["H1-A", "A>B>D", "A>C>E>G>I>J>K>L>M>D", "D>F>A", "D-H2"], parking=["H1", "H2"])
    state = traffic(fork, V1="H1@A", V2="H2@B")
    state.set_errand("V1", "D", 0)
    answer = refused(state, "V1")
    assert (answer.held_by, answer.until_ms) == ("V2", DETOUR_AFTER_MS)
    assert granted(state, "V1", DETOUR_AFTER_MS) == tuple("CEGI")


def test_a_vehicle_that_cannot_be_passed_gives_the_reason_until_it_moves() -> None:
    state = one_two_way_lane()
    state.stop("V2", "C", 0)
    state.set_able("V2", False, 0)
    state.set_errand("V1", "D", 0)
    assert refused(state, "V1", 60_000).reason == NO_WAY
    state.set_able("V2", True, 0)
    state.set_errand("V2", "H2", 61_000)
    granted(state, "V2", 61_000)
    state.confirm("V2", "H2", 63_000)
    assert granted(state, "V1", 63_000) == ("A", "B", "C", "D")


def test_an_old_errand_is_not_starved_by_passing_traffic() -> None:
    busy = track(["A>B>C>D>A", "A-H1", "C-H2", "D-H3"], parking=["H1", "H2", "H3"])
    state = traffic(busy, V1="H1", V2="H2", V3="H3")
    drivers = Drivers(state, {"V1": ["B"], "V2": ["A", "D"] * 40, "V3": ["B", "C"] * 40})
    while ("V1", "B") not in drivers.done:
        drivers.step(lambda name: False)
        assert drivers.steps < 700


def test_a_stopped_vehicle_holds_only_where_it_stands() -> None:
    state = one_ring()
    state.set_errand("V1", "D", 0)
    granted(state, "V1")
    state.stop("V1", "B", 2000)
    assert [state.held_by(node) for node in "ABCD"] == [None, "V1", None, None]
    with pytest.raises(ValueError, match="which V1 holds"):
        state.stop("V2", "B", 2000)


def test_the_state_built_again_from_its_records_answers_alike() -> None:
    state = one_ring()
    drivers = Drivers(state, {"V1": ["F", "C"], "V2": ["B", "A"], "V3": ["D", "E"]})
    for _ in range(12):
        drivers.step(lambda name: False)
        again = Traffic(state.track, state.vehicles.values())
        assert again.waiting() == state.waiting()
        for name in state.names:
            now_ms = drivers.now_ms + PATIENCE_MS
            assert next_grant(again, name, now_ms) == next_grant(state, name, now_ms)


def test_an_errand_to_the_home_of_another_is_refused() -> None:
    with pytest.raises(ValueError, match="H2 is the home of V2"):
        one_ring().set_errand("V1", "H2", 0)


def test_the_nearest_charger_is_free_and_nobody_elses_home() -> None:
    state = one_ring()
    assert nearest_charger(state, "V1") == "H1"
    assert nearest_charger(state, "V2") == "D"
    assert travel_time_ms(state, "V2", "D") == 2000
    state.set_errand("V3", "D", 0)
    assert nearest_charger(state, "V2") is None


def test_a_track_where_a_home_lies_on_the_way_is_found() -> None:
    assert check_track(one_ring().track, {"V1": "H1", "V2": "H2", "V3": "H3"}) == ()
    findings = check_track(track(["A>B>C>A"], parking=["B", "C"]), {"V1": "B", "V2": "C"})
    assert findings[0] == "V1 cannot drive from its home B to A but through another's home"


def test_every_vehicle_gets_a_home_of_its_own() -> None:
    def vehicle(name: str, node: str) -> Vehicle:
        return Vehicle(
            name=name,
            start_node=node,
            speed_mm_s=1000,
            accel_mm_s2=500,
            handling_ms=1000,
            battery_wh=100,
            drain_wh_per_km=1,
            charge_w=1,
        )

    ring = one_ring().track
    assert assign_homes(ring, [vehicle("V1", "B"), vehicle("V2", "H2")]) == {"V1": "H3", "V2": "H2"}
    with pytest.raises(ValueError, match="no parking node for V4"):
        assign_homes(ring, [vehicle(f"V{n}", "A") for n in range(1, 5)])


def test_an_errand_leads_past_one_who_stands_on_the_quickest_way() -> None:
    streets = track(["S>A>B>T", "S>C>D>E>T", "T>H1>S", "A-H2"], parking=["H1", "H2"])
    state = traffic(streets, V1="H1@S", V2="H2@B")
    state.set_errand("V1", "T", 0)
    assert granted(state, "V1") == ("C", "D", "E", "T")
    nobody = traffic(streets, V1="H1@S", V2="H2")
    nobody.set_errand("V1", "T", 0)
    assert granted(nobody, "V1") == ("A", "B", "T")


def test_who_would_close_a_ring_of_vehicles_that_wait_for_each_other_stays_outside() -> None:
    """A, B, C, D is a one-way ring with homes beside it. V2, V3, V4 stand on B, C, D and want to A, B, C each."""
    lanes = ["A>B>C>D>A", *(f"{node}-H{n}" for n, node in enumerate("ABCD", 1))]
    state = traffic(track(lanes, parking=["H1", "H2", "H3", "H4"]), V1="H1", V2="H2@B", V3="H3@C", V4="H4@D")
    for vehicle, sink in (("V2", "A"), ("V3", "B"), ("V4", "C"), ("V1", "C")):
        state.set_errand(vehicle, sink, 0)
    assert refused(state, "V1").reason == "others wait for it and it would wait for them"
    assert granted(state, "V4") == ("A",)


def test_who_stands_is_asked_again_after_a_second_and_who_drives_at_its_next_node() -> None:
    state = one_ring()
    state.set_errand("V1", "F", 0)
    granted(state, "V1")
    assert rest_after(state, refused(state, "V1"), 0) == ("", None)
    state.set_errand("V2", "D", 0)
    answer = refused(state, "V2")
    assert (answer.node, answer.held_by) == ("C", "V1")
    assert rest_after(state, answer, 500) == ("C", 500 + ASK_AGAIN_MS)
