"""kill -9 of the site, of a PLC (memory kept, or wiped), and of both, at random points of a running tiny demo.

After each campaign every order has ended, the world's log shows each pick of the book once, and the audit holds.
"""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from api.demo import Demo, DemoOptions
from wcs.ledger.audit import AuditReport

SPEED = 20.0
SPAN_S = (0.3, 2.5)  # wall time between two kills: 6 to 50 s of plant time, at any moment of a move
DEADLINE_S = 150.0
KILLS = 10
KILLS_SOAK = 200
KINDS = ("site", "plc", "wiped plc", "both")


def campaign(folder: Path, seed: int, kills: int, deadline_s: float) -> tuple[Demo, AuditReport]:
    """Run a demo that is killed again and again while orders go on coming; returns it closed, with its audit."""
    dice = random.Random(seed)
    orders = max(4, kills // 2)
    options = DemoOptions(plant="tiny", data=folder, speed=SPEED, orders=orders, exit=True)
    said: list[str] = []
    with Demo(options, said.append) as demo:
        killer = threading.Thread(target=kill_at_random, args=(demo, dice, kills, said), daemon=True)
        killer.start()
        watchdog = threading.Timer(deadline_s, demo.stopping.set)
        watchdog.start()
        demo.run(lambda _: None)
        killer.join(deadline_s)
        assert not demo.stopping.is_set(), f"seed {seed}: orders did not end: {demo.books.orders()}; {said}"
        settled = demo.settle()
        watchdog.cancel()
        assert settled, f"seed {seed}: something is still under way; {said}"
        report = demo.prove()
        assert picks_in_world(demo) == picks_in_book(demo), f"seed {seed}: {said}"
        counts = demo.books.orders()
        assert counts.placed == counts.ended >= orders, f"seed {seed}: {counts}; {said}"
    return demo, report


def kill_at_random(demo: Demo, dice: random.Random, kills: int, said: list[str]) -> None:
    """Each kill: the site, a PLC with its memory kept or wiped, or both; the demo switches them on again.

    Kinds are dealt from a shuffled deck, so that no campaign leaves one out.
    """
    names = sorted(demo.plcs.plcs)
    deck: list[str] = []
    for _ in range(kills):
        until = time.monotonic() + dice.uniform(*SPAN_S)
        while time.monotonic() < until or demo.plcs.dead() or not demo.site.pid:
            if demo.stopping.wait(0.05):
                return
        deck = deck or dice.sample(KINDS, len(KINDS))
        what = deck.pop()
        name = dice.choice(names)
        said.append(f"kill {what} {name}")
        with demo.switches:
            if what != "site":
                demo.plcs.kill(name, wipe=what == "wiped plc")
            if what in ("site", "both"):
                demo.site.kill()


def carriers_of(demo: Demo) -> set[str]:
    return {crane.name for crane in demo.plant.cranes} | {vehicle.name for vehicle in demo.plant.vehicles}


def picks_in_world(demo: Demo) -> Counter[tuple[int, str]]:
    """How often each load unit really came on board of each crane and vehicle."""
    carriers = carriers_of(demo)
    lines = (logged.line for logged in demo.world.whole_log())
    return Counter((line.number, line.sink) for line in lines if line.sink in carriers)


def picks_in_book(demo: Demo) -> Counter[tuple[int, str]]:
    """The same by the journal: picks booked, less those that a person has found not to have happened."""
    carriers = carriers_of(demo)
    picks: Counter[tuple[int, str]] = Counter()
    with closing(sqlite3.connect(demo.options.data / "wcs.db")) as book:
        for (document,) in book.execute("SELECT document FROM journal WHERE name = 'LoadUnitMoved' ORDER BY sequence"):
            moved = json.loads(document)
            if moved["sink"] in carriers:
                picks[moved["load_unit"], moved["sink"]] += 1
            elif "pick reversed" in moved["reason"]:
                picks[moved["load_unit"], moved["source"]] -= 1
    return +picks


@pytest.mark.timeout(400)
def test_kills_at_random_points_lose_nothing_and_do_nothing_twice(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}")  # noqa: T201 - shown where the test fails
    _, report = campaign(tmp_path, seed, KILLS, DEADLINE_S)
    assert report.ok, f"seed {seed}: {[f'{n}: {c.detail}' for n, c in report.checks.items() if not c.ok]}"


@pytest.mark.soak
def test_two_hundred_kills_lose_nothing_and_do_nothing_twice(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}")  # noqa: T201 - shown where the test fails
    _, report = campaign(tmp_path, seed, KILLS_SOAK, 3600.0)
    assert report.ok, f"seed {seed}: {[f'{n}: {c.detail}' for n, c in report.checks.items() if not c.ok]}"
