"""A bad day, drawn from its seed: orders, withdrawals and deliveries among faults, cuts and power losses.

Rule: every draw is a function of the seed; a seed that fails is a test by itself.
"""

from __future__ import annotations

from collections.abc import Callable

from simulation.chance import Chance
from tests.core.warehouses import stocked_site
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core.turn import RequestRefused

ORDERS = 30
DELIVERIES = 6
TROUBLE_MS = 1_500_000  # for so long something goes wrong now and then
PAUSE_MS = (5_000, 60_000)  # between two troubles
RUSH_MS = (500, 12_000)  # so close that one begins before the last is settled
STANDSTILL_MS = (2_000, 30_000)  # how long one lasts
CALM_MS = 3 * 3_600_000  # all must have ended so long after the last trouble
QUIET_MS = 1_200_000
CRANES_AND_VEHICLES = ("CR1", "CR2", "V1")
ALL = ("CR1", "CR2", "V1", "CV1", "DK1")


class BadDay:
    """One seeded run."""

    def __init__(self, seed: int, pause_ms: tuple[int, int] = PAUSE_MS) -> None:
        self.seed = seed
        self._pause_ms = pause_ms
        self.chance = Chance(seed)
        self.site, self.work = stocked_site(seed)
        self.told: list[str] = []
        self._n = 0

    def run(self) -> None:
        """From the first order to the last, then peace, then paper against world."""
        self._place_orders()
        while self.site.twin.now_ms < TROUBLE_MS and self.site.state.orders_open:
            self._n += 1
            self.site.run_for(self._draw(*self._pause_ms, "pause"))
            kinds = self._troubles()
            self.chance.choice(kinds, "trouble", self._n)()
        self.site.run_until_ended(within_ms=CALM_MS)
        self.site.run_until_quiet(within_ms=QUIET_MS)
        self.site.run_for(QUIET_MS // 10)
        self.site.check_paper_is_world()
        self._check_nothing_is_left()

    def _draw(self, low: int, high: int, stream: str) -> int:
        return self.chance.integer(low, high, stream, self._n)

    def _place_orders(self) -> None:
        for n in range(1, ORDERS + 1):
            number, lines = self.work.order(n)
            self.site.order(number, *((line.sku, line.quantity) for line in lines))
        for n in range(1, DELIVERIES + 1):
            number, expected = self.work.delivery(n, 0)
            self.site.twin.handle(
                v.DeliveryNotified(at_ms=self.site.twin.now_ms, actor="erp", number=number, lines=expected)
            )

    def _troubles(self) -> tuple[Callable[[], None], ...]:
        return (
            self._fault, self._fault, self._cut, self._restart, self._restart, self._wiped, self._stall, self._manual,
            self._no_read, self._belt_fault, self._withdraw, self._withdraw, self._mind_restarts,
        )  # fmt: skip

    def _tell(self, what: str) -> None:
        self.told.append(f"{self.site.twin.now_ms}: {what}")

    def _fault(self) -> None:
        device = self.chance.choice(CRANES_AND_VEHICLES, "fault", self._n)
        self._tell(f"fault {device}")
        self.site.twin.inject(device, "fault", alarm="axis")

    def _belt_fault(self) -> None:
        device = self.chance.choice(("CV1", "CV2"), "belt", self._n)
        self._tell(f"fault {device}")
        self.site.twin.inject(device, "fault", device=device, alarm="jam")

    def _cut(self) -> None:
        device = self.chance.choice(ALL, "cut", self._n)
        self._tell(f"cut {device}")
        self.site.twin.cut(device, restored_after_ms=self._draw(*STANDSTILL_MS, "cut_ms"))

    def _restart(self) -> None:
        device = self.chance.choice(ALL, "restart", self._n)
        self._tell(f"restart {device}")
        self.site.twin.restart(device, restored_after_ms=self._draw(*STANDSTILL_MS, "restart_ms"))

    def _wiped(self) -> None:
        device = self.chance.choice(ALL, "wiped", self._n)
        self._tell(f"wiped {device}")
        self.site.twin.restart(device, wiped=True, restored_after_ms=self._draw(*STANDSTILL_MS, "wiped_ms"))

    def _stall(self) -> None:
        self._tell("stall")
        self.site.twin.inject("V1", "stall")
        self.site.run_for(self._draw(*STANDSTILL_MS, "stall_ms"))
        self.site.twin.inject("V1", "unstall")

    def _manual(self) -> None:
        device = self.chance.choice(CRANES_AND_VEHICLES, "manual", self._n)
        self._tell(f"manual {device}")
        self.site.twin.inject(device, "mode", mode="manual")
        self.site.run_for(self._draw(*STANDSTILL_MS, "manual_ms"))
        self.site.twin.inject(device, "mode", mode="automatic")

    def _no_read(self) -> None:
        count = self._draw(1, 2, "no_read")
        self._tell(f"no read {count}")
        self.site.twin.inject("CV1", "no_read", point="ID1", count=count)

    def _withdraw(self) -> None:
        numbers = sorted(self.site.state.orders_open)
        if numbers:
            number = self.chance.choice(numbers, "withdraw", self._n)
            self._tell(f"withdraw {number}")
            try:
                self.site.cancel(number)
            except RequestRefused:
                assert self.site.order_state(number) is e.OrderState.PACKED

    def _mind_restarts(self) -> None:
        self._tell("host restarts")
        self.site.twin.host_restarts()

    def _check_nothing_is_left(self) -> None:
        state = self.site.state
        assert not len(state.reservation), list(state.reservation)
        assert not [c for c in state.content if c.reserved]
        assert not [u for u in state.load_unit if u.role is e.LoadUnitRole.ORDER], "an order's load unit was left"
        for order in state.order:
            for line in state.lines(order.number):
                if order.state is e.OrderState.SHIPPED:
                    assert line.picked == line.quantity, (order, line)
                elif order.state is e.OrderState.BACKORDERED:
                    assert line.picked + line.backordered == line.quantity, (order, line)


def run_bad_day(seed: int, pause_ms: tuple[int, int] = PAUSE_MS) -> BadDay:
    """The whole day of a seed."""
    day = BadDay(seed, pause_ms)
    day.run()
    return day
