"""Seeded campaigns by the thousand: `python -m simulation.seeds --plant tiny --from 1 --count 1000`.

A failing seed is made small and printed as a test that fails; the exit code says whether there was one.
"""

from __future__ import annotations

import subprocess
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from simulation.campaign import Campaign, run_campaign
from simulation.faults import KINDS
from simulation.shrink import as_test, shrink
from wcs.plant.file import load_plant

SHRUNK_MAX = 3  # failing seeds that a campaign makes small: the others are named, and most have the same cause
SEEDS_MAX = 1_000_000
WAITING_A_WORKER = 4  # seeds handed out ahead: enough that no worker waits


def outcome(campaign: Campaign, commit: str = "") -> str | None:
    """What broke, or None. Whatever the mind or a machine raises is a failure, not only a broken invariant."""
    try:
        run_campaign(campaign, commit=commit)
    except Exception as broken:
        first = str(broken) if isinstance(broken, AssertionError) else f"{type(broken).__name__}: {broken}"
        return first or type(broken).__name__
    return None


def reproduce(campaign: Campaign, message: str) -> str:
    """The smallest that was found, as a test file."""
    return as_test(shrink(campaign, message, outcome), message)


def main(
    plant: Annotated[list[str], typer.Option(help="plants, by name or file")] = ["tiny", "demo"],  # noqa: B006
    first: Annotated[int, typer.Option("--from", min=0, help="the first seed")] = 1,
    count: Annotated[int, typer.Option(min=1, max=SEEDS_MAX, help="seeds, shared among the plants")] = 200,
    kind: Annotated[list[str] | None, typer.Option(help="only these kinds of faults")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64)] = 2,
    write: Annotated[Path | None, typer.Option(help="folder for the tests that fail")] = None,
) -> None:
    """Run seeded campaigns, and print those that fail as small tests."""
    kinds = tuple(kind or KINDS)
    for unknown in [name for name in kinds if name not in KINDS]:
        raise typer.BadParameter(f"there is no fault {unknown!r}: wanted one of {', '.join(KINDS)}")
    for name in plant:
        load_plant(name)
    campaigns = [Campaign(plant=plant[n % len(plant)], seed=first + n, kinds=kinds) for n in range(count)]
    failed = run_all(campaigns, workers=workers, console=Console(stderr=True))
    for n, (campaign, message) in enumerate(failed):
        typer.echo(f"FAILED seed {campaign.seed} of {campaign.plant}: {message}")
        if n < SHRUNK_MAX:
            text = reproduce(campaign, message)
            typer.echo(text)
            if write is not None:
                write.mkdir(parents=True, exist_ok=True)
                (write / f"test_seed_{campaign.seed}_{Path(campaign.plant).stem}.py").write_text(text, "utf-8")
    typer.echo(f"{count - len(failed)} of {count} seeds went well")
    raise typer.Exit(1 if failed else 0)


def run_all(campaigns: list[Campaign], *, workers: int, console: Console) -> list[tuple[Campaign, str]]:
    """Those that failed, by seed, with what broke."""
    commit = _commit()
    failed: list[tuple[Campaign, str]] = []
    columns = (TextColumn("seeds"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[failed]} failed"))
    waiting = iter(campaigns)
    with (
        Progress(*columns, TimeRemainingColumn(), console=console) as bar,
        ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool,
    ):
        shown = bar.add_task("seeds", total=len(campaigns), failed=0)
        while batch := [c for _, c in zip(range(workers * WAITING_A_WORKER * 8), waiting, strict=False)]:
            running = {pool.submit(outcome, campaign, commit): campaign for campaign in batch}
            for done in as_completed(running):
                message = done.result()
                if message is not None:
                    failed.append((running[done], message))
                bar.update(shown, advance=1, failed=len(failed))
    return sorted(failed, key=lambda pair: pair[0].seed)


def _commit() -> str:
    """What was run; a copy without its history has none."""
    try:
        said = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent,
            timeout=10,
            check=False,
        )
    except OSError:
        return ""
    return said.stdout.strip()


if __name__ == "__main__":
    typer.run(main)
