"""What the shops want and the suppliers bring: seeded SKUs, opening stock, orders and their moments, deliveries.

Rule: order n is the same whatever happened before it, so a run that goes on after a stop goes on with the same orders,
and two policies are compared on the same ones.
"""

from __future__ import annotations

from simulation.chance import Chance
from simulation.spec import WorkloadSpec
from wcs.core.entities import DeliveryLine, LoadUnitRole, Sku
from wcs.core.events import OpeningLoadUnit, OrderLineWish, StockQuantity
from wcs.plant.locations import LocationTable
from wcs.plant.model import Plant

DAY_MS = 86_400_000
UNITS_A_LOAD = (12, 40)
FILL = 0.55  # share of the locations with stock at opening
FILL_EMPTY = 0.15  # and with empties: each order takes one away, each emptied source gives one back
FILL_MOST = 0.75  # with stock, when there are more SKUs than FILL has room for: the rest is for empties and moves
LOADS_A_SKU = 2  # at opening, where there is room
WARM_REFILL = 1_000_000  # deliveries of a warm start are numbered from here: the site's own numbers are taken
NEIGHBOURS = 5  # ranks on either side from which a basket's further lines are drawn
USUAL = WorkloadSpec()


class Workload:
    """One seed's world of goods for one plant.

    Args:
        plant: where it is stored.
        seed: of everything that is drawn.
        sku_count: how many articles; 0: as `shape` says, or as many as fill the plant.
        prefix: of order numbers.
        shape: how long orders are and what they want.
        names: the articles of a site that runs already, fast movers first; then nothing is opened.
        first_refill: refills are numbered from behind it.
    """

    def __init__(
        self,
        plant: Plant,
        seed: int,
        *,
        sku_count: int = 0,
        prefix: str = "SO",
        shape: WorkloadSpec = USUAL,
        names: tuple[str, ...] = (),
        first_refill: int = 0,
    ) -> None:
        self.plant = plant
        self.chance = Chance(seed)
        self.locations = LocationTable(plant)
        self.prefix = prefix
        self.shape = shape
        self.sku_count = len(names) or sku_count or shape.sku_count or max(4, self.locations.count // 12)
        self.names = names or tuple(f"S{n + 1:04d}" for n in range(self.sku_count))
        self._first_refill = first_refill
        self.load_type = plant.load_types[0]

    def skus(self) -> list[Sku]:
        """The articles, named S0001 and so on; the first are the fast movers."""
        return [
            Sku(
                sku=self.names[n],
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
        stocked = self.stocked(len(names))
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

    def stocked(self, sku_count: int) -> int:
        """Locations with stock at opening, for so many SKUs."""
        count = self.locations.count
        return max(int(count * FILL), min(LOADS_A_SKU * sku_count, int(count * FILL_MOST)))

    def order(self, n: int) -> tuple[str, tuple[OrderLineWish, ...]]:
        """Order number n (from 1): some lines of different SKUs, fast movers more often."""
        shape = self.shape
        lines: dict[str, int] = {}
        first = 0
        for counter in range(self.chance.integer(1, shape.lines_max, "order_lines", n)):
            rank = self._rank("order_sku", n, counter)
            if counter == 0:
                first = rank
            elif shape.affinity and self.chance.unit("affinity", n, counter) < shape.affinity:
                rank = self._neighbour(first, n, counter)
            quantity = self.chance.integer(1, shape.quantity_max, "order_quantity", n, counter)
            lines[self.names[rank]] = quantity
        number = f"{self.prefix}{n:06d}"
        return number, tuple(OrderLineWish(sku=sku, quantity=quantity) for sku, quantity in lines.items())

    def _rank(self, stream: str, n: int, counter: int) -> int:
        rank = int(self.chance.unit(stream, n, counter) ** self.shape.abc_skew * self.sku_count)
        return min(rank, self.sku_count - 1)  # a power of nearly 0 is rounded to 1

    def _neighbour(self, rank: int, n: int, counter: int) -> int:
        """A rank near another one."""
        away = self.chance.integer(1, 2 * NEIGHBOURS, "neighbour", n, counter)
        return (rank + (away if away <= NEIGHBOURS else NEIGHBOURS - away)) % self.sku_count

    def delivery(self, n: int, at_ms: int) -> tuple[str, tuple[DeliveryLine, ...]]:
        """Delivery number n: one or two load units of what sells."""
        number = f"DL{n:05d}"
        lines = []
        for line in range(1, 1 + self.chance.integer(1, 2, "delivery_lines", n)):
            rank = self._rank("delivery_sku", n, line)
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

    def what_sells(self, n: int) -> str:
        """The SKU of delivery n, where deliveries come at a rate of their own."""
        return self.names[self._rank("delivery_sku", n, 1)]

    def refill(self, n: int, sku: str, at_ms: int) -> tuple[str, tuple[DeliveryLine, ...]]:
        """Delivery number n, of one load unit of this SKU."""
        known = self._first_refill + n
        number = f"DL{known:05d}"
        life = self.chance.integer(60, 365, "delivery_life", n, 1) * DAY_MS
        line = DeliveryLine(
            delivery=number,
            line=1,
            barcode=f"T{500_000 + 10 * known + 1:06d}",
            sku=sku,
            lot=f"{number}-1",
            quantity=self.chance.integer(*UNITS_A_LOAD, "delivery_quantity", n, 1),
            expiry_ms=at_ms + life if _expires(sku) else None,
        )
        return number, (line,)


def _expires(sku: str) -> bool:
    """One article in three; of one that is not of this workload nothing is known."""
    return sku[:1] == "S" and sku[1:].isdigit() and (int(sku[1:]) - 1) % 3 == 0
