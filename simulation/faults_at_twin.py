"""Faults of the vocabulary, befalling a twin.

Rule: what a line does to telegrams it does in their order: one that is late holds up those behind it, as TCP and
polls do. The only thing that overtakes is a copy of a command that was sent before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from devices.machines.machine import Load
from devices.machines.world import WorldRefused
from simulation.faults import ANY, DRAWS, Fault, alarm_of, check_faults
from simulation.twin import Twin
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core.layout import Kind
from wcs.core.ports import DeviceStatus, StatusChanged
from wcs.core.turn import RequestRefused
from wcs.plant.model import LOST

T = TypeVar("T")
RESEND_MS = 500  # a session sends again, and reads again, after so long
LOOK_MS = 250  # how often a fault that waits for its load looks for it
WAIT_MS_MAX = 600_000  # a device that has had nothing to carry for ten minutes is spared
FIRST_STRANGER = 900_000  # load units that the book does not know
EYE_LOAD = {"empty": False, "loaded": True}


class TwinFaults:
    """The faults of one run. `befallen` says which have had an effect, `carried_off` which loads were stolen.

    Raises:
        FaultRefused: one of them cannot be, in this plant.
    """

    def __init__(self, twin: Twin, faults: Iterable[Fault]) -> None:
        self._twin = twin
        self.befallen: list[Fault] = []
        self.carried_off: set[int] = set()
        self._strangers = FIRST_STRANGER
        self._next: dict[tuple[str, str], list[tuple[str, int]]] = {}
        self._arrived_ms: dict[tuple[str, str], int] = {}
        self._stale_until_ms: dict[str, int] = {}
        self._slow: tuple[int, int] = (0, 0)
        self._inner = twin.wire
        twin.wire = self._wire
        for fault in check_faults(faults, twin.plant):
            twin.env.call_in(max(0, fault.at_ms - twin.now_ms), self.befall, fault)

    def befall(self, fault: Fault) -> None:
        """It happens now."""
        act = getattr(self, f"_{fault.kind}", None) or self._telegram
        if act(fault):
            self.befallen.append(fault)

    # --- the line ---

    def _wire(self, way: str, device: str, telegram: object) -> tuple[int, ...]:
        now_ms = self._twin.now_ms
        delays = self._inner(way, device, telegram)
        if not delays:
            return ()
        delay_ms = delays[0]
        waiting = self._next.get((way, device))
        kind, extra_ms = waiting.pop(0) if waiting else ("", 0)
        if kind in ("telegram_lost", "telegram_late"):
            delay_ms += extra_ms
        if way == "up":
            delay_ms = max(delay_ms, self._stale_until_ms.get(device, 0) - now_ms)
        elif now_ms < self._slow[0]:
            delay_ms += self._slow[1]
        arrives_ms = max(now_ms + delay_ms, self._arrived_ms.get((way, device), 0))
        self._arrived_ms[way, device] = arrives_ms
        delay_ms = arrives_ms - now_ms
        if kind in ("telegram_doubled", "telegram_reordered"):
            return (delay_ms, delay_ms + extra_ms)
        return (delay_ms, *(d for d in delays[1:]))

    def _telegram(self, fault: Fault) -> bool:
        """The next telegrams of a device; a copy of a report is no news right behind it, and worse later."""
        match fault.kind:
            case "telegram_lost":
                how = (str(fault.value("way")), fault.number("count"), RESEND_MS)
            case "telegram_late":
                how = (str(fault.value("way")), fault.number("count"), fault.number("delay_ms"))
            case "telegram_doubled":
                how = (str(fault.value("way")), fault.number("count"), 0)
            case _:
                how = ("down", 1, fault.number("delay_ms"))
        way, count, extra_ms = how
        self._next.setdefault((way, fault.target), []).extend([(fault.kind, extra_ms)] * count)
        return True

    def _stale_value(self, fault: Fault) -> bool:
        self._stale_until_ms[fault.target] = self._twin.now_ms + fault.number("for_ms")
        return True

    def _disk_slow(self, fault: Fault) -> bool:
        self._slow = (self._twin.now_ms + fault.number("for_ms"), fault.number("delay_ms"))
        return True

    # --- PLCs and machines ---

    def _connection_dropped(self, fault: Fault) -> bool:
        self._twin.cut(fault.target, restored_after_ms=fault.number("for_ms"))
        return True

    def _plc_restart(self, fault: Fault) -> bool:
        self._twin.restart(fault.target, restored_after_ms=fault.number("for_ms"))
        return True

    def _plc_restart_wiped(self, fault: Fault) -> bool:
        self._twin.restart(fault.target, wiped=True, restored_after_ms=fault.number("for_ms"))
        return True

    def _device_fault(self, fault: Fault) -> bool:
        conveyor = self._twin.warehouse.layout.kinds[fault.target] is Kind.CONVEYOR
        if conveyor:
            self._twin.inject(fault.target, "fault", device=fault.target, alarm=alarm_of(fault, conveyor=True))
            return True
        self._when_loaded(fault, self._twin.now_ms + WAIT_MS_MAX)
        return True

    def _when_loaded(self, fault: Fault, until_ms: int) -> None:
        wanted = EYE_LOAD.get(str(fault.value("when")))
        if wanted is None or bool(self._twin.world.loads(fault.target)) is wanted:
            self._twin.inject(fault.target, "fault", alarm=alarm_of(fault, conveyor=False))
        elif self._twin.now_ms < until_ms:
            self._twin.env.call_in(LOOK_MS, self._when_loaded, fault, until_ms)

    def _wrong_location(self, fault: Fault) -> bool:
        """It says once that it stands elsewhere, and later where it is."""
        machine = self._twin.machine_of(fault.target)
        status = machine.status(fault.target)
        nodes = sorted(node.number for node in self._twin.plant.track.nodes)
        wrong = nodes[(nodes.index(status.confirmed[0]) + 1) % len(nodes)] if status.confirmed[0] in nodes else nodes[0]
        self._say(fault.target, msgspec.structs.replace(status, confirmed=(wrong, *status.confirmed[1:])))
        self._later(fault, lambda: self._say(fault.target, machine.status(fault.target)))
        return True

    def _say(self, device: str, status: DeviceStatus) -> None:
        battery = self._twin.machine_of(device).battery_permille(device)
        report = StatusChanged(device=device, status=status, battery_permille=battery)
        self._twin.env.call_in(self._wire("up", device, report)[0], self._hear, report)

    def _hear(self, report: StatusChanged) -> None:
        row = self._twin.warehouse.state.device.get(report.device)
        if row is not None and row.link is e.Link.SYNCHRONISED:
            self._twin.handle(v.DeviceReported(at_ms=self._twin.now_ms, report=report))

    def _operator_pause(self, fault: Fault) -> bool:
        self._twin.inject(fault.target, "mode", mode="manual")
        self._later(fault, lambda: self._twin.inject(fault.target, "mode", mode="automatic"))
        return True

    def _no_read(self, fault: Fault) -> bool:
        self._twin.inject(self._conveyor_of(fault.target), "no_read", point=fault.target, count=fault.number("count"))
        return True

    def _stuck_photo_eye(self, fault: Fault) -> bool:
        device = self._conveyor_of(fault.target)
        self._twin.inject(device, "stuck_photo_eye", transfer_point=fault.target)
        self._later(fault, lambda: self._twin.inject(device, "free_photo_eye", transfer_point=fault.target))
        return True

    def _conveyor_of(self, place: str) -> str:
        return next(
            conveyor.devices[0]
            for conveyor in self._twin.plant.conveyors
            if place in {*(p.name for p in conveyor.points), *(p.name for p in conveyor.transfer_points)}
        )

    def _later(self, fault: Fault, act: Callable[[], None]) -> None:
        self._twin.env.call_in(fault.number("for_ms"), act)

    # --- people and goods ---

    def _bin_occupied(self, fault: Fault) -> bool:
        """A stranger stands in a bin that a device is bound for."""
        state, layout, world = self._twin.warehouse.state, self._twin.warehouse.layout, self._twin.world
        bound = sorted({task.sink for task in state.task if layout.is_location(task.sink)})
        place = fault.target if fault.target != ANY else _one_of(bound, fault)
        if place is None:
            return False
        self._strangers += 1
        number, kind = self._strangers, self._twin.plant.load_types[0]
        load = Load(number=number, barcode=f"X{number}", load_type=kind.number, mass_g=kind.mass_empty_g, height_mm=100)
        return self._in_the_building(lambda: world.place(load, place, by="stranger", now_ms=self._twin.now_ms))

    def _bin_empty(self, fault: Fault) -> bool:
        """A load unit that somebody wants is gone from its bin."""
        state, layout, world = self._twin.warehouse.state, self._twin.warehouse.layout, self._twin.world
        wanted = sorted({r.load_unit for r in state.reservation} | {t.load_unit for t in state.transport})
        units = [n for n in wanted if layout.is_location(world.place_of(n))]
        if fault.target == ANY:
            number = _one_of(units, fault)
        else:
            number = next((load.number for load in world.loads(fault.target)), None)
        if number is None:
            return False
        source = world.place_of(number)
        gone = self._in_the_building(lambda: world.move(number, source, LOST, by="thief", now_ms=self._twin.now_ms))
        if gone:
            self.carried_off.add(number)
        return gone

    def _in_the_building(self, act: Callable[[], None]) -> bool:
        try:
            act()
        except WorldRefused:
            return False  # somebody stands there already
        return True

    def _order_withdrawn(self, fault: Fault) -> bool:
        number = fault.target
        if number == ANY:
            found = _one_of(sorted(self._twin.warehouse.state.orders_open), fault)
            if found is None:
                return False
            number = found
        try:
            self._twin.handle(v.OrderCancelRequested(at_ms=self._twin.now_ms, actor="shop", number=number))
        except RequestRefused:
            return False  # it is packed, or was never known
        return True


def _one_of(candidates: list[T], fault: Fault) -> T | None:
    """The share of the draw decides: one candidate more or less changes little."""
    return candidates[fault.number("draw") * len(candidates) // DRAWS] if candidates else None
