"""`wcs acceptance`: the acceptance book of a plant, cycle times and availability.

Rule: everything that is asked is checked before anything runs; a refusal is a line, with exit code 2.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.exit_codes import REFUSED

AGAIN = "; may be given again"
Rates = Annotated[list[str] | None, typer.Option(help=f"KIND=RATE an hour: device_fault, …{AGAIN}")]
From = Annotated[str | None, typer.Option("--from", help="also availability from the ledger at this URL, read only")]
Log = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="also availability from a log of wcs simulate --log")
]
Out = Annotated[Path | None, typer.Option(dir_okay=False, help="write the book as one HTML file, for the printer")]


def acceptance(
    plant: Annotated[str, typer.Option(help="a shipped plant's name, or a file")],
    cycles: Annotated[int, typer.Option(help="drawn cycles of each crane and kind")] = 1_000,
    seed: Annotated[int, typer.Option(min=0, help="of drawn cycles and of the run")] = 1,
    hours: Annotated[float, typer.Option(help="plant time of the run; 0: no run")] = 1.0,
    orders_per_hour: Annotated[float, typer.Option(help="in the run")] = 60.0,
    fault: Rates = None,
    from_url: From = None,
    from_log: Log = None,
    report: Out = None,
    language: Annotated[str, typer.Option(help="in which the file opens: en or zh")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document on standard output")] = False,
) -> None:
    """Acceptance book: crane cycles by FEM 9.851, Bozer-White and simulated; availability by FEM 9.222."""
    from api.accepting import Wanted, accept, document, table
    from api.simulating_shown import shown
    from api.simulating_sources import Refusal

    wanted = Wanted(
        plant=plant,
        cycles=cycles,
        seed=seed,
        hours=hours,
        orders_per_hour=orders_per_hour,
        faults=tuple(fault or ()),
        from_url=from_url,
        from_log=from_log,
        report=report,
        language=language,
    )
    try:
        with shown(sys.stderr) as show:
            book = accept(wanted, show)
    except Refusal as refusal:
        typer.echo(str(refusal), err=True)
        raise typer.Exit(REFUSED) from None
    if book.diverged:
        typer.echo(f"this run diverged and was ended: {book.diverged}", err=True)
    sys.stdout.write(document(book) if as_json else table(book))
    sys.stdout.flush()
