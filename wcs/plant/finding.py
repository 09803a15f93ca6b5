"""What is wrong with a plant or a site: where and why."""

from __future__ import annotations

from wcs.plant.model import Record


class Finding(Record):
    """One reason to refuse: `key` is the place in the file, dotted, an array's element by its name."""

    key: str
    reason: str
