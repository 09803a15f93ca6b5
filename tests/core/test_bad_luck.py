"""Bad luck in the twin: whatever the building does, the load is kept on the book and the work goes on another way."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.core.warehouses import HOUR_MS, Site
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import facts as f
from wcs.core.ports import DeviceState, DoneEntry, OperatingMode, ResultCode, StatusChanged
from wcs.core.turn import RequestRefused
from wcs.plant.model import LOST

MINUTE_MS = 60_000


def site_with_stock(*, people: bool = True) -> Site:
    site = Site(people=people)
    site.start()
    site.skus("TEA")
    site.stock("A1-L-01-01-1", "TEA", 10)
    site.stock("A2-L-01-01-1", "TEA", 10, lot="L2")
    for place in ("A1-L-03-01-1", "A2-L-03-01-1", "A2-R-03-01-1"):
        site.stock(place)
    return site


def ships(site: Site, number: str = "SO1") -> None:
    """The order ships in the end, and the paper is the world."""
    site.run_until_ended()
    assert site.order_state(number) is e.OrderState.SHIPPED, site.report()
    site.run_until_quiet()
    site.check_paper_is_world()


def open_task_of(site: Site, device: str) -> e.OpenTask | None:
    number = site.state.task_of_device.get(device)
    return None if number is None else site.state.task[number]


def run_until_carried_to(site: Site, is_sink: str = "") -> e.OpenTask:
    """Until a crane works on a transfer: into a rack, or to the place given."""
    found: list[e.OpenTask] = []

    def at_work() -> bool:
        found[:] = [
            t for t in site.state.task
            if t.device in site.state.layout.cranes and t.sink
            and (t.sink == is_sink if is_sink else site.state.layout.is_location(t.sink))
        ]  # fmt: skip
        return bool(found)

    site.run_until(at_work)
    return found[0]


def machine_state(site: Site, device: str) -> DeviceState:
    return site.twin.machine_of(device).snapshot(device).status.state


def alarms(site: Site, code: str) -> list[e.Alarm]:
    return [
        x.alarm for x in site.facts_of(f.AlarmRaised) if isinstance(x, f.AlarmRaised) and x.alarm.code == code
    ]  # fmt: skip


def deliver(site: Site, *, number: str = "DL1", quantity: int = 10, barcode: str = "T700001", lot: str = "D1") -> None:
    line = e.DeliveryLine(delivery=number, line=1, barcode=barcode, sku="TEA", lot=lot, quantity=quantity)
    site.twin.handle(v.DeliveryNotified(at_ms=site.twin.now_ms, actor="erp", number=number, lines=(line,)))


def test_a_bin_found_occupied_is_blocked_and_the_load_goes_to_another() -> None:
    site = site_with_stock()
    deliver(site)
    task = run_until_carried_to(site)
    site.foreign_load(task.sink)
    site.run_until(lambda: bool(alarms(site, "sink_occupied")))
    assert task.sink in site.state.block
    site.run_until_quiet()
    place = site.state.load_unit[task.task.load_id].place
    assert site.state.layout.is_location(place)
    assert place != task.sink
    site.check_paper_is_world()


def test_a_bin_found_empty_loses_the_load_unit_and_the_order_ships_from_another() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))
    source = next(iter(site.state.reservation)).load_unit
    place = site.state.load_unit[source].place
    site.world.move(source, place, LOST, by="thief", now_ms=site.twin.now_ms)
    ships(site)
    assert site.state.load_unit[source].place == LOST
    assert alarms(site, "source_empty")


def test_a_load_that_is_not_read_once_is_read_the_next_time_round() -> None:
    site = site_with_stock()
    deliver(site)
    site.twin.inject("CV1", "no_read", point="ID1", count=1)
    site.run_until(lambda: any(line.received for line in site.state.delivery_line))
    site.run_until_quiet()
    assert not alarms(site, "clarification")
    assert site.state.layout.is_location(site.state.load_unit[700_001].place)


def test_a_load_that_is_never_read_is_clarified_and_brought_back_by_the_operator() -> None:
    site = site_with_stock()
    deliver(site)
    site.twin.inject("CV1", "no_read", point="ID1", count=2)
    site.run_until(lambda: bool(alarms(site, "clarification")))
    site.run_until(lambda: site.state.layout.is_location(site.state.load_unit[700_001].place))
    site.run_until_quiet()
    site.check_paper_is_world()


@pytest.mark.parametrize("wrong", ["weight", "contour"])
def test_a_load_with_wrong_measures_is_clarified_with_what_was_measured(wrong: str) -> None:
    site = site_with_stock(people=False)
    deliver(site)
    height = 320 if wrong == "weight" else 900
    arrive(site, "T700001", told_mass_g=4_000, mass_g=9_000 if wrong == "weight" else 4_000, height_mm=height)
    site.run_until(lambda: bool(alarms(site, "clarification")))
    assert wrong in alarms(site, "clarification")[0].text
    assert " g, " in alarms(site, "clarification")[0].text
    site.run_until(lambda: site.world.place_of(700_001) == "CLAR")


def arrive(site: Site, barcode: str, *, told_mass_g: int, mass_g: int, height_mm: int) -> None:
    """A load at the door that is not what the paper says."""
    load = site.foreign_load_at_door(int(barcode[1:]), barcode, mass_g, height_mm)
    site.twin.handle(
        v.LoadUnitArrived(
            at_ms=site.twin.now_ms, actor="test", delivery="DL1", barcode=barcode, place="D1.IN1", quantity=10,
            load_type=1, mass_g=told_mass_g, height_mm=320, load_unit=load.number,
        )
    )  # fmt: skip


def test_an_unknown_load_unit_on_the_belt_is_clarified() -> None:
    site = site_with_stock(people=False)
    site.foreign_load("ST1.PUT", 800_001)
    site.run_until(lambda: site.world.place_of(800_001) == "CLAR")
    assert "unknown" in alarms(site, "clarification")[0].text


def test_a_full_warehouse_stops_intake_and_says_so() -> None:
    site = Site(people=False)
    site.start()
    site.skus("TEA")
    for aisle in ("A1", "A2"):
        for side in "LR":
            for bay in range(1, 6):
                for level in range(1, 5):
                    site.stock(f"{aisle}-{side}-{bay:02}-{level:02}-1", "TEA", 1)
    deliver(site)
    with pytest.raises(RequestRefused, match="full"):
        arrive(site, "T700001", told_mass_g=4_000, mass_g=4_000, height_mm=320)


@pytest.mark.parametrize("state", ["TO_PICK", "PICKING", "TO_DEPOSIT", "DEPOSITING"])
def test_a_crane_that_fails_in_any_step_is_reset_and_the_order_ships(state: str) -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))
    run_until_crane_is(site, state)
    site.twin.inject(crane_in(site, state), "fault", alarm="axis")
    ships(site)
    assert alarms(site, "device_fault")


def crane_in(site: Site, state: str) -> str:
    return next((c for c in site.state.layout.cranes if machine_state(site, c) is DeviceState[state]), "")


def run_until_crane_is(site: Site, state: str) -> str:
    site.run_until(lambda: bool(crane_in(site, state)))
    return crane_in(site, state)


@pytest.mark.parametrize("wiped", [False, True], ids=["memory kept", "memory wiped"])
@pytest.mark.parametrize("state", ["TO_PICK", "PICKING", "TO_DEPOSIT", "DEPOSITING", "DONE"])
def test_a_crane_plc_that_restarts_in_any_step_makes_each_move_once(state: str, wiped: bool) -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))
    crane = run_until_crane_is(site, state)
    site.twin.restart(crane, wiped=wiped)
    ships(site)


@pytest.mark.parametrize("wiped", [False, True], ids=["memory kept", "memory wiped"])
@pytest.mark.parametrize("device", ["V1", "CV1", "DK1"])
def test_any_plc_that_restarts_under_way_makes_each_move_once(device: str, wiped: bool) -> None:
    site = site_with_stock()
    deliver(site)
    site.order("SO1", ("TEA", 2))
    for _ in range(4):
        site.run_for(25_000)
        site.twin.restart(device, wiped=wiped)
    ships(site)


def test_a_device_lost_in_mid_task_keeps_it_and_is_one_alarm_and_one_return() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))
    crane = run_until_crane_is(site, "TO_DEPOSIT")
    task = open_task_of(site, crane)
    assert task is not None
    site.twin.cut(crane, restored_after_ms=30_000)
    site.run_for(20_000)
    assert open_task_of(site, crane) is not None, "nobody else gets it"
    assert len(alarms(site, "device_lost")) == 1
    ships(site)
    assert not [a for a in site.state.alarm if a.code == "device_lost"]


def place_of(site: Site, unit: int) -> str:
    return site.state.load_unit[unit].place


def test_a_blocked_aisle_waits_and_works_when_it_is_free_again() -> None:
    site = site_with_stock()

    def block(*, blocked: bool) -> None:
        event = v.PlaceBlockRequested(
            at_ms=site.twin.now_ms, actor="operator", place="A1", blocked=blocked, reason="repair"
        )
        site.twin.handle(event)

    block(blocked=True)
    site.order("SO1", ("TEA", 12))
    behind = next(row.load_unit for row in site.state.reservation if place_of(site, row.load_unit).startswith("A1-"))
    site.run_for(10 * MINUTE_MS)
    assert place_of(site, behind) == "A1-L-01-01-1"
    block(blocked=False)
    ships(site)


def test_a_stalled_vehicle_raises_one_alarm_and_goes_on_when_it_is_pushed() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))
    site.run_until(lambda: machine_state(site, "V1") is DeviceState.TO_DEPOSIT)
    site.twin.inject("V1", "stall")
    site.run_for(5 * MINUTE_MS)
    assert [a.code for a in site.state.alarm if a.subject == "V1"] == ["vehicle_stalled"]
    assert not site.state.vehicle["V1"].able
    site.twin.inject("V1", "unstall")
    ships(site)
    assert not [a for a in site.state.alarm if a.subject == "V1"]


def test_a_vehicle_that_says_on_its_way_that_it_is_elsewhere_keeps_its_way_and_tells_an_operator() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))
    site.run_until(
        lambda: len(site.state.vehicle["V1"].ahead) > 0 and machine_state(site, "V1") is DeviceState.TO_DEPOSIT
    )
    held = (site.state.vehicle["V1"].node, *site.state.vehicle["V1"].ahead)
    elsewhere = next(node for node in site.state.layout.nodes.values() if node.name not in held)
    status = site.twin.machine_of("V1").status("V1")
    wrong = replace(status, confirmed=(elsewhere.number, 0, 0))
    said = StatusChanged(device="V1", status=wrong, battery_permille=1000)
    site.twin.handle(v.DeviceReported(at_ms=site.twin.now_ms, report=said))
    assert (site.state.vehicle["V1"].node, *site.state.vehicle["V1"].ahead) == held
    assert [a.code for a in site.state.alarm if a.subject == "V1"] == ["vehicle_mislocated"]
    site.run_until(lambda: not [a for a in site.state.alarm if a.subject == "V1"])
    ships(site)


def test_a_person_says_that_a_standing_vehicle_is_where_it_says() -> None:
    site = site_with_stock(people=False)
    site.run_until_quiet()
    node = next(n for n in site.state.layout.nodes.values() if not n.parking and not site.state.traffic.held_by(n.name))
    status = replace(site.twin.machine_of("V1").status("V1"), confirmed=(node.number, 0, 0))
    said = StatusChanged(device="V1", status=status, battery_permille=1000)
    home = site.state.vehicle["V1"].node
    site.twin.handle(v.DeviceReported(at_ms=site.twin.now_ms, report=said))
    assert site.state.vehicle["V1"].node == home
    alarm = next(a for a in site.state.alarm if a.code == "vehicle_mislocated")
    site.twin.handle(v.AlarmAnswered(at_ms=site.twin.now_ms, actor="Li", alarm=alarm.number, answer="done"))
    assert site.state.vehicle["V1"].node == node.name


def test_a_vehicle_that_people_drove_by_hand_is_believed() -> None:
    site = site_with_stock(people=False)
    site.run_until_quiet()
    node = next(n for n in site.state.layout.nodes.values() if not n.parking and not site.state.traffic.held_by(n.name))
    status = site.twin.machine_of("V1").status("V1")
    moved = replace(status, confirmed=(node.number, 0, 0), mode=OperatingMode.MANUAL)
    said = StatusChanged(device="V1", status=moved, battery_permille=1000)
    site.twin.handle(v.DeviceReported(at_ms=site.twin.now_ms, report=said))
    assert site.state.vehicle["V1"].node == node.name
    assert not [a for a in site.state.alarm if a.code == "vehicle_mislocated"]


def test_a_vehicle_that_says_otherwise_as_people_hand_it_back_is_believed() -> None:
    site = site_with_stock(people=False)
    site.run_until_quiet()
    home = site.state.vehicle["V1"].node
    node = next(n for n in site.state.layout.nodes.values() if not n.parking and not site.state.traffic.held_by(n.name))
    right = site.twin.machine_of("V1").status("V1")
    wrong = replace(right, confirmed=(node.number, 0, 0), mode=OperatingMode.MANUAL)
    for status in (wrong, right):
        said = StatusChanged(device="V1", status=status, battery_permille=1000)
        site.twin.handle(v.DeviceReported(at_ms=site.twin.now_ms, report=said))
    assert site.state.vehicle["V1"].node == home
    assert not list(site.state.alarm)


def test_a_vehicle_that_people_pushed_in_mid_way_holds_where_it_stands_and_its_way_until_its_task_has_ended() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))
    site.run_until(lambda: bool(site.state.vehicle["V1"].ahead) and machine_state(site, "V1") is DeviceState.TO_DEPOSIT)
    site.twin.inject("V1", "mode", mode="manual")
    site.run_until(lambda: site.state.device["V1"].stopped == "paused")
    row = site.state.vehicle["V1"]
    held = (row.node, *row.ahead)
    pushed_to = next(node for node in site.state.layout.nodes.values() if node.name not in held)

    def says(**words: object) -> None:
        status = replace(site.twin.machine_of("V1").status("V1"), confirmed=(pushed_to.number, 0, 0), **words)
        said = StatusChanged(device="V1", status=status, battery_permille=1000)
        site.twin.handle(v.DeviceReported(at_ms=site.twin.now_ms, report=said))

    says()
    assert [site.state.traffic.held_by(node) for node in (pushed_to.name, *held)] == ["V1"] * (1 + len(held))
    ring = (DoneEntry(task_number=site.state.device["V1"].task, result=ResultCode.CANCELLED_EMPTY),)
    says(state=DeviceState.IDLE, active_task=0, done_ring=ring, mode=OperatingMode.AUTOMATIC, ready=True)
    assert site.state.vehicle["V1"].node == pushed_to.name
    assert site.state.traffic.held_by(row.node) is None


def test_a_stalled_vehicle_whose_task_is_taken_from_it_drives_again() -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))
    site.run_until(lambda: machine_state(site, "V1") is DeviceState.TO_DEPOSIT)
    site.twin.inject("V1", "stall")
    site.run_until(lambda: any(a.code == "vehicle_stalled" for a in site.state.alarm))
    site.twin.restart("V1", wiped=True)  # it forgets its task, and stands where it stood
    site.twin.inject("V1", "unstall")
    ships(site)
    assert not [a for a in site.state.alarm if a.subject == "V1"]


@pytest.mark.parametrize("the_host_sleeps", [False, True])
def test_a_vehicle_that_was_away_for_long_is_not_called_stalled(the_host_sleeps: bool) -> None:
    site = site_with_stock()
    site.order("SO1", ("TEA", 2))
    site.run_until(lambda: machine_state(site, "V1") is DeviceState.TO_DEPOSIT)
    site.twin.inject("V1", "stall")
    site.twin.cut("V1", restored_after_ms=10 * MINUTE_MS)
    if the_host_sleeps:
        site.run_for(5 * MINUTE_MS)
        site.twin.host_restarts()
    site.run_for(11 * MINUTE_MS if not the_host_sleeps else MINUTE_MS // 2)
    assert not [a for a in site.state.alarm if a.code == "vehicle_stalled"]
    site.twin.inject("V1", "unstall")
    ships(site)


@pytest.mark.parametrize("answer", ["at_source", "on_device", "at_sink", "gone"])
def test_an_unknown_outcome_is_booked_as_the_person_says(answer: str) -> None:
    site = site_with_stock(people=False)
    site.order("SO1", ("TEA", 2))
    task = run_until_carried_to(site, "A1.OUT")
    state = {"at_source": "TO_PICK", "on_device": "TO_DEPOSIT", "at_sink": "DEPOSITING", "gone": "TO_DEPOSIT"}[answer]
    site.run_until(lambda: machine_state(site, "CR1") is DeviceState[state])
    if answer == "at_sink":
        site.run_until(lambda: site.world.place_of(task.task.load_id) == "A1.OUT")
    if answer == "gone":
        site.world.move(task.task.load_id, "CR1", LOST, by="fell off", now_ms=site.twin.now_ms)
    site.twin.restart("CR1", wiped=True)
    site.run_until(lambda: any(a.code == "outcome_unknown" and a.task == task.number for a in site.state.alarm))
    alarm = next(a for a in site.state.alarm if a.code == "outcome_unknown")
    site.twin.handle(v.AlarmAnswered(at_ms=site.twin.now_ms, actor="test", alarm=alarm.number, answer=answer))
    unit = site.state.load_unit[task.task.load_id]
    wanted = {"at_source": task.source, "on_device": "CR1", "at_sink": "A1.OUT", "gone": LOST}[answer]
    assert unit.place == wanted or (answer == "at_sink" and unit.place == "CV")
    assert task.number not in site.state.task
    site.run_for(HOUR_MS // 10)
    site.check_paper_is_world()


def test_an_unknown_answer_is_refused() -> None:
    site = site_with_stock(people=False)
    with pytest.raises(RequestRefused, match="no open alarm"):
        site.twin.handle(v.AlarmAnswered(at_ms=site.twin.now_ms, actor="test", alarm=99, answer="gone"))


def test_a_foreign_device_is_frozen_until_a_person_takes_it_over() -> None:
    site = site_with_stock(people=False)
    machine = site.twin.machine_of("CR1")
    memory = machine.memory()
    foreign = type(memory)(**{**{n: getattr(memory, n) for n in memory.__struct_fields__}, "latched_epoch": 7})
    site.twin.cut("CR1", restored_after_ms=2_000)
    machine.restart(foreign, site.twin.now_ms)
    site.run_until(lambda: site.state.device["CR1"].link is e.Link.FROZEN)
    sent = len([x for x in site.facts_of(f.CommandIssued) if isinstance(x, f.CommandIssued) and x.device == "CR1"])
    site.order("SO1", ("TEA", 2))
    site.run_for(MINUTE_MS)
    later = [x for x in site.facts_of(f.CommandIssued) if isinstance(x, f.CommandIssued) and x.device == "CR1"]
    assert len(later) == sent, "nothing is sent to a frozen device"
    assert open_task_of(site, "CR1") is None
    (alarm,) = [a for a in site.state.alarm if a.code == "foreign_device"]
    site.twin.handle(v.AlarmAnswered(at_ms=site.twin.now_ms, actor="chief", alarm=alarm.number, answer="take_over"))
    site.run_until(lambda: site.state.device["CR1"].link is e.Link.SYNCHRONISED)
    site.run_until(lambda: open_task_of(site, "CR1") is not None)


def test_a_refused_task_is_offered_again_when_the_crane_is_able() -> None:
    site = site_with_stock()
    site.twin.machine_of("CR1").inject("mode", {"mode": "manual"}, site.twin.now_ms)  # nobody has been told yet
    site.order("SO1", ("TEA", 2))
    site.run_until(lambda: bool(site.facts_of(f.DeviceTaskRefused)) or site.state.device["CR1"].able is False)
    site.run_for(MINUTE_MS)
    site.twin.inject("CR1", "mode", mode="automatic")
    ships(site)


def test_a_late_report_of_a_closed_task_is_receipted() -> None:
    site = site_with_stock(people=False)
    site.order("SO1", ("TEA", 2))
    task = run_until_carried_to(site, "A1.OUT")
    site.run_until(lambda: machine_state(site, "CR1") is DeviceState.TO_DEPOSIT)
    site.twin.inject("CR1", "mode", mode="manual")
    site.world.move(task.task.load_id, "CR1", LOST, by="fell off", now_ms=site.twin.now_ms)
    site.run_until(lambda: site.state.device["CR1"].stopped == "paused")
    site.twin.inject("CR1", "mode", mode="automatic")
    site.run_until(lambda: any(a.code == "device_stopped" for a in site.state.alarm))
    answer(site, "device_stopped", "resume")
    site.run_until(lambda: any(a.code == "outcome_unknown" for a in site.state.alarm))
    site.twin.cut("CR1", restored_after_ms=MINUTE_MS)
    answer(site, "outcome_unknown", "gone")
    assert task.number not in site.state.task
    assert machine_state(site, "CR1") is DeviceState.DONE, "the PLC holds it until it is receipted"
    site.run_until(lambda: machine_state(site, "CR1") is DeviceState.IDLE, within_ms=2 * MINUTE_MS)
    site.check_paper_is_world()


def answer(site: Site, code: str, words: str) -> None:
    number = next(a.number for a in site.state.alarm if a.code == code)
    site.twin.handle(v.AlarmAnswered(at_ms=site.twin.now_ms, actor="test", alarm=number, answer=words))
