"""The policies that a site may choose by name; the first of each kind is its default.

Rule: a name stands in POLICIES only when the mind has the policy and every host hands it on: a site file or an
experiment that names it gets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from wcs.plant.model import Record

POLICIES: Mapping[str, tuple[str, ...]] = {
    "putaway": ("travel_time",),
    "reservation": ("first_expired_first_out",),
    "release": ("downstream_capacity",),
    "pairing": ("dual_command", "oldest_first"),
    "vehicle_choice": ("nearest", "longest_idle"),
}


class Policies(Record):
    """What one mind decides by. Only deciding reads it: facts are applied the same under any policies.

    pairing: which of its waiting legs a crane takes: storage and retrieval in turn, or the oldest whatever it is.
    vehicle_choice: which free vehicle takes a leg: the one that is soonest there, or the one that has stood longest.
    """

    pairing: Literal["dual_command", "oldest_first"] = "dual_command"
    vehicle_choice: Literal["nearest", "longest_idle"] = "nearest"


def policies_of(named: Mapping[str, str]) -> Policies:
    """The policies that these names stand for; a kind with one name only needs no word in the mind.

    Raises:
        msgspec.ValidationError: a name that its kind does not have.
    """
    return msgspec.convert({k: v for k, v in named.items() if k in Policies.__struct_fields__}, Policies)


DEFAULT_POLICIES = Policies()
