"""A plant of virtual PLCs, running: one world process, one process a PLC, all on this machine's loopback.

Rule: one running plant a data folder. Everything that must survive (world log, memory, bodies, clock, ports) is there.

    with start_plant(load_plant("tiny"), data, speed=8) as running:
        running.plcs["PLC1"].url, running.test_port
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import msgspec

from devices.virtual_plc.addresses import HOST, WORLD, PlcAddress, choose_ports
from devices.virtual_plc.child import Child, start_all
from devices.virtual_plc.files import hold_lock, write_whole
from devices.virtual_plc.machine_store import wipe_memory
from devices.virtual_plc.testport import TestPort
from wcs.plant.model import Plant

WORLD_MODULE = "devices.virtual_plc.world_server"
PLC_MODULE = "devices.virtual_plc.plc"
MEMORY_FOLDER = "plc"
SECURITY_FOLDER = "certificates"


class RunningPlant:
    """The handles of a running plant; `kill` and `restart` are power failures and power-ups of one PLC."""

    def __init__(self, plant: Plant, data: Path, ports: dict[str, int], children: dict[str, Child], lock: int) -> None:
        self.plant = plant
        self.data = data
        self.test_port: tuple[str, int] = (HOST, ports[WORLD])
        self.plcs: dict[str, PlcAddress] = {
            plc.name: PlcAddress(
                plc=plc.name, protocol=plc.protocol, host=HOST, port=ports[plc.name], devices=plc.devices
            )
            for plc in plant.plcs
            if plc.name in children
        }
        self._children = children
        self._lock = lock

    def __enter__(self) -> RunningPlant:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by PLC name, and of "world"; 0: not running."""
        return {name: child.pid for name, child in self._children.items()}

    def open_test_port(self) -> TestPort:
        """A new connection to the test port."""
        return TestPort(self.test_port)

    def kill(self, name: str, *, wipe: bool = False) -> None:
        """kill -9 of one PLC (or of "world"); `wipe`: its retentive memory is lost as well."""
        self._children[name].kill()
        if wipe:
            wipe_memory(self.data / MEMORY_FOLDER, _machine_names(self.plant, self.plcs[name].devices))

    def restart(self, name: str) -> None:
        """Start a killed PLC (or the world) again, at the same address; returns when it serves."""
        start_all([self._children[name]])

    def dead(self) -> tuple[str, ...]:
        """Names of processes that are not running."""
        return tuple(name for name, child in self._children.items() if not child.pid)

    def stop(self) -> None:
        """Stop everything: PLCs first, the world last."""
        plcs = [child for name, child in self._children.items() if name != WORLD]
        for group in (plcs, [self._children[WORLD]]):
            for child in group:
                child.stop()
            for child in group:
                child.wait_stopped()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def start_plant(
    plant: Plant,
    data: Path | str,
    speed: float = 1.0,
    *,
    only_plcs: tuple[str, ...] | None = None,
    wipe: tuple[str, ...] = (),
    secured: bool = False,
    origin_ms: int | None = None,
    ports: Mapping[str, int] | None = None,
) -> RunningPlant:
    """Start world and virtual PLCs of a plant and return when all serve.

    Args:
        plant: the building.
        data: where world log and memories are kept; made if it is not there.
        speed: plant seconds in a second, for motion, handling and battery.
        only_plcs: start these PLCs only (None: all).
        wipe: PLCs that start with their retentive memory lost.
        secured: OPC UA with Basic256Sha256, user and password (see `opcua_security`), instead of open.
        origin_ms: plant time at the very first start on this folder (None: now).
        ports: where PLCs must answer, by name; others take the port of last time, or a free one.
    Raises:
        FolderBusy: another running plant uses this folder.
        ChildFailed: a process did not come up; nothing is left running.
        PortTaken: another process has a port that `ports` names.
    """
    data = Path(data).resolve()
    data.mkdir(parents=True, exist_ok=True)
    lock = hold_lock(data / "running.lock")
    try:
        names = tuple(plc.name for plc in plant.plcs if only_plcs is None or plc.name in only_plcs)
        at = choose_ports(data / "ports.json", (WORLD, *names), ports or {})
        write_whole(data / "plant.json", msgspec.json.encode(plant))
        for plc in plant.plcs:
            if plc.name in wipe:
                wipe_memory(data / MEMORY_FOLDER, _machine_names(plant, plc.devices))
        if secured:
            _prepare_security(data / SECURITY_FOLDER)
        children = _children(plant, data, at, names, speed, secured, origin_ms)
        start_all(list(children.values()))
    except BaseException:
        os.close(lock)
        raise
    return RunningPlant(plant, data, at, children, lock)


def _children(
    plant: Plant,
    data: Path,
    ports: dict[str, int],
    names: tuple[str, ...],
    speed: float,
    secured: bool,
    origin_ms: int | None,
) -> dict[str, Child]:
    logs = data / "logs"
    logs.mkdir(exist_ok=True)
    world = ["--data", str(data), "--port", str(ports[WORLD]), "--speed", str(speed)]
    if origin_ms is not None:
        world += ["--origin-ms", str(origin_ms)]
    children = {WORLD: Child(WORLD, WORLD_MODULE, world, logs)}
    for name in names:
        arguments = ["--data", str(data), "--plc", name, "--port", str(ports[name])]
        arguments += ["--world-port", str(ports[WORLD]), *(["--secured"] if secured else [])]
        children[name] = Child(name, PLC_MODULE, arguments, logs)
    return children


def _machine_names(plant: Plant, devices: tuple[str, ...]) -> tuple[str, ...]:
    """The names under which the machines of these devices keep their files."""
    conveyors = tuple(c.name for c in plant.conveyors if set(c.devices) & set(devices))
    return (*devices, *conveyors)


def _prepare_security(folder: Path) -> None:
    from devices.virtual_plc.opcua_security import PlcSecurity  # asyncua is slow to load: only where it is needed

    PlcSecurity(folder).prepare()
