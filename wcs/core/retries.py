"""When a device that refused its last task is asked again.

    refused ── 1 s ── 2 s ── 4 s ── 8 s ── 16 s ── 32 s ── 64 s ── 96 s ── … 1 h, until it accepts or is seen able anew

Rule: ages count from the alarm that the first refusal raised, so nothing else has to be remembered; an operator who
answers the alarm has the device asked at once. After an hour only that, or the device seen able anew, has it asked.
"""

from __future__ import annotations

from wcs.core.turn import Turn

REFUSED = "task_refused"
RETRY_FIRST_MS = 1_000  # most causes pass by themselves: a homing that ends, a mode that is switched back
# A cause that a person must remove takes minutes: half of one more harms nobody, and a device that refuses all night
# leaves some hundred lines an hour in the journal instead of thousands.
RETRY_LAST_MS = 32_000
# What has stood for so long does not pass by itself: from then on the alarm holds the device.
RETRY_UNTIL_MS = 3_600_000


def awaits_retry(turn: Turn, device: str) -> bool:
    """Whether the device has refused and its time to be asked again has not come in this turn."""
    return device not in turn.asked_again and turn.state.has_alarm(device, REFUSED)


def reason(turn: Turn, device: str) -> str:
    """Why a device that awaits its retry gets no task now."""
    alarms = [turn.state.alarm[number] for number in turn.state.alarms_of_subject.get(device, ())]
    youngest_ms = max((alarm.raised_ms for alarm in alarms if alarm.code == REFUSED), default=turn.now_ms)
    if turn.now_ms - youngest_ms > RETRY_UNTIL_MS:
        return "refuses its tasks: held until its alarm is answered"
    return f"refused its last task: asked again within {RETRY_LAST_MS // 1000} s"


def ask_again(turn: Turn, since_ms: int) -> None:
    """Wake every device whose time has come since the last tick."""
    for alarm in turn.state.alarm:
        if alarm.code == REFUSED and is_due(since_ms - alarm.raised_ms, turn.now_ms - alarm.raised_ms):
            turn.asked_again[alarm.subject] = None
            turn.wake(alarm.subject)  # a vehicle's fleet looks at every tick


def is_due(age_before_ms: int, age_ms: int) -> bool:
    """Whether a time to ask lies between two looks; the gaps double from the first to the last."""
    if age_before_ms < RETRY_FIRST_MS:
        return age_ms >= RETRY_FIRST_MS
    if age_ms > RETRY_UNTIL_MS:
        return False
    doublings = (age_before_ms // RETRY_FIRST_MS).bit_length() - 1
    gap_ms = min(RETRY_LAST_MS, RETRY_FIRST_MS << doublings)
    return age_ms // gap_ms > age_before_ms // gap_ms
