"""Layouts that are compared: plants by shipped name or file, what tells them apart, and articles that fit into all.

Rule: layouts are compared on the same articles, so on the same orders; what is drawn depends on no plant.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from msgspec.structs import replace

from simulation.spec import RunSpec
from simulation.workload import Workload
from wcs.plant.file import SHIPPED_PLANTS


def layout_names(named: Sequence[str]) -> dict[str, str]:
    """A short name of each plant that was named: its file's without the ending, or as written where two share it.

    >>> layout_names(["tiny", "layouts/wide.toml"])
    {'tiny': 'tiny', 'layouts/wide.toml': 'wide'}
    >>> layout_names(["a/hall.toml", "b/hall.toml"])
    {'a/hall.toml': 'a/hall.toml', 'b/hall.toml': 'b/hall.toml'}
    """
    stems = {one: one if one in SHIPPED_PLANTS else PurePath(one).stem for one in named}
    return {one: stem if list(stems.values()).count(stem) == 1 else one for one, stem in stems.items()}


def named_twice(named: Sequence[str], folder: Path) -> str:
    """The first that is a plant named before, also by another way to its file; empty: none is."""
    seen: set[str] = set()
    for one in named:
        place = one if one in SHIPPED_PLANTS else str((folder / one).absolute().resolve())
        if place in seen:
            return one
        seen.add(place)
    return ""


def with_same_articles(specs: Sequence[RunSpec]) -> list[RunSpec]:
    """The specs, all with as many articles as fill the smallest of their plants; where that is said, it stays."""
    usual = [0 if spec.workload.sku_count else Workload(spec.plant, spec.seed).sku_count for spec in specs]
    counts = {count for count in usual if count}
    if len(counts) < 2:
        return list(specs)
    return [
        replace(spec, workload=replace(spec.workload, sku_count=min(counts))) if count else spec
        for spec, count in zip(specs, usual, strict=True)
    ]
