"""A run of the demo plant is the same to the byte: under any hash seed, and when its events are decided on again."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import cache

import msgspec

from simulation.shops import add_shops
from simulation.spec import WorkloadSpec
from simulation.staff import add_people
from simulation.twin import Twin
from simulation.workload import Workload
from wcs.core import events as v
from wcs.core.warehouse import Warehouse
from wcs.plant.file import load_plant

SEED = 7
ORDERS_PER_HOUR = 240
PLANT_TIME_MS = 15 * 60_000
SUBPROCESS_TIMEOUT_S = 100
PRINT_DIGEST = "from tests.simulation.validation.test_determinism import digest; print(digest())"


@cache
def the_run() -> Twin:
    plant = load_plant("demo")
    twin = Twin(plant, keep_journal=True)
    work = Workload(plant, SEED)
    twin.start()
    for sku in work.skus():
        twin.handle(v.SkuChanged(at_ms=0, actor="planner", sku=sku))
    twin.open_stock(work.opening(0))
    add_people(twin)
    add_shops(twin, work, WorkloadSpec(orders_per_hour=ORDERS_PER_HOUR))
    twin.run_to(PLANT_TIME_MS)
    return twin


def facts_of_the_run() -> list[bytes]:
    journal = the_run().journal
    assert journal is not None
    return [msgspec.json.encode(facts) for _, facts in journal]


def digest() -> str:
    return hashlib.sha256(b"\n".join(facts_of_the_run())).hexdigest()


def test_one_seed_gives_the_same_facts_under_two_hash_seeds() -> None:
    digests = {digest()}
    for hash_seed in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", PRINT_DIGEST],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True, text=True, timeout=SUBPROCESS_TIMEOUT_S, check=True,
        )  # fmt: skip
        digests.add(ran.stdout.strip())
    assert len(digests) == 1


def test_the_events_of_a_run_decided_on_again_give_the_same_facts() -> None:
    twin = the_run()
    assert twin.journal is not None
    assert sum(isinstance(event, v.OrderRequested) for event, _ in twin.journal) > 40
    again = Warehouse(twin.plant)
    for (event, _), facts in zip(twin.journal, facts_of_the_run(), strict=True):
        assert msgspec.json.encode(again.handle(event).facts) == facts, event
