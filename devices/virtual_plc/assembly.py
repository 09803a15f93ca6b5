"""Builds the machines that one PLC hosts, each with what was left of it, from the plant.

Rule: a machine belongs to the PLC of its devices; a conveyor whose blocks lie on two PLCs cannot be hosted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from devices.machines.conveyor import ConveyorMachine
from devices.machines.crane import CraneMachine, CranePhysical
from devices.machines.machine import Machine, World
from devices.machines.vehicle import VehicleMachine, VehiclePhysical
from devices.virtual_plc.machine_store import MachineStore
from wcs.core.ports import CommandCode, DeviceCommand
from wcs.plant.model import Conveyor, Plant, Plc, Record, StackerCrane, Vehicle

Refuse = Callable[[str, int, int], None]
FIRST_TRACK_STEP = 1_000_000_000  # track numbers of conveyors on one PLC never meet


class Assembled(Record):
    """One machine and its files.

    `own_places` it senses besides those it waits for; `refuse` answers BAD_PARAMETER to a telegram whose codes are not
    of the interface; `body` is what a loss of power leaves as it is (None: nothing but loads in the world).
    """

    machine: Machine
    store: MachineStore
    own_places: tuple[str, ...]
    refuse: Refuse
    body: Callable[[], msgspec.Struct] | None = None


def assemble(plant: Plant, plc: Plc, world: World, folder: Path, speed: float) -> tuple[Assembled, ...]:
    """All machines of a PLC; ValueError if it names a device that no machine of the plant has."""
    devices = set(plc.devices)
    machines: list[Assembled] = []
    for crane in plant.cranes:
        if crane.name in devices:
            machines.append(_crane(plant, crane, world, folder))
    for vehicle in plant.vehicles:
        if vehicle.name in devices:
            machines.append(_vehicle(plant, vehicle, world, folder))
    for conveyor in plant.conveyors:
        if devices.intersection(conveyor.devices):
            first_track = 1 + FIRST_TRACK_STEP * len(machines)
            machines.append(_conveyor(plant, conveyor, world, folder, first_track, speed))
    hosted = {device for assembled in machines for device in assembled.machine.devices}
    if hosted != devices:
        raise ValueError(f"PLC {plc.name}: {', '.join(sorted(hosted ^ devices))} not wholly of this PLC and plant")
    return tuple(machines)


def _crane(plant: Plant, crane: StackerCrane, world: World, folder: Path) -> Assembled:
    store = MachineStore(folder, crane.name)
    body, stopped_ms = store.body(CranePhysical)
    machine = CraneMachine(plant, crane, world, keep=store.keep_memory, physical=body, stopped_ms=stopped_ms)
    return Assembled(
        machine=machine,
        store=store,
        own_places=(crane.name,),
        refuse=lambda device, epoch, sequence: machine.refuse(epoch, sequence),
        body=machine.physical,
    )


def _vehicle(plant: Plant, vehicle: Vehicle, world: World, folder: Path) -> Assembled:
    store = MachineStore(folder, vehicle.name)
    body, stopped_ms = store.body(VehiclePhysical)
    machine = VehicleMachine(plant, vehicle, world, keep=store.keep_memory, physical=body, stopped_ms=stopped_ms)
    return Assembled(
        machine=machine,
        store=store,
        own_places=(vehicle.name,),
        refuse=lambda device, epoch, sequence: machine.refuse(epoch, sequence),
        body=machine.physical,
    )


def _conveyor(
    plant: Plant, conveyor: Conveyor, world: World, folder: Path, first_track: int, speed: float
) -> Assembled:
    store = MachineStore(folder, conveyor.name)
    machine = ConveyorMachine(
        conveyor,
        world,
        load_types=plant.load_types,
        first_track=first_track,
        deadline_factor=max(1, round(speed)),
        keep=store.keep_memory,
    )

    def refuse(device: str, epoch: int, sequence: int) -> None:
        """A tracked PLC answers BAD_PARAMETER to HOME, as to any code that it does not know."""
        unknown = DeviceCommand(device=device, epoch=epoch, sequence=sequence, code=CommandCode.HOME)
        machine.command(unknown, 0)

    points = tuple(point.name for point in conveyor.points)
    return Assembled(machine=machine, store=store, own_places=(conveyor.name, *conveyor.merges, *points), refuse=refuse)
