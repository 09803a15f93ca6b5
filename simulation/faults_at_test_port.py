"""Faults of the vocabulary, befalling virtual PLCs over their test port.

Rule: only what a person in the building could do, or a sensor. What a line does to telegrams is done to the line, what
befalls a PLC's power to its process, and what a shop or a disk does to the site; a bin is named, for the book knows
which one matters.
"""

from __future__ import annotations

from devices.machines.machine import Load
from devices.virtual_plc.testport import TestPort
from simulation.faults import ANY, Fault, FaultRefused, alarm_of, check_fault
from wcs.plant.model import LOST, Plant

FIRST_STRANGER = 900_000  # load units that the book does not know: numbered upwards from here
WANTED_LOAD = {"empty": False, "loaded": True}


def befall_at_test_port(port: TestPort, plant: Plant, fault: Fault) -> int:
    """It happens now; returns after how many ms of plant time `end_at_test_port` is due, 0 for never.

    Raises:
        FaultRefused: it cannot be, or not by a test port.
    """
    check_fault(fault, plant)
    match fault.kind:
        case "device_fault" if _is_as_wanted(port, fault):
            conveyor = any(fault.target in c.devices for c in plant.conveyors)  # the fault is of every block of it
            port.inject(fault.target, "fault", alarm=alarm_of(fault, conveyor=conveyor))
            return 0
        case "no_read":
            port.inject(conveyor_of(plant, fault.target), "no_read", point=fault.target, count=fault.number("count"))
            return 0
        case "stuck_photo_eye":
            port.inject(conveyor_of(plant, fault.target), "stuck_photo_eye", transfer_point=fault.target)
            return fault.number("for_ms")
        case "operator_pause":
            port.inject(fault.target, "mode", mode="manual")
            return fault.number("for_ms")
        case "wrong_location":
            port.inject(fault.target, "wrong_location", nodes=sorted(node.number for node in plant.track.nodes))
            return fault.number("for_ms")
        case "bin_occupied" if fault.target != ANY and not port.look(fault.target):
            port.place(_stranger(port, plant), fault.target, by="stranger")
            return 0
        case "bin_empty" if fault.target != ANY and port.look(fault.target):
            port.carry(port.look(fault.target)[0].number, fault.target, LOST, by="thief")
            return 0
        case _:
            raise FaultRefused(f"{fault.kind} at {fault.target}: nothing that a test port can do now")


def end_at_test_port(port: TestPort, plant: Plant, fault: Fault) -> None:
    """What lasts for a while is over."""
    match fault.kind:
        case "stuck_photo_eye":
            port.inject(conveyor_of(plant, fault.target), "free_photo_eye", transfer_point=fault.target)
        case "operator_pause":
            port.inject(fault.target, "mode", mode="automatic")
        case "wrong_location":
            port.inject(fault.target, "wrong_location", nodes=[])
        case _:
            raise FaultRefused(f"{fault.kind} has no end")


def _is_as_wanted(port: TestPort, fault: Fault) -> bool:
    wanted = WANTED_LOAD.get(str(fault.value("when")))
    return wanted is None or bool(port.look(fault.target)) is wanted


def _stranger(port: TestPort, plant: Plant) -> Load:
    kind = plant.load_types[0]
    number = max([FIRST_STRANGER, *port.dump()]) + 1
    return Load(number=number, barcode=f"X{number}", load_type=kind.number, mass_g=kind.mass_empty_g, height_mm=100)


def conveyor_of(plant: Plant, place: str) -> str:
    """The first block of the conveyor that a point or transfer point belongs to."""
    return next(
        conveyor.devices[0]
        for conveyor in plant.conveyors
        if place in {*(p.name for p in conveyor.points), *(p.name for p in conveyor.transfer_points)}
    )
