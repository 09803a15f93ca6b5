"""Making what fails smaller: fewer kinds of faults, fewer faults, fewer orders; and writing it as a test.

Rule: a smaller campaign counts only if it fails as the first one did (the same first words), else one bug would lead to
another. Delta debugging with a limit (Zeller and Hildebrandt 2002, "Simplifying and Isolating Failure-Inducing Input").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from simulation.campaign import Campaign
from simulation.faults import Fault

TRIALS_MAX = 120  # runs of well under a second each: half a minute for a failure is well spent, more is not
WORDS = 3  # of the message that name the failure: what follows are numbers and names
T = TypeVar("T")

Outcome = Callable[[Campaign], "str | None"]
"""Runs a campaign: what broke, or None if it went well."""


def nature(message: str) -> str:
    """What kind of failure this is: its first words, without numbers and names of the run."""
    return " ".join(re.findall(r"[A-Za-z]+", message.split("\n", 1)[0])[:WORDS])


def shrink(campaign: Campaign, message: str, outcome: Outcome, *, trials_max: int = TRIALS_MAX) -> Campaign:
    """A small campaign that fails in the same way as this one did with `message`; at worst the same one."""
    return _Shrinking(campaign, nature(message), outcome, trials_max).smallest()


class _Shrinking:
    def __init__(self, campaign: Campaign, wanted: str, outcome: Outcome, trials: int) -> None:
        self._best = msgspec.structs.replace(campaign, faults=campaign.drawn())
        self._wanted = wanted
        self._outcome = outcome
        self._trials = trials

    def smallest(self) -> Campaign:
        for kind in sorted({fault.kind for fault in self._faults()}):
            self._try(faults=tuple(f for f in self._faults() if f.kind != kind))
        self._fewer_faults()
        for name in ("orders", "deliveries"):
            self._lower(name)
        self._fewer_faults()
        return self._best

    def _faults(self) -> tuple[Fault, ...]:
        assert self._best.faults is not None
        return self._best.faults

    def _try(self, **changes: object) -> bool:
        """Take the smaller one if it still fails."""
        if self._trials <= 0:
            return False
        self._trials -= 1
        smaller = msgspec.structs.replace(self._best, **changes)
        message = self._outcome(smaller)
        if message is None or nature(message) != self._wanted:
            return False
        self._best = smaller
        return True

    def _fewer_faults(self) -> None:
        """Leave out a half, a quarter, … and at last one at a time; the last ones first, for a shorter run."""
        size = max(1, len(self._faults()) // 2)
        while size and self._trials > 0:
            end = len(self._faults())
            while end > 0:
                faults = self._faults()
                self._try(faults=_without(faults, max(0, end - size), end))
                end -= size
            size //= 2

    def _lower(self, name: str) -> None:
        """The smallest number that still fails, by halving."""
        low, high = 0, int(getattr(self._best, name))
        while low < high and self._trials > 0:
            middle = (low + high) // 2
            if self._try(**{name: middle}):
                high = middle
            else:
                low = middle + 1


def _without(items: Sequence[T], first: int, end: int) -> tuple[T, ...]:
    return (*items[:first], *items[end:])


def as_test(campaign: Campaign, message: str) -> str:
    """The text of a test file that runs this campaign; give it a better name when it is kept."""
    words = re.findall(r"[a-z]+", message.split("\n", 1)[0].lower())[:6]
    name = "_".join(["test", "seed", str(campaign.seed), "of", campaign.plant, *words])
    faults = "".join(
        f"        Fault(at_ms={f.at_ms}, kind={_text(f.kind)}, target={_text(f.target)}, arguments={_plain(f)}),\n"
        for f in campaign.drawn()
    )
    told = "".join(f"# {line.strip()[:110]}\n" for line in message.splitlines()[:4])
    within = f"(\n{faults}    )" if faults else "()"
    return (
        f'"""Found by a seeded campaign, and made small."""\n\nfrom __future__ import annotations\n\n'
        f"from simulation.campaign import Campaign, run_campaign\n"
        f"{'from simulation.faults import Fault' + chr(10) if faults else ''}\n{told}\n\n"
        f"def {name}() -> None:\n    faults = {within}\n"
        f"    run_campaign(\n        Campaign(plant={_text(campaign.plant)}, seed={campaign.seed}, "
        f"orders={campaign.orders}, deliveries={campaign.deliveries}, faults=faults)\n    )\n"
    )


def _text(text: str) -> str:
    return f'"{text}"'


def _plain(fault: Fault) -> str:
    return msgspec.json.encode(dict(fault.arguments)).decode().replace(":", ": ").replace(",", ", ")
