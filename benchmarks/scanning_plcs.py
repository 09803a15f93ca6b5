"""The PLC side of the race from scan to divert, as a process of its own: all PLCs of the plant, alive and quiet.

Real servers and the real scan of the virtual PLCs; the machines stand still, but at decision points loads are scanned.
Each scan is timed here, on one clock, from just before ScanSeq is set to the decision being judged. The parent writes
`<scans a protocol>` to standard input and gets back a line with the times; when its pipe ends, so does this process.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import msgspec

from devices.machines.machine import Words
from devices.virtual_plc.assembly import Assembled
from devices.virtual_plc.machine_store import MachineStore
from devices.virtual_plc.modbus_server import ModbusServer
from devices.virtual_plc.opcua_server import OpcuaServer
from devices.virtual_plc.plant_clock import ClockOrigin, PlantClock
from devices.virtual_plc.remote_world import RemoteWorld
from devices.virtual_plc.scan import ProgrammableController
from devices.words import POINTS, TRANSFERS
from wcs.core.ports import (
    AckCode,
    Command,
    CommandCode,
    DeviceCommand,
    DeviceSnapshot,
    DeviceStatus,
    OperatingMode,
    OutcomeReason,
    PointDecision,
    PointOutcome,
    PointStatus,
    ScanFlags,
    Telemetry,
    TransferStatus,
)
from wcs.plant.model import Plant, PointKind, Protocol, Record

HOST = "127.0.0.1"
SCAN_PAUSE_S = (0.03, 0.09)  # 16 scans a second and protocol, at no fixed phase to the polls
DEADLINE_S = 2.0  # a scan that is not judged by then counts with this time
LOADS_A_PROTOCOL = 20
OUTCOMES = 2
SCAN_SEQUENCE_MAX = 0xFFFF


class Timed(Record):
    """What came of some scans: milliseconds each, and how many were judged with a wish of the client's."""

    times_ms: list[float]
    steered: int = 0


class QuietDevice:
    """A device that acknowledges what it is sent, has no work, and times the decisions at its points."""

    def __init__(self, name: str, *, tracked: bool, node: int) -> None:
        self.devices: tuple[str, ...] = (name,)
        self._transfers = (TransferStatus(),) * (TRANSFERS if tracked else 0)
        self._points = [PointStatus()] * (POINTS if tracked else 0)
        self._judged: dict[int, asyncio.Future[tuple[float, int]]] = {}
        self._status = DeviceStatus(
            boot_count=1, mode=OperatingMode.AUTOMATIC, ready=True, retentive_valid=True, in_position=True, homed=True,
            confirmed=(node, 0, 0),
        )  # fmt: skip

    def scanned(self, point: int, load: int) -> asyncio.Future[tuple[float, int]]:
        """A load has come; the future is the moment of its being judged, and the exit wished."""
        known = self._points[point]
        self._points[point] = msgspec.structs.replace(
            known,
            scan_sequence=known.scan_sequence % SCAN_SEQUENCE_MAX + 1,
            flags=ScanFlags.READ,
            track=load,
            deadline_ms=int(DEADLINE_S * 1000),
            barcode=barcode(load),
        )
        self._judged[point] = asyncio.get_running_loop().create_future()
        return self._judged[point]

    def command(self, command: Command, now_ms: int) -> None:
        if isinstance(command, DeviceCommand):
            code = AckCode.INTERLOCK if command.code is CommandCode.TASK else AckCode.ACCEPTED
            self._status = msgspec.structs.replace(
                self._status, latched_epoch=command.epoch, ack_sequence=command.sequence, ack_code=code
            )
        elif isinstance(command, PointDecision):
            self._judge(command)

    def _judge(self, decision: PointDecision) -> None:
        known, answer = self._points[decision.point], self._judged.get(decision.point)
        epoch = self._status.latched_epoch & 0xFF
        wanted = (known.scan_sequence, known.track, epoch)
        if answer is None or answer.done() or (decision.scan_sequence, decision.track, decision.epoch & 0xFF) != wanted:
            return
        answer.set_result((time.monotonic(), decision.exit))
        outcome = PointOutcome(
            scan_sequence=known.scan_sequence, exit=max(1, decision.exit), reason=OutcomeReason.AS_DECIDED
        )
        outcomes = (outcome, *known.outcomes)[:OUTCOMES]
        self._points[decision.point] = msgspec.structs.replace(known, outcomes=outcomes)

    def advance(self, now_ms: int) -> None:
        pass

    def next_due_ms(self) -> int | None:
        return None

    def watched_places(self) -> tuple[str, ...]:
        return ()

    def heeds_changes(self) -> bool:
        """It watches nothing."""
        return False

    def take_changes(self) -> tuple[Words, ...]:
        return ()

    def status(self, device: str) -> DeviceStatus:
        return self._status

    def battery_permille(self, device: str) -> int:
        return 1000

    def snapshot(self, device: str) -> DeviceSnapshot:
        return DeviceSnapshot(
            device=device, status=self._status, transfers=self._transfers, points=tuple(self._points),
            battery_permille=1000,
        )  # fmt: skip

    def telemetry(self, device: str, now_ms: int) -> Telemetry:
        return Telemetry(device=device, battery_permille=1000)

    def set_wcs_alive(self, device: str, alive: bool, now_ms: int) -> None:
        self._status = msgspec.structs.replace(self._status, wcs_alive=alive)

    def inject(self, fault: str, arguments: Mapping[str, object], now_ms: int) -> None:
        raise ValueError(f"no {fault} here")

    def memory(self) -> msgspec.Struct:
        return NOTHING

    def restart(self, memory: msgspec.Struct | None, now_ms: int) -> None:
        pass


