"""Serves a plant of virtual PLCs until it is told to stop: what `wcs plc` does, and `python -m` on this module.

Rule: a PLC process that dies is switched on again, as a person would; what it had kept is what it starts with.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

from devices.virtual_plc.running import RunningPlant, start_plant
from wcs.plant.file import load_plant

LOOK_INTERVAL_S = 1.0  # how soon a dead process is noticed


def serve(
    plant: str | Path,
    speed: float,
    data: Path,
    *,
    only_plcs: tuple[str, ...] | None = None,
    wipe: tuple[str, ...] = (),
    secured: bool = False,
    ports: Mapping[str, int] | None = None,
    say: Callable[[str], None],
    stop: threading.Event | None = None,
) -> None:
    """Start the plant (a shipped plant's name or a file), say a line per device, and serve until `stop`.

    Without `stop`, SIGINT and SIGTERM stop it (then it must run in the main thread). Raises what `start_plant` and
    `load_plant` raise.
    """
    stop = stop or _stopped_by_signal()
    building = load_plant(plant)
    with start_plant(building, data, speed, only_plcs=only_plcs, wipe=wipe, secured=secured, ports=ports) as running:
        for line in describe(running):
            say(line)
        while not stop.wait(LOOK_INTERVAL_S):
            for name in running.dead():
                say(f"{name} had died and is started again")
                running.restart(name)


def describe(running: RunningPlant) -> tuple[str, ...]:
    """One line per device (device, protocol, address, block or node), and one for the test port."""
    lines = [
        f"{device}\t{address.protocol}\t{address.host}:{address.port}\t{_where(address.protocol, n, device)}"
        for address in running.plcs.values()
        for n, device in enumerate(address.devices)
    ]
    host, port = running.test_port
    return (*lines, f"test port\tworld\t{host}:{port}")


def _where(protocol: str, block: int, device: str) -> str:
    return f"block {block}" if protocol == "modbus" else f"node s={device}"


def _stopped_by_signal() -> threading.Event:
    stop = threading.Event()

    def tell(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, tell)
    return stop


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve a plant."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--plant", required=True, help="a shipped plant's name, or a file")
    arguments.add_argument("--speed", type=float, default=1.0)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--plc", action="append", help="only this PLC (may be given again)")
    arguments.add_argument("--wipe-memory", action="append", default=[], metavar="PLC")
    arguments.add_argument("--secured", action="store_true", help="OPC UA with Basic256Sha256, user and password")
    given = arguments.parse_args()
    only = tuple(given.plc) if given.plc else None
    wipe = tuple(given.wipe_memory)
    serve(given.plant, given.speed, given.data, only_plcs=only, wipe=wipe, secured=given.secured, say=_say)


if __name__ == "__main__":
    main()
