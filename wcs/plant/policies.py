"""The policies that a site may choose by name; the first of each kind is its default.

Rule: a name stands here only when the mind has the policy.
"""

from __future__ import annotations

from collections.abc import Mapping

POLICIES: Mapping[str, tuple[str, ...]] = {
    "putaway": ("travel_time",),
    "reservation": ("first_expired_first_out",),
    "release": ("downstream_capacity",),
    "pairing": ("dual_command",),
    "vehicle_choice": ("nearest",),
}
