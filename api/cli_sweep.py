"""`wcs sweep`: an experiment file's scenarios, compared on the same orders.

Rule: what has been run is kept at once; the same command goes on where it stopped, and costs nothing when all is there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.exit_codes import REFUSED, STOPPED

ReportFile = Annotated[Path | None, typer.Option(dir_okay=False, help="write a self-contained HTML report")]
Out = Annotated[Path | None, typer.Option(file_okay=False, help="folder of the results", show_default="FILE's name")]
Count = Annotated[
    int, typer.Option(min=-1, max=1_000, help="worker processes; 0: none, one run after another", show_default="cores")
]
Dask = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="run on the Dask cluster of this scheduler: HOST:PORT")
]


def sweep(
    experiment: Annotated[Path, typer.Argument(help="an experiment file: docs/sweep.md")],
    out: Out = None,
    workers: Count = -1,
    dask: Dask = None,
    report: ReportFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document on standard output")] = False,
) -> None:
    """Compare variants of a plant: a grid of fleets, policies, machines and orders, on processes or a Dask cluster."""
    from api.sweeping import Refusal, ask
    from simulation.engine import Stopped

    try:
        answer = ask(experiment, out, None if workers < 0 else workers, dask, report, sys.stderr)
    except Refusal as refusal:
        typer.echo(str(refusal), err=True)
        raise typer.Exit(REFUSED) from None
    except Stopped as stopped:
        typer.echo(f"stopped: {stopped}; what was finished is kept: the same command goes on", err=True)
        raise typer.Exit(STOPPED) from None
    except KeyboardInterrupt:
        typer.echo("stopped; what was run is kept: the same command goes on", err=True)
        raise typer.Exit(STOPPED) from None
    sys.stdout.write(answer.document() if as_json else answer.table())
    sys.stdout.flush()
