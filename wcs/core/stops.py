"""A device that stands still in mid-task: who lets it go on.

Rule: after a person's reset it resumes by itself, for that was the act; any other stop asks a person, so that no wait
is without an end. Whether going on is safe the PLC judges by its sensors.
"""

from __future__ import annotations

from wcs.core import entities as e
from wcs.core.layout import Kind
from wcs.core.ports import AckCode, CommandCode, DeviceState, DeviceStatus, OperatingMode
from wcs.core.turn import Turn

STANDING = (DeviceState.PAUSED, DeviceState.INTERRUPTED)


def look(turn: Turn, device: str, status: DeviceStatus) -> None:
    """Resume what a person has reset; ask about what stands for another reason."""
    known = turn.state.device[device]
    if status.state not in STANDING:
        turn.end_alarms(device, "device_stopped", "it goes on")
        return
    if status.mode is not OperatingMode.AUTOMATIC or known.link is not e.Link.SYNCHRONISED or known.command_sequence:
        return
    if known.command_code == CommandCode.RESET_FAULT:
        turn.send(device, CommandCode.RESUME, named(turn, device))
    elif known.command_code != CommandCode.RESUME or status.ack_code is not AckCode.FAULTED:
        # A RESUME that was accepted let it go on, and it has stopped anew; one that was refused (the key had been
        # turned again) must be said again. A fault is asked about by an alarm of its own.
        turn.raise_alarm(
            device, "device_stopped", f"stands {status.state.name.lower()}", answers=answers(turn, device)
        )  # fmt: skip


def named(turn: Turn, device: str) -> int:
    """The task that a command to this device must name: 0 for a conveyor."""
    return turn.state.device[device].task


def answers(turn: Turn, device: str) -> tuple[str, ...]:
    """A tracked device can only go on; a task can be given up as well."""
    return ("resume",) if turn.layout.kinds[device] is Kind.CONVEYOR else ("resume", "cancel")


def answered(turn: Turn, device: str, answer: str) -> None:
    """A person decided."""
    code = CommandCode.CANCEL if answer == "cancel" else CommandCode.RESUME
    turn.send(device, code, named(turn, device))
