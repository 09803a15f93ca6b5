"""Every plant that cannot work is refused, with the key and the reason: tiny, broken in one place at a time."""

from __future__ import annotations

import pytest

from tests.plant.breaking import (
    CV,
    NEW_STOP,
    POINTS,
    Break,
    Tables,
    add,
    both,
    change,
    drop,
    many_cranes,
    put,
    remove_edge,
    segment,
    transfer_point,
)
from wcs.plant.check import check_plant
from wcs.plant.file import plant_from
from wcs.plant.model import Plant

REFUSED: dict[str, tuple[Break, str, str]] = {
    # names
    "a doubled name": (change("docks", "D1", "name", to="ST1"), "docks.ST1", "the name ST1 is used twice"),
    "a point named like an order place": (
        change("stations", "ST1", "order_places", to=["ST1.O1", "CLAR"]),
        "stations.ST1.order_places",
        "the name CLAR is used twice, first by conveyors.CV.transfer_points.CLAR",
    ),
    "a reserved name": (change("load_types", "TOTE", "name", to="lost"), "load_types.lost", "reserved"),
    "the fleet's name for a crane": (change("vehicles", "V1", "name", to="VEHICLES"), "vehicles.VEHICLES", "reserved"),
    "a name that reads like a location": (change("docks", "D1", "name", to="A1-X"), "docks.A1-X", "storage location"),
    "a crane in an unknown aisle": (change("cranes", "CR1", "aisle", to="A9"), "cranes.CR1.aisle", "no aisle A9"),
    "a segment from nowhere": (
        change(*CV, "segments", "LOOP3", "origin", to="DA9"),
        "conveyors.CV.segments.LOOP3.origin",
        "no transfer point, point or merge DA9",
    ),
    "an exit by an unknown segment": (
        change(*POINTS, "DA1", "exits", "2", to="DA9.IN"),
        "conveyors.CV.points.DA1.exits.2",
        "no segment DA9.IN",
    ),
    "an exit by a segment that starts elsewhere": (
        change(*POINTS, "DA1", "exits", "2", to="DA2.IN"),
        "conveyors.CV.points.DA1.exits.2",
        "starts at DA2, not at DA1",
    ),
    "a point on another conveyor's device": (
        change(*POINTS, "DA1", "device", to="DK1"),
        "conveyors.CV.points.DA1.device",
        "CV has no device DK1",
    ),
    "a vehicle at an unknown node": (
        change("vehicles", "V1", "start_node", to="P9"),
        "vehicles.V1.start_node",
        "no track node P9",
    ),
    "a stop at an unknown transfer point": (
        change("track", "nodes", "N2", "stops", to=[{"level": 1, "transfer_point": "IN9"}]),
        "track.nodes.N2.stops",
        "no transfer point IN9",
    ),
    "an unknown clarification point": (change("clarification_points", to=["X"]), "clarification_points", "point X"),
    # words on the wire
    "two aisles with one number": (change("aisles", "A2", "number", to=1), "aisles.A2.number", "already A1's"),
    "two track nodes with one number": (
        change("track", "nodes", "N2", "number", to=1),
        "track.nodes.N2.number",
        "already N1's",
    ),
    "two stops on one level": (
        change("track", "nodes", "N3", "stops", to=[{"level": 1, "transfer_point": "IN1"}, NEW_STOP | {"level": 1}]),
        "track.nodes.N3.stops.A1.IN.level",
        "already IN1's",
    ),
    "an aisle number beyond its word": (
        change("aisles", "A1", "number", to=65536),
        "aisles.A1.number",
        "does not fit its word",
    ),
    "a deadline beyond its word": (
        change(*POINTS, "DA1", "deadline_ms", to=70000),
        "conveyors.CV.points.DA1.deadline_ms",
        "does not fit its word",
    ),
    "a side and depth beyond their word": (
        change("aisles", "A1", "depth", to=65520),
        "aisles.A1.depth",
        "does not fit",
    ),
    "a double-deep rack": (
        change("aisles", "A1", "depth", to=2),
        "aisles.A1.depth",
        "double-deep relocation is not built yet",
    ),
    "a device in two PLCs": (
        put("plcs", "PLC2", "devices", value="CR1"),
        "plcs.PLC2.devices",
        "CR1 has a block already, in PLC1",
    ),
    "a device twice in one PLC": (
        put("plcs", "PLC1", "devices", value="CR1"),
        "plcs.PLC1.devices",
        "CR1 has a block already",
    ),
    "a device in no PLC": (drop("plcs", "PLC1", "devices", "CR1"), "cranes.CR1", "CR1 belongs to no PLC"),
    "an unknown device in a PLC": (put("plcs", "PLC1", "devices", value="CR9"), "plcs.PLC1.devices", "no device CR9"),
    "a conveyor behind two PLCs": (
        both(drop("plcs", "PLC3", "devices", "CV2"), put("plcs", "PLC2", "devices", value="CV2")),
        "conveyors.CV.devices",
        "its blocks are in PLC2 and PLC3",
    ),
    "more blocks than Modbus has addresses": (many_cranes, "plcs.PLC2.devices", "256 devices"),
    "nine transfer points in a block": (
        both(transfer_point("X1", "CV1", 7), transfer_point("X2", "CV1", 7)),
        "conveyors.CV.transfer_points",
        "9 transfer points on CV1: a block has room for 8",
    ),
    "four points in a block": (
        change(*POINTS, "DST1", "device", to="CV1"),
        "conveyors.CV.points",
        "4 points on CV1: a block has room for 3",
    ),
    "a transfer point beyond its block": (
        change(*CV, "transfer_points", "CLAR", "index", to=8),
        "conveyors.CV.transfer_points.CLAR.index",
        "0 to 7",
    ),
    "a point beyond its block": (
        change(*POINTS, "DA1", "index", to=3),
        "conveyors.CV.points.DA1.index",
        "0 to 2",
    ),
    "two transfer points in one place of a block": (
        change(*CV, "transfer_points", "CLAR", "index", to=0),
        "conveyors.CV.transfer_points.CLAR.index",
        "index 0 of CV1 is already IN1's",
    ),
    "two points in one place of a block": (
        change(*POINTS, "DA2", "index", to=1),
        "conveyors.CV.points.DA2.index",
        "already DA1's",
    ),
    # belts
    "a segment without room": (
        change(*CV, "segments", "LOOP1", "capacity", to=0),
        "conveyors.CV.segments.LOOP1.capacity",
        "at least one load",
    ),
    "a segment to itself": (
        change(*CV, "segments", "LOOP9", "end", to="DOUT"),
        "conveyors.CV.segments.LOOP9.end",
        "starts and ends at DOUT",
    ),
    "a dead-end merge": (
        both(put(*CV, "merges", value="MX"), change(*CV, "segments", "DA1.IN", "end", to="MX")),
        "conveyors.CV.merges.MX",
        "dead end: no segment starts here",
    ),
    "a point without exits": (
        both(change(*POINTS, "DOUT", "exits", to={}), drop(*CV, "segments", "DOUT.1"), drop(*CV, "segments", "LOOP9")),
        "conveyors.CV.points.DOUT.exits",
        "dead end: no exit",
    ),
    "a ring of belts from which nothing leaves": (
        both(
            put(*CV, "merges", value="MX"),
            put(*CV, "merges", value="MY"),
            segment("X1", "MX", "MY"),
            segment("X2", "MY", "MX"),
            change(*CV, "segments", "DA1.IN", "end", to="MX"),
        ),
        "conveyors.CV.merges.MX",
        "dead end: no transfer point can be reached",
    ),
    "a merge that splits": (
        segment("X", "MIN", "CLAR"),
        "conveyors.CV.merges.MIN",
        "several segments start here",
    ),
    "a transfer point that splits": (
        segment("X", "IN1", "CLAR"),
        "conveyors.CV.transfer_points.IN1",
        "several segments start here",
    ),
    "a merge without arrivals": (
        both(put(*CV, "merges", value="MX"), segment("X", "MX", "CLAR")),
        "conveyors.CV.merges.MX",
        "no segment ends here",
    ),
    "a transfer point beside the belts": (
        transfer_point("X", "CV2", 2),
        "conveyors.CV.transfer_points.X",
        "no segment starts or ends here",
    ),
    "a segment that is no exit": (
        segment("X", "DA1", "CLAR"),
        "conveyors.CV.points.DA1.exits",
        "segment X starts here, but is no exit",
    ),
    "a missing default exit": (
        change(*POINTS, "DA1", "default_exit", to=7),
        "conveyors.CV.points.DA1.default_exit",
        "there is no exit 7",
    ),
    "a station without a default exit": (
        change(*POINTS, "ST1.PICK", "default_exit", to=0),
        "conveyors.CV.points.ST1.PICK.default_exit",
        "there is no exit 0",
    ),
    "a default exit into a rack": (
        change(*POINTS, "DA1", "default_exit", to=2),
        "conveyors.CV.points.DA1.default_exit",
        "leads to no identification point and no clarification lane: DA1 - A1.IN",
    ),
    "a default exit that leads into another point's wrong default": (
        change(*POINTS, "DST1", "default_exit", to=2),
        "conveyors.CV.points.DA2.default_exit",
        "DA2 - MA2 - DST1 - ST1.PICK",
    ),
    "a loop on which nobody identifies": (
        change(*POINTS, "ID1", "kind", to="decision"),
        "conveyors.CV.points.DA1.default_exit",
        "leads to no identification point",
    ),
    "a decision for which loads wait for ever": (
        change(*POINTS, "DA1", "deadline_ms", to=0),
        "conveyors.CV.points.DA1.deadline_ms",
        "only at stations",
    ),
    "a station that does not wait": (
        change(*POINTS, "ST1.PICK", "deadline_ms", to=2000),
        "conveyors.CV.points.ST1.PICK.deadline_ms",
        "its deadline is 0",
    ),
    "an identification point without a scanner": (
        change(*POINTS, "ID1", "scanner", to=False),
        "conveyors.CV.points.ID1.scanner",
        "has a scanner",
    ),
    # machines
    "an aisle without a crane": (
        both(drop("cranes", "CR1"), drop("plcs", "PLC1", "devices", "CR1")),
        "aisles.A1",
        "no crane runs in this aisle",
    ),
    "two cranes in one aisle": (change("cranes", "CR2", "aisle", to="A1"), "aisles.A1", "2 cranes in one aisle"),
    "a crane that cannot store": (
        change(
            "cranes", "CR1", "transfer_points", to=[{"number": 2, "transfer_point": "A1.OUT", "x_mm": 0, "y_mm": 0}]
        ),
        "cranes.CR1.transfer_points",
        "no inbound transfer point",
    ),
    "a crane that cannot retrieve": (
        change("cranes", "CR1", "transfer_points", to=[{"number": 1, "transfer_point": "A1.IN", "x_mm": 0, "y_mm": 0}]),
        "cranes.CR1.transfer_points",
        "no outbound transfer point",
    ),
    "two cranes at one transfer point": (
        put(
            "cranes",
            "CR2",
            "transfer_points",
            value={"number": 3, "transfer_point": "A1.IN", "x_mm": 0, "y_mm": 0},
        ),
        "cranes.CR2.transfer_points.A1.IN",
        "served by CR1 already",
    ),
    "two transfer numbers alike": (
        change(
            "cranes",
            "CR1",
            "transfer_points",
            to=[
                {"number": 1, "transfer_point": "A1.IN", "x_mm": 0, "y_mm": 0},
                {"number": 1, "transfer_point": "A1.OUT", "x_mm": 0, "y_mm": 0},
            ],
        ),
        "cranes.CR1.transfer_points.A1.OUT.number",
        "already A1.IN's",
    ),
    "racks too low for every tote": (
        change("aisles", "A1", "location_height_mm", to=200),
        "aisles.A1.location_height_mm",
        "no load type fits",
    ),
    "a station at a decision point": (
        change("stations", "ST1", "pick_point", to="DA1"),
        "stations.ST1.pick_point",
        "kind decision, not station",
    ),
    "a station point of no station": (change("stations", to=[]), "conveyors.CV.points.ST1.PICK.kind", "no station's"),
    "a station without its exit": (
        change("stations", "ST1", "handover_exit", to=3),
        "stations.ST1.handover_exit",
        "has no exit 3",
    ),
    "a station that hands over onto the loop": (
        both(change("stations", "ST1", "handover_exit", to=1), change("stations", "ST1", "onward_exit", to=2)),
        "stations.ST1.handover_exit",
        "leads to MST1, not to ST1.HAND",
    ),
    "a dock without points": (
        both(change("docks", "D1", "inbound_points", to=[]), change("docks", "D1", "outbound_points", to=[])),
        "docks.D1",
        "neither inbound nor outbound",
    ),
    "a dock point for both ways": (
        change("docks", "D1", "outbound_points", to=["D1.OUT1", "D1.IN1"]),
        "docks.D1.outbound_points",
        "already",
    ),
    "no clarification lane": (change("clarification_points", to=[]), "clarification_points", "no clarification lane"),
    "a clarification lane without a belt": (
        change("clarification_points", to=["IN1"]),
        "clarification_points",
        "no segment leads to IN1",
    ),
    # track
    "a track in pieces": (remove_edge("P1", "N2"), "track.edges", "cut off"),
    "a lane twice": (
        add("track", "edges", origin="N1", end="N2", length_mm=1, speed_max_mm_s=1),
        "track.edges[6]",
        "a second lane from N1 to N2",
    ),
    "a vehicle without parking": (
        change("track", "nodes", "P1", "parking", to=False),
        "track.nodes",
        "0 parking nodes",
    ),
    "a fleet that cannot charge": (change("track", "nodes", "P1", "charging", to=False), "track.nodes", "no charging"),
    "two vehicles on one node": (
        both(
            add(
                "vehicles",
                name="V2",
                start_node="P1",
                speed_mm_s=1500,
                accel_mm_s2=800,
                handling_ms=4000,
                battery_wh=1000,
                drain_wh_per_km=30,
                charge_w=2000,
            ),
            put("plcs", "PLC1", "devices", value="V2"),
            change("track", "nodes", "N2", "parking", to=True),
        ),
        "vehicles.V2.start_node",
        "V1 stands at P1 already",
    ),
    "a transfer point at two nodes": (
        change("track", "nodes", "N2", "stops", to=[{"level": 1, "transfer_point": "IN1"}]),
        "track.nodes.N2.stops",
        "IN1 is a stop more than once",
    ),
    # hand-over
    "an infeed that no vehicle serves": (
        change("track", "nodes", "N3", "stops", to=[]),
        "conveyors.CV.transfer_points.IN1",
        "a transfer point with one side: only segment IN1.MIN",
    ),
    "a dock point that nobody carries from": (
        change("track", "nodes", "N1", "stops", to=[{"level": 2, "transfer_point": "D1.OUT1"}]),
        "conveyors.DK.transfer_points.D1.IN1",
        "only people at dock D1",
    ),
    "a table that nobody serves": (
        add("conveyors", "DK", "transfer_points", name="X", device="DK1", index=2),
        "conveyors.DK.transfer_points.X",
        "nothing and nobody",
    ),
    "a handover point from which nobody takes": (
        change("stations", "ST1", "put_on_point", to="ST1.HAND"),
        "conveyors.CV.transfer_points.ST1.PUT",
        "only segment ST1.PUT.MST1",
    ),
    # reach
    "arrivals that cannot be brought in": (
        change("docks", "D1", "inbound_points", to=[]),
        "conveyors.DK.transfer_points.D1.IN1",
        "one side",
    ),
    "a plant without docks": (
        both(
            change("docks", to=[]),
            drop("conveyors", "DK"),
            drop("plcs", "PLC2", "devices", "DK1"),
            change("track", "nodes", "N1", "stops", to=[]),
        ),
        "docks",
        "no dock has an inbound point",
    ),
    "arrivals that only come to clarification": (
        change(*CV, "segments", "IN1.MIN", "end", to="CLAR"),
        "aisles.A1",
        "its locations cannot be reached from any dock",
    ),
    "racks from which no station is reached": (
        both(
            change(*CV, "segments", "DST1.IN", "end", to="CLAR"),
            change(*CV, "segments", "ST1.PUT.MST1", "end", to="ST1.PICK"),
        ),
        "aisles.A2",
        "no station can be reached from its locations",
    ),
    "racks from which no dock is reached": (
        both(
            change(*CV, "segments", "DOUT.1", "end", to="CLAR"),
            change(*CV, "segments", "ST1.PUT.MST1", "end", to="OUT1"),
        ),
        "aisles.A1",
        "no dock can be reached from its locations",
    ),
    "a station from which nothing goes back to the racks": (
        change(*CV, "segments", "ST1.ON", "end", to="CLAR"),
        "stations.ST1.pick_point",
        "no aisle can be reached from here",
    ),
    "a station from which no order leaves": (
        change(*CV, "segments", "ST1.PUT.MST1", "end", to="CLAR"),
        "stations.ST1.put_on_point",
        "no dock can be reached from here",
    ),
    "arrivals that nobody identifies": (
        both(
            change(*CV, "segments", "IN1.MIN", "end", to="MA1"),
            segment("X", "DOUT", "CLAR"),
            change(*POINTS, "DOUT", "exits", to={"1": "LOOP9", "2": "DOUT.1", "3": "X"}),
            change(*POINTS, "DOUT", "default_exit", to=3),
        ),
        "conveyors.CV.transfer_points.IN1",
        "arrivals that enter here meet no identification point",
    ),
    "locations that bear no load type": (
        change("aisles", "A1", "location_mass_max_g", to=10),
        "aisles.A1.location_mass_max_g",
        "the lightest has 2000 g empty",
    ),
    # rates
    "more than the vehicle carries": (
        change("rates", "storage_per_hour", to=200),
        "rates.storage_per_hour",
        "the vehicles do at most 143",
    ),
    "more than the cranes do": (
        change("rates", "retrieval_per_hour", to=900),
        "rates.retrieval_per_hour",
        "the cranes do at most 733",
    ),
    "more than a slow belt carries": (
        change(*CV, "segments", "LOOP2", "speed_mm_s", to=10),
        "rates.storage_per_hour",
        "the conveyors do at most 54 (slowest necessary segments: LOOP2",
    ),
    "both at once more than the cranes do": (
        both(
            change("cranes", "CR1", "fork_cycle_ms", to=22000),
            change("cranes", "CR2", "fork_cycle_ms", to=22000),
            change("rates", to={"storage_per_hour": 90, "retrieval_per_hour": 90}),
        ),
        "rates",
        "90 in and 90 out an hour cannot be reached together",
    ),
    "rates that its vehicles reach one at a time, but not together": (
        change("rates", to={"storage_per_hour": 143, "retrieval_per_hour": 143}),
        "rates",
        "143 in and 143 out an hour cannot be reached together: the vehicles do at most 102 rounds loaded both ways",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_plant_is_refused_for(case: str, tiny_tables: Tables) -> None:
    break_it, key, reason = REFUSED[case]
    break_it(tiny_tables)
    findings = check_plant(plant_from(tiny_tables, "broken.toml"))
    assert any(f.key == key and reason in f.reason for f in findings), "\n".join(
        f"{f.key}: {f.reason}" for f in findings
    )


def test_the_shipped_plants_have_no_findings(tiny: Plant, demo: Plant) -> None:
    assert check_plant(tiny) == check_plant(demo) == ()


def test_the_same_plant_has_the_same_findings_in_the_same_order(tiny_tables: Tables) -> None:
    change("clarification_points", to=[])(tiny_tables)
    change("track", "nodes", "P1", "parking", to=False)(tiny_tables)
    plant = plant_from(tiny_tables, "broken.toml")
    findings = check_plant(plant)
    assert len(findings) >= 2
    assert check_plant(plant) == findings
