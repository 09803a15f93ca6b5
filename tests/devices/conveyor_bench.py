"""Small named conveyors for the conveyor tests, and a bench that drives one: times can be worked out by hand.

Every belt runs at 500 mm/s; a segment of 2 m takes 4 s and holds 2 loads (pitch 2 s) unless said otherwise.
"""

from __future__ import annotations

from devices.machines.conveyor import ConveyorMachine, ConveyorMemory
from devices.machines.machine import Load
from devices.machines.world import MemoryWorld, WorldLine
from wcs.core.ports import (
    AckCode,
    CommandCode,
    DeviceCommand,
    DeviceStatus,
    PointDecision,
    PointStatus,
    TransferAck,
    TransferStatus,
)
from wcs.plant.model import (
    Conveyor,
    LoadType,
    Plant,
    Plc,
    Point,
    PointKind,
    Protocol,
    Segment,
    Track,
    TransferPoint,
)

TOTE = LoadType(name="TOTE", number=1, height_max_mm=320, mass_max_g=30_000, mass_empty_g=2_000)
HOUR_MS = 3_600_000


def tote(number: int, *, mass_g: int = 5_000, height_mm: int = 200, barcode: str | None = None) -> Load:
    """A load of 5 kg with a label that can be read."""
    label = f"T{number}" if barcode is None else barcode
    return Load(number=number, barcode=label, load_type=1, mass_g=mass_g, height_mm=height_mm)


def segment(origin: str, end: str, *, length_mm: int = 2_000, capacity: int = 2) -> Segment:
    """Named after its ends."""
    return Segment(
        name=f"{origin}-{end}", origin=origin, end=end, length_mm=length_mm, speed_mm_s=500, capacity=capacity
    )


def point(name: str, index: int, exits: dict[int, str], *, deadline_ms: int = 2_000, device: str = "CV1") -> Point:
    """A scanner with scale and contour check before a divert; without deadline, a station."""
    return Point(
        name=name,
        device=device,
        index=index,
        kind=PointKind.DECISION if deadline_ms else PointKind.STATION,
        deadline_ms=deadline_ms,
        default_exit=1,
        exits=exits,
        scale=True,
        contour=True,
    )


def conveyor(
    *segments: Segment,
    transfer_points: tuple[str, ...],
    points: tuple[Point, ...] = (),
    merges: tuple[str, ...] = (),
    devices: tuple[str, ...] = ("CV1",),
) -> Conveyor:
    """A conveyor whose transfer points all belong to its first block."""
    places = tuple(
        TransferPoint(name=name, device=devices[0], index=index) for index, name in enumerate(transfer_points)
    )
    return Conveyor(name="CV", devices=devices, merges=merges, transfer_points=places, points=points, segments=segments)


def straight() -> Conveyor:
    """IN ─▶ OUT: entry 0 to exit 1."""
    return conveyor(segment("IN", "OUT"), transfer_points=("IN", "OUT"))


def table() -> Conveyor:
    """A dock place without a belt."""
    return conveyor(transfer_points=("T",))


def fork_in_the_way(*, deadline_ms: int = 2_000, capacity: int = 2) -> Conveyor:
    """IN ─▶ D, where exit 1 (default) leads to A and exit 2 to B."""
    return conveyor(
        segment("IN", "D"),
        segment("D", "A", capacity=capacity),
        segment("D", "B", capacity=1),
        transfer_points=("IN", "A", "B"),
        points=(point("D", 0, {1: "D-A", 2: "D-B"}, deadline_ms=deadline_ms),),
    )


def two_become_one() -> Conveyor:
    """IN1 and IN2 ─▶ M ─▶ OUT."""
    return conveyor(
        segment("IN1", "M"),
        segment("IN2", "M"),
        segment("M", "OUT"),
        transfer_points=("IN1", "IN2", "OUT"),
        merges=("M",),
    )


def loop() -> Conveyor:
    """IN ─▶ M ─▶ D ─▶ (default) M, exit 2 to OUT; the belts behind D belong to a second block. Six slots."""
    return conveyor(
        segment("IN", "M"),
        segment("M", "D", capacity=3),
        segment("D", "N", capacity=2),
        segment("N", "M", capacity=1),
        segment("IN2", "N"),
        segment("D", "OUT", capacity=1),
        transfer_points=("IN", "OUT", "IN2"),
        points=(point("D", 0, {1: "D-N", 2: "D-OUT"}, device="CV2"),),
        merges=("M", "N"),
        devices=("CV1", "CV2"),
    )


