"""Short names of scenarios: what all labels share tells nobody which is which."""

from __future__ import annotations

import re
from collections.abc import Sequence

SEPARATOR = ", "
FLEET = re.compile("([0-9]+) vehicles?")


def short_names(labels: Sequence[str]) -> dict[str, str]:
    """A short name by label: without the parts that all of them have, and without the tables before keys.

    Labels that would no longer be told apart stay as they are.

    >>> list(short_names(["vehicles=2, policies.pairing=a, x=1", "vehicles=4, policies.pairing=a, x=1"]).values())
    ['vehicles=2', 'vehicles=4']
    >>> short_names(["policies.pairing=a"])
    {'policies.pairing=a': 'pairing=a'}
    """
    parts = {label: label.split(SEPARATOR) for label in labels}
    shared = set.intersection(*map(set, parts.values())) if len(parts) > 1 else set()
    keys = {part.partition("=")[0] for split in parts.values() for part in split if "=" in part}
    last = [key.rpartition(".")[2] for key in keys]

    def short(part: str) -> str:
        key, equals, value = part.partition("=")
        own = key.rpartition(".")[2]
        return f"{own}={value}" if equals and last.count(own) == 1 else part

    names = {
        label: SEPARATOR.join(short(part) for part in split if part not in shared) or label
        for label, split in parts.items()
    }
    return names if len(set(names.values())) == len(names) else {label: label for label in labels}


def in_both_languages(name: str) -> tuple[str, str]:
    """A scenario's name in English and Chinese: names that people or files have given are alike in both.

    >>> in_both_languages("2 vehicles"), in_both_languages("vehicles=2")
    (('2 vehicles', '2 台 AGV'), ('vehicles=2', 'vehicles=2'))
    """
    fleet = FLEET.fullmatch(name)
    return name, f"{fleet[1]} 台 AGV" if fleet else name
