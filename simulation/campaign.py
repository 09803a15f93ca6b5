"""A seeded campaign: a stocked plant at work among random faults, with the checkers on; in the end all must be well.

Rule: a campaign is plain data, so that what failed can be made smaller and written down.
"""

from __future__ import annotations

from simulation.checkers import Checker, watch
from simulation.faults import KINDS, Fault, draw_faults
from simulation.faults_at_twin import TwinFaults
from simulation.staff import add_people
from simulation.twin import Twin
from simulation.workload import Workload
from wcs.core import entities as e
from wcs.core import events as v
from wcs.plant.file import load_plant
from wcs.plant.model import Record

ORDERS = 20
DELIVERIES = 3
ORDER_EVERY_MS = 45_000
TROUBLE_MS = 900_000  # for so long something goes wrong now and then
CALM_MS = 3 * 3_600_000  # every order must have ended so long after it
QUIET_MS = 1_200_000  # and then nothing may be under way any more
SETTLE_MS = 120_000  # people and belts finish what moves outside any task
RATE_PER_HOUR = 4.0  # of each kind of fault; seventeen kinds: one a minute


class Campaign(Record):
    """One run. With `faults` None they are drawn: every kind of `kinds`, until `trouble_ms`."""

    plant: str = "tiny"
    seed: int = 1
    orders: int = ORDERS
    deliveries: int = DELIVERIES
    kinds: tuple[str, ...] = tuple(KINDS)
    trouble_ms: int = TROUBLE_MS
    faults: tuple[Fault, ...] | None = None

    def drawn(self) -> tuple[Fault, ...]:
        """Its faults."""
        if self.faults is not None:
            return self.faults
        rates = dict.fromkeys(self.kinds, RATE_PER_HOUR)
        return draw_faults(load_plant(self.plant), self.seed, rates, until_ms=self.trouble_ms)


def run_campaign(campaign: Campaign, *, commit: str = "") -> Twin:
    """Run it to its end.

    Raises:
        AssertionError: an invariant is broken, or something never ended; the message says where.
    """
    plant = load_plant(campaign.plant)
    named = f"seed {campaign.seed} commit {commit or 'unknown'} plant {campaign.plant}"
    checkers: list[Checker] = []
    twin = Twin(plant, log=lambda line: checkers[0].world_line(line))
    checker = Checker(twin.warehouse, run=named)
    checkers.append(checker)
    watch(twin, checker)
    work = Workload(plant, campaign.seed)
    twin.start()
    for sku in work.skus():
        twin.handle(v.SkuChanged(at_ms=0, actor="campaign", sku=sku))
    twin.open_stock(work.opening(0))
    add_people(twin)
    _order(twin, work, campaign)
    troubles = TwinFaults(twin, campaign.drawn())
    last_ms = max((fault.at_ms for fault in campaign.drawn()), default=0)
    twin.run_to(max(last_ms, (campaign.orders + 1) * ORDER_EVERY_MS))
    _ends(twin, checker, troubles, named)
    return twin


def _order(twin: Twin, work: Workload, campaign: Campaign) -> None:
    """Orders come one after another for as long as there is trouble; deliveries are announced at once."""

    def place(n: int) -> None:
        number, lines = work.order(n)
        twin.handle(v.OrderRequested(at_ms=twin.now_ms, actor="shop", number=number, lines=lines))

    for n in range(1, campaign.orders + 1):
        twin.env.call_in(n * ORDER_EVERY_MS, place, n)
    for n in range(1, campaign.deliveries + 1):
        number, expected = work.delivery(n, 0)
        twin.handle(v.DeliveryNotified(at_ms=twin.now_ms, actor="erp", number=number, lines=expected))


def _ends(twin: Twin, checker: Checker, troubles: TwinFaults, named: str) -> None:
    """Invariant 7, from outside: every wait ends. And then: nothing is left, the paper is the plant."""
    state = twin.warehouse.state
    where = f"\n  {named} step {checker.steps}"
    ended = twin.run_until(lambda: not state.orders_open, limit_ms=twin.now_ms + CALM_MS)
    waiting = sorted(state.orders_open)
    assert ended, f"orders never ended: {waiting}, alarms {[*state.alarm]}{where}"
    still = twin.run_until(lambda: _is_quiet(twin), limit_ms=twin.now_ms + QUIET_MS)
    under_way = [*state.transport, *state.task, *state.alarm][:5]
    assert still, f"something never ended: {under_way}{where}"
    twin.run_to(twin.now_ms + SETTLE_MS)
    try:
        checker.paper_is_world(twin.world, troubles.carried_off)
    except AssertionError as broken:
        raise AssertionError(f"paper is not plant: {broken}{where} at the end") from broken
    assert not len(state.reservation), f"reserved for nobody: {[*state.reservation]}{where}"
    left = [u.load_unit for u in state.load_unit if u.role is e.LoadUnitRole.ORDER and u.place != "lost"]
    assert not left, f"load units of orders were left: {left}{where}"


def _is_quiet(twin: Twin) -> bool:
    state = twin.warehouse.state
    return (
        not len(state.transport)
        and not len(state.task)
        and all(not d.command_sequence and d.link is e.Link.SYNCHRONISED for d in state.device)
    )
