"""The wires of a twin: how long each telegram takes, none overtaking another of its device and way."""

from __future__ import annotations

from simulation.clock import Clock
from simulation.latency import Latency
from simulation.twin import Wire


def timed_wire(latency: Latency, clock: Clock) -> Wire:
    """A wire with drawn delays. A command also waits for the planning that precedes it."""
    sent: dict[tuple[str, str], tuple[int, int]] = {}  # how many, and when the last one arrives

    def wire(way: str, device: str, telegram: object) -> tuple[int, ...]:
        count, last_ms = sent.get((way, device), (0, 0))
        delay_ms = latency.delay_ms(device, way, count + 1)
        if way == "down":
            delay_ms += latency.planning_ms(device)
        arrives_ms = max(clock.now_ms + delay_ms, last_ms)
        sent[way, device] = (count + 1, arrives_ms)
        return (arrives_ms - clock.now_ms,)

    return wire
