"""The policies that a site may choose by name; the first of each kind is its default.

Rule: a name stands in POLICIES only when the mind has the policy and every host hands it on: a site file or an
experiment that names it gets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from wcs.plant.model import Record

POLICIES: Mapping[str, tuple[str, ...]] = {
    "putaway": ("travel_time",),
    "reservation": ("first_expired_first_out",),
    "release": ("downstream_capacity",),
    "pairing": ("dual_command",),
    "vehicle_choice": ("nearest",),
}


class Policies(Record):
    """What one mind decides by. Only deciding reads it: facts are applied the same under any policies.

    pairing: which of its waiting legs a crane takes: storage and retrieval in turn, or the oldest whatever it is.
    """

    pairing: Literal["dual_command", "oldest_first"] = "dual_command"


DEFAULT_POLICIES = Policies()
