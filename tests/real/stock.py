"""A small opening stock that a test can reckon with: in each aisle one article and some empty totes.

Articles LEFT (aisle A1, crane CR1, OPC UA) and RIGHT (aisle A2, crane CR2, Modbus): whoever orders one knows which
crane will move. Load units 101.. stand in A1, 201.. in A2; the first three of each hold ten pieces, the others nothing.
"""

from __future__ import annotations

from devices.machines.machine import Load
from tests.real.plant_at_work import PlantAtWork
from wcs.core import events as v
from wcs.core.entities import LoadUnitRole, Sku

STOCKED, EMPTIES = 3, 3
QUANTITY = 10
UNIT_MASS_G = 100
EMPTY_MASS_G = 2_000
HEIGHT_MM = 320


def opening_stock() -> list[v.OpeningLoadUnit]:
    """Bays from the far end of the left rack, level 1 and 2: the cranes have some way to go."""
    units = []
    for aisle, sku, first in (("A1", "LEFT", 101), ("A2", "RIGHT", 201)):
        for n in range(STOCKED + EMPTIES):
            stocked = n < STOCKED
            contents = (v.StockQuantity(sku=sku, lot=f"{sku}{n}", quantity=QUANTITY),) if stocked else ()
            units.append(
                v.OpeningLoadUnit(
                    barcode=f"T{first + n:06d}",
                    load_type=1,
                    place=f"{aisle}-L-{5 - n % 3:02d}-{1 + n // 3:02d}-1",
                    role=LoadUnitRole.STOCK if stocked else LoadUnitRole.EMPTY,
                    mass_g=EMPTY_MASS_G + (QUANTITY * UNIT_MASS_G if stocked else 0),
                    height_mm=HEIGHT_MM,
                    contents=contents,
                    load_unit=first + n,
                )
            )
    return units


def open_the_books(works: PlantAtWork) -> None:
    """Define the articles and open with this stock, in the building and on paper."""
    for sku in ("LEFT", "RIGHT"):
        define(works, Sku(sku=sku, name=sku, unit_mass_g=UNIT_MASS_G))
    put_in_racks(works, opening_stock())


def define(works: PlantAtWork, article: Sku) -> None:
    """One article."""
    works.do(lambda at_ms: v.SkuChanged(at_ms=at_ms, actor="clerk", sku=article))


def put_in_racks(works: PlantAtWork, units: list[v.OpeningLoadUnit]) -> None:
    """More opening stock."""
    loads = [
        (
            Load(number=u.load_unit, barcode=u.barcode, load_type=u.load_type, mass_g=u.mass_g, height_mm=u.height_mm),
            u.place,
        )
        for u in units
    ]
    works.world.place_all(loads, by="opening")
    works.do(lambda at_ms: v.StockOpened(at_ms=at_ms, actor="clerk", load_units=tuple(units)))
