"""The world process: one world for all PLC processes of a plant, with its log, its clock and the test port.

Rule: it decides nothing about the warehouse; it says what stands where and refuses what cannot happen physically.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import msgspec

from devices.machines.world import WorldRefused
from devices.virtual_plc.files import PREDECESSOR_S, hold_lock
from devices.virtual_plc.process import serve_until_told
from devices.virtual_plc.shared_world import SharedWorld
from devices.virtual_plc.stored_clock import STORE_INTERVAL_S, start_clock, store_clock
from devices.virtual_plc.world_calls import (
    Answer,
    AskClock,
    Attach,
    Call,
    ClockSaid,
    Devices,
    Done,
    Dump,
    Dumped,
    Enter,
    FaultToInject,
    Inject,
    Injected,
    ListDevices,
    LogLines,
    Look,
    Move,
    NotNow,
    ReadLog,
    Refused,
    Sense,
    Wire,
)
from devices.virtual_plc.world_connection import WorldConnection
from devices.virtual_plc.world_log import WorldLog
from wcs.plant.model import Plant

HOST = "127.0.0.1"
INJECTION_ANSWER_S = 5.0  # a PLC process that does not take a fault by then is gone or stands
LOG_LINES_MAX = 1000


class WorldServer:
    """Answers the calls of all connections, one after the other."""

    def __init__(self, plant: Plant, data: Path, speed: float, origin_ms: int | None = None) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self._clock_path = data / "world.clock"
        self._log = WorldLog(data / "world.log")
        self._world = SharedWorld(plant, self._log)
        self.clock = start_clock(self._clock_path, speed, self._world.latest_logged_ms, origin_ms)
        self._world.clock = self.clock
        self._world.on_change(self._tell_watchers)
        self._connections: list[WorldConnection] = []
        self._injections: dict[int, WorldConnection] = {}
        self._injection_number = 0

    async def serve(self, port: int, ready: asyncio.Event, stop: asyncio.Event) -> None:
        """Answer on this port until `stop` is set."""
        server = await asyncio.get_running_loop().create_server(lambda: WorldConnection(self), HOST, port)
        store_clock(self._clock_path, self.clock, stopped=False)
        ready.set()
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), STORE_INTERVAL_S)
            except TimeoutError:
                store_clock(self._clock_path, self.clock, stopped=False)
        server.close()
        for connection in tuple(self._connections):
            connection.close()
        store_clock(self._clock_path, self.clock, stopped=True)
        self._log.close()

    def opened(self, connection: WorldConnection) -> None:
        """A client is there."""
        self._connections.append(connection)

    def closed(self, connection: WorldConnection) -> None:
        """A client is gone."""
        self._connections.remove(connection)

    def answer(self, connection: WorldConnection, call: Call) -> Answer | None:
        """What to answer now; None: later, or nothing."""
        try:
            return self._answer(connection, call)
        except WorldRefused as refusal:
            return Refused(reason=str(refusal))
        except OSError as error:  # the log could not be written, so the move was undone
            return NotNow(reason=f"world log: {error}")

    def _answer(self, connection: WorldConnection, call: Call) -> Answer | None:
        match call:
            case Sense(watch=watch):
                return self._sense(connection, watch)
            case Look(places=places):
                return self._world.states(places)
            case Move():
                return self._world.move(call)
            case Enter():
                self._world.enter(call)
            case Wire():
                self._world.set_wire(call)
            case Dump():
                return Dumped(place_of=self._world.contents())
            case ReadLog(position=position, lines_max=lines_max):
                lines, after = self._log.read(position, min(lines_max, LOG_LINES_MAX))
                return LogLines(lines=lines, position=after)
            case AskClock():
                return ClockSaid(origin=self.clock.origin)
            case ListDevices():
                return Devices(plc_of={device: c.plc for c in self._connections for device in c.devices})
            case Attach(plc=plc, devices=devices, watch=watch):
                connection.plc, connection.devices = plc, devices
                connection.watched = dict.fromkeys(watch)
            case Inject():
                return self._inject(connection, call)
            case Injected(number=number, error=error):
                self._finish_injection(number, Refused(reason=error) if error else Done())
                return None
        return Done()

    def _sense(self, connection: WorldConnection, watch: tuple[str, ...] | None) -> Answer:
        if watch is not None:
            states = self._world.states(watch)
            connection.watched = dict.fromkeys(watch)
        else:
            states = self._world.states(tuple(connection.changed))
        connection.changed.clear()
        return states

    def _tell_watchers(self, place: str) -> None:
        for connection in self._connections:
            if place in connection.watched:
                connection.note_change(place)

    def _inject(self, asker: WorldConnection, call: Inject) -> Answer | None:
        host = next((c for c in self._connections if call.device in c.devices), None)
        if host is None:
            return Refused(reason=f"no PLC process hosts {call.device} now")
        self._injection_number += 1
        number = self._injection_number
        self._injections[number] = asker
        timeout = Refused(reason=f"PLC {host.plc} did not answer")
        asyncio.get_running_loop().call_later(INJECTION_ANSWER_S, self._finish_injection, number, timeout)
        arguments = dict(call.arguments)
        host.send(FaultToInject(number=number, device=call.device, fault=call.fault, arguments=arguments))
        return None

    def _finish_injection(self, number: int, answer: Answer) -> None:
        asker = self._injections.pop(number, None)
        if asker is not None:
            asker.send(answer)


def main() -> None:
    """Serve the world of the plant described in `<data>/plant.json`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--speed", type=float, required=True)
    arguments.add_argument("--origin-ms", type=int, default=None)
    given = arguments.parse_args()
    hold_lock(given.data / "world.lock", within_s=PREDECESSOR_S)
    plant = msgspec.json.decode((given.data / "plant.json").read_bytes(), type=Plant)
    server = WorldServer(plant, given.data, given.speed, given.origin_ms)
    serve_until_told(lambda ready, stop: server.serve(given.port, ready, stop))


if __name__ == "__main__":
    main()