LOOP = ("M-D", "D-N", "N-M")
LOOP_SLOTS = 6


class ConveyorBench:
    """A conveyor, its world and the time. A new bench is switched on and running."""

    def __init__(self, plan: Conveyor, *, deadline_factor: int = 1, running: bool = True) -> None:
        self.lines: list[WorldLine] = []
        self.kept: list[ConveyorMemory] = []
        self.plan = plan
        self.world = MemoryWorld(plant_of(plan), self.lines.append)
        self.deadline_factor = deadline_factor
        self.machine = self.new_machine()
        self.now_ms = 0
        self.sequence = 0
        if running:
            self.send_all(CommandCode.RESUME)

    def new_machine(self) -> ConveyorMachine:
        """A controller that knows nothing yet, in the same world."""
        return ConveyorMachine(
            self.plan,
            self.world,
            load_types=(TOTE,),
            deadline_factor=self.deadline_factor,
            keep=self.kept.append,
        )

    def send(
        self, code: CommandCode, device: str = "CV1", *, task_number: int = 0, p1: int = 0, epoch: int = 1
    ) -> AckCode:
        """One fresh telegram; how it was judged."""
        self.sequence += 1
        command = DeviceCommand(
            device=device, epoch=epoch, sequence=self.sequence, code=code, task_number=task_number, p1=p1
        )
        self.machine.command(command, self.now_ms)
        return self.status(device).ack_code

    def send_all(self, code: CommandCode) -> None:
        """The same to every block."""
        for device in self.plan.devices:
            self.send(code, device)

    def put(self, load: Load, place: str) -> None:
        """A person sets a load down, and the photo-eye sees it at once."""
        self.world.place(load, place, by="person", now_ms=self.now_ms)
        self.machine.advance(self.now_ms)

    def lift(self, number: int, place: str) -> None:
        """A person takes a load out of the building."""
        self.world.move(number, place, "outside", by="person", now_ms=self.now_ms)
        self.machine.advance(self.now_ms)

    def acknowledge(self, index: int) -> None:
        """The WCS has seen the transfer point's last event."""
        sequence = self.transfer(index).event_sequence
        self.machine.command(
            TransferAck(device=self.plan.devices[0], transfer=index, event_sequence=sequence), self.now_ms
        )

    def decide(
        self,
        exit_number: int,
        *,
        device: str = "CV1",
        scan: int | None = None,
        track: int | None = None,
        epoch: int = 1,
    ) -> None:
        """The WCS answers at point 0."""
        event = self.point(device)
        self.machine.command(
            PointDecision(
                device=device,
                point=0,
                scan_sequence=event.scan_sequence if scan is None else scan,
                track=event.track if track is None else track,
                exit=exit_number,
                epoch=epoch,
            ),
            self.now_ms,
        )

    def wait(self, until_ms: int) -> None:
        """Let time pass, from one due time to the next."""
        while (due := self.machine.next_due_ms()) is not None and due <= until_ms:
            self.now_ms = max(self.now_ms, due)
            self.machine.advance(self.now_ms)
        self.now_ms = until_ms
        self.machine.advance(self.now_ms)

    def power_cycle(self, memory: ConveyorMemory | None) -> None:
        """The controller dies; another one starts in the same world."""
        self.machine = self.new_machine()
        self.machine.restart(memory, self.now_ms)

    def status(self, device: str = "CV1") -> DeviceStatus:
        return self.machine.snapshot(device).status

    def transfer(self, index: int) -> TransferStatus:
        return self.machine.snapshot(self.plan.devices[0]).transfers[index]

    def point(self, device: str = "CV1") -> PointStatus:
        return self.machine.snapshot(device).points[0]

    def at(self, place: str) -> list[int]:
        """Load numbers at a place, in order of arrival."""
        return [load.number for load in self.world.loads(place)]

    def times(self, sink: str) -> list[int]:
        """When loads came to a place."""
        return [line.time_ms for line in self.lines if line.sink == sink]


def plant_of(plan: Conveyor) -> Plant:
    """A building with nothing but this conveyor."""
    return Plant(
        name="small",
        load_types=(TOTE,),
        aisles=(),
        cranes=(),
        conveyors=(plan,),
        stations=(),
        docks=(),
        clarification_points=(),
        track=Track(),
        vehicles=(),
        plcs=(Plc(name="PLC1", protocol=Protocol.MODBUS, devices=plan.devices),),
    )
