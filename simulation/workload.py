"""What the shops want and the suppliers bring: seeded SKUs, opening stock, orders of 1 to 4 lines, deliveries.

Rule: order n is the same whatever happened before it, so a run that goes on after a stop goes on with the same orders.
"""

from __future__ import annotations

from simulation.chance import Chance
from wcs.core.entities import DeliveryLine, LoadUnitRole, Sku
from wcs.core.events import OpeningLoadUnit, OrderLineWish, StockQuantity
from wcs.plant.locations import LocationTable
from wcs.plant.model import Plant

DAY_MS = 86_400_000
UNITS_A_LOAD = (12, 40)
FILL = 0.55  # share of the locations with stock at opening
FILL_EMPTY = 0.15  # and with empties: each order takes one away, each emptied source gives one back
LINES_MAX = 4
ABC_SKEW = 2.0  # of uniform draws: about half of the lines fall on a quarter of the SKUs


class Workload:
    """One seed's world of goods for one plant."""

    def __init__(self, plant: Plant, seed: int, *, sku_count: int = 0, prefix: str = "SO") -> None:
        self.plant = plant
        self.chance = Chance(seed)
        self.locations = LocationTable(plant)
        self.prefix = prefix
        self.sku_count = sku_count or max(4, self.locations.count // 12)
        self.load_type = plant.load_types[0]

    def skus(self) -> list[Sku]:
        """The articles, named S0001 and so on; the first are the fast movers."""
        return [
            Sku(
                sku=f"S{n + 1:04d}",
                name=f"Article {n + 1}",
                unit_mass_g=self.chance.integer(100, 400, "sku_mass", n),
                life_at_shipping_ms=7 * DAY_MS if n % 3 == 0 else 0,
            )
            for n in range(self.sku_count)
        ]

    def opening(self, at_ms: int, extra: tuple[str, ...] = ()) -> list[OpeningLoadUnit]:
        """Opening stock: load units over all aisles, every SKU on several; `extra` SKUs of an orders file too."""
        skus = self.skus()
        names = [*extra, *(s.sku for s in skus)]
        mass = {s.sku: s.unit_mass_g for s in skus}
        stocked = max(int(self.locations.count * FILL), min(2 * len(names), int(self.locations.count * 0.75)))
        empties = int(self.locations.count * FILL_EMPTY)
        places = sorted(range(self.locations.count), key=lambda n: self.chance.unit("opening_place", n))
        units = []
        for n, index in enumerate(places[: stocked + empties]):
            content: tuple[StockQuantity, ...] = ()
            mass_g = self.load_type.mass_empty_g
            if n < stocked:
                sku = names[n % len(names)]
                quantity = self.chance.integer(*UNITS_A_LOAD, "opening_quantity", n)
                mass_g += quantity * mass.get(sku, 200)
                expires = n % len(names) % 3 == 0
                life = self.chance.integer(30, 365, "opening_life", n) * DAY_MS
                content = (
                    StockQuantity(
                        sku=sku, lot=f"L{n:05d}", quantity=quantity, expiry_ms=at_ms + life if expires else None
                    ),
                )
            units.append(
                OpeningLoadUnit(
                    barcode=f"T{n + 1:06d}",
                    load_type=self.load_type.number,
                    place=self.locations.name(index),
                    role=LoadUnitRole.STOCK if n < stocked else LoadUnitRole.EMPTY,
                    mass_g=min(mass_g, self.load_type.mass_max_g),
                    height_mm=self.load_type.height_max_mm,
                    contents=content,
                    load_unit=n + 1,
                )
            )
        return units

    def order(self, n: int) -> tuple[str, tuple[OrderLineWish, ...]]:
        """Order number n (from 1): 1 to 4 lines of different SKUs, fast movers more often."""
        lines: dict[str, int] = {}
        for counter in range(self.chance.integer(1, LINES_MAX, "order_lines", n)):
            rank = int(self.chance.unit("order_sku", n, counter) ** ABC_SKEW * self.sku_count)
            lines[f"S{rank + 1:04d}"] = self.chance.integer(1, 4, "order_quantity", n, counter)
        number = f"{self.prefix}{n:06d}"
        return number, tuple(OrderLineWish(sku=sku, quantity=quantity) for sku, quantity in lines.items())

    def delivery(self, n: int, at_ms: int) -> tuple[str, tuple[DeliveryLine, ...]]:
        """Delivery number n: one or two load units of what sells."""
        number = f"DL{n:05d}"
        lines = []
        for line in range(1, 1 + self.chance.integer(1, 2, "delivery_lines", n)):
            rank = int(self.chance.unit("delivery_sku", n, line) ** ABC_SKEW * self.sku_count)
            life = self.chance.integer(60, 365, "delivery_life", n, line) * DAY_MS
            lines.append(
                DeliveryLine(
                    delivery=number,
                    line=line,
                    barcode=f"T{500_000 + 10 * n + line:06d}",
                    sku=f"S{rank + 1:04d}",
                    lot=f"{number}-{line}",
                    quantity=self.chance.integer(*UNITS_A_LOAD, "delivery_quantity", n, line),
                    expiry_ms=at_ms + life if rank % 3 == 0 else None,
                )
            )
        return number, tuple(lines)


def number_of(barcode: str) -> int:
    """The load unit number that is printed on the labels of this workload."""
    return int(barcode[1:])
