"""One virtual PLC as a process: its machines in wall-clock time behind a real OPC UA or Modbus TCP server.

Rule: killing this process is a power loss and no more; loads stay where they are, for the world is elsewhere. When the
world is gone, it stops: a PLC without a building has nothing to control.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
from pathlib import Path
from typing import Protocol as Shape

import msgspec

from devices.virtual_plc.addresses import HOST
from devices.virtual_plc.assembly import assemble
from devices.virtual_plc.blocks import DeviceBlock
from devices.virtual_plc.files import PREDECESSOR_S, hold_lock
from devices.virtual_plc.plc_link import PlcLink
from devices.virtual_plc.process import serve_until_told
from devices.virtual_plc.remote_world import RemoteWorld
from devices.virtual_plc.scan import ProgrammableController
from wcs.plant.model import Plant, Plc, Protocol

MEMORY_FOLDER = "plc"
SECURITY_FOLDER = "certificates"


class WordServer(Shape):
    """Carries the words of a PLC's devices over one protocol."""

    async def start(self, host: str, port: int) -> None: ...

    async def stop(self) -> None: ...

    async def publish(self, block: DeviceBlock) -> None: ...


async def run_plc(
    plant: Plant,
    plc: Plc,
    *,
    data: Path,
    port: int,
    world_port: int,
    secured: bool,
    ready: asyncio.Event,
    stop: asyncio.Event,
) -> None:
    """Serve one PLC of the plant until `stop` is set."""
    world = RemoteWorld((HOST, world_port), plc.name)
    clock = world.clock()
    machines = assemble(plant, plc, world, data / MEMORY_FOLDER, clock.speed)
    controller = ProgrammableController(machines, plc.devices, world, clock)
    controller.power_up()
    server = _server(plc, controller, data / SECURITY_FOLDER if secured else None)
    link = PlcLink((HOST, world_port), plc.name, plc.devices, poke=controller.wake, inject=controller.inject)
    controller.on_watch(link.watch)
    await server.start(HOST, port)
    gc.freeze()
    running = [asyncio.ensure_future(controller.run(server.publish)), asyncio.ensure_future(link.run())]
    saying = asyncio.ensure_future(_say_when(link.attached, ready))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (*running, saying, stopping):
            task.cancel()
        await server.stop()
        results = await asyncio.gather(*running, return_exceptions=True)
        world.close()
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _say_when(attached: asyncio.Event, ready: asyncio.Event) -> None:
    await attached.wait()
    ready.set()


def _server(plc: Plc, controller: ProgrammableController, security: Path | None) -> WordServer:
    """The server of the PLC's protocol; only its own library is loaded, for a start takes long enough."""
    if plc.protocol == Protocol.MODBUS:
        from devices.virtual_plc.modbus_server import ModbusServer

        return ModbusServer(controller)
    from devices.virtual_plc.opcua_security import PlcSecurity
    from devices.virtual_plc.opcua_server import OpcuaServer

    return OpcuaServer(controller, None if security is None else PlcSecurity(security))


def main() -> None:
    """Serve one PLC of the plant described in `<data>/plant.json`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--plc", required=True)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--world-port", type=int, required=True)
    arguments.add_argument("--secured", action="store_true")
    given = arguments.parse_args()
    hold_lock(given.data / MEMORY_FOLDER / f"{given.plc}.lock", within_s=PREDECESSOR_S)
    plant = msgspec.json.decode((given.data / "plant.json").read_bytes(), type=Plant)
    plc = next(plc for plc in plant.plcs if plc.name == given.plc)
    serve_until_told(
        lambda ready, stop: run_plc(
            plant,
            plc,
            data=given.data,
            port=given.port,
            world_port=given.world_port,
            secured=given.secured,
            ready=ready,
            stop=stop,
        )
    )


if __name__ == "__main__":
    main()