class Nothing(Record):
    """The memory of a device that has none."""


NOTHING = Nothing()


class EmptyWorld:
    """A building in which nothing moves: as much of `RemoteWorld` as a scan asks for."""

    changes = 0

    def refresh(self) -> None:
        pass

    def watch(self, places: tuple[str, ...]) -> None:
        pass


class Divert(Record):
    """A decision point of the race: its device, and the controller whose next scan shows what is new."""

    device: QuietDevice
    point: int
    controller: ProgrammableController


def barcode(load: int) -> str:
    """The label of a load."""
    return f"T{load:06d}"


def loads_of(protocol: Protocol) -> range:
    """Numbers of the loads that go round past the points of one protocol's PLCs."""
    first = 1 if protocol is Protocol.MODBUS else 1 + LOADS_A_PROTOCOL
    return range(first, first + LOADS_A_PROTOCOL)


async def _serve(plant: Plant, ports: dict[str, int], data: Path) -> None:
    tracked = {device for conveyor in plant.conveyors for device in conveyor.devices}
    nodes = {node.name: node.number for node in plant.track.nodes}
    start = {vehicle.name: nodes[vehicle.start_node] for vehicle in plant.vehicles}
    points = [p for conveyor in plant.conveyors for p in conveyor.points if p.kind is PointKind.DECISION]
    clock = PlantClock(ClockOrigin(plant_ms=0, monotonic_ns=time.monotonic_ns(), speed=1.0))
    diverts: dict[Protocol, list[Divert]] = {protocol: [] for protocol in Protocol}
    running = []
    for plc in plant.plcs:
        quiet = {d: QuietDevice(d, tracked=d in tracked, node=start.get(d, 0)) for d in plc.devices}
        assembled = [
            Assembled(machine=m, store=MachineStore(data, name), own_places=(), refuse=lambda *_: None)
            for name, m in quiet.items()
        ]
        controller = ProgrammableController(assembled, plc.devices, cast(RemoteWorld, EmptyWorld()), clock)
        controller.power_up()
        server = ModbusServer(controller) if plc.protocol is Protocol.MODBUS else OpcuaServer(controller)
        await server.start(HOST, ports[plc.name])
        running.append(asyncio.create_task(controller.run(server.publish)))
        here = [p for p in points if p.device in quiet]
        diverts[plc.protocol] += [Divert(device=quiet[p.device], point=p.index, controller=controller) for p in here]
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    await _answer(diverts)


async def _answer(diverts: dict[Protocol, list[Divert]]) -> None:
    """A round of scans for each line of standard input."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        rounds = [_round(protocol, diverts[protocol], int(line)) for protocol in Protocol]
        timed = dict(zip(Protocol, await asyncio.gather(*rounds), strict=True))
        sys.stdout.write(msgspec.json.encode(timed).decode() + "\n")
        sys.stdout.flush()


async def _round(protocol: Protocol, diverts: list[Divert], scans: int) -> Timed:
    dice = random.Random(scans)
    loads = loads_of(protocol)
    results: list[asyncio.Task[tuple[float, int]]] = []
    for n in range(scans):
        divert = diverts[n % len(diverts)]
        if n >= len(diverts):
            await results[n - len(diverts)]  # a point sees the next load when the last one is judged
        results.append(asyncio.create_task(_one(divert, loads[n % len(loads)])))
        await asyncio.sleep(dice.uniform(*SCAN_PAUSE_S))
    done = await asyncio.gather(*results)
    return Timed(times_ms=[ms for ms, _ in done], steered=sum(exit_ > 0 for _, exit_ in done))


async def _one(divert: Divert, load: int) -> tuple[float, int]:
    begun = time.monotonic()
    answer = divert.device.scanned(divert.point, load)
    divert.controller.wake()
    try:
        judged, exit_ = await asyncio.wait_for(answer, DEADLINE_S)
    except TimeoutError:
        return DEADLINE_S * 1000, 0
    return (judged - begun) * 1000, exit_


def main() -> None:
    """Serve the plant described in `<data>/plant.json` at the ports of `<data>/ports.json`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    data: Path = arguments.parse_args().data
    plant = msgspec.json.decode((data / "plant.json").read_bytes(), type=Plant)
    ports = msgspec.json.decode((data / "ports.json").read_bytes(), type=dict[str, int])
    asyncio.run(_serve(plant, ports, data))


if __name__ == "__main__":
    main()
