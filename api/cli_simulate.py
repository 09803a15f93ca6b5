"""`wcs simulate`: what a plant does with so many orders an hour, before it is built or changed.

Rule: everything that is asked is checked before the first run starts; a refusal is a line, with exit code 2.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.exit_codes import NOT_WELL, REFUSED, STOPPED

if TYPE_CHECKING:
    from api.simulating_answer import Answer

AGAIN = "; may be given again"
Rate = Annotated[float | None, typer.Option(help="mean rate", show_default="60, or with --from the site's own")]
Plants = Annotated[list[str], typer.Option(help="a shipped plant's name, or a file; given again, layouts are compared")]
Policies = Annotated[list[str] | None, typer.Option(help=f"KIND=NAME as in a site file{AGAIN}")]
Rates = Annotated[list[str] | None, typer.Option(help=f"KIND=RATE an hour: no_read, device_fault, …{AGAIN}")]
Script = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="a file of faults at minutes of their own")
]
Shape = Annotated[list[str] | None, typer.Option(help=f"KEY=VALUE: lines_max, abc_skew, arrivals, …{AGAIN}")]
Pace = Annotated[list[str] | None, typer.Option(help=f"KEY=VALUE: pick_ms, carry_ms, …{AGAIN}")]
Fleets = Annotated[list[int] | None, typer.Option(help="fleet size; given again, fleets are compared")]
Narrow = Annotated[float | None, typer.Option(help="go on until the throughput's interval is that narrow: 0.02")]
GateText = Annotated[
    str | None, typer.Option(help='"throughput>=X@95%": exit code 1 when the lower limit of the interval misses')
]
ReportFile = Annotated[Path | None, typer.Option(dir_okay=False, help="write a self-contained HTML report")]
LogFile = Annotated[
    Path | None,
    typer.Option(dir_okay=False, help="write the facts of the first scenario's first run, a line of JSON each"),
]
OrdersFile = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="CSV: order_id, sku, quantity, placed or after_s")
]
NewSkus = Annotated[bool, typer.Option("--new-skus", help="unknown SKUs of that file get opening stock")]
From = Annotated[str | None, typer.Option("--from", help="begin with the state of the ledger at this URL, read only")]
Sensitive = Annotated[
    bool, typer.Option("--sensitivity", help="what each of the three likeliest bottlenecks would bring, a tenth faster")
]
Closed = Annotated[list[str] | None, typer.Option(help=f"an aisle, location, station or node out of use{AGAIN}")]


def simulate(
    plant: Plants,
    orders_per_hour: Rate = None,
    hours: Annotated[float, typer.Option(help="measured plant time of each run")] = 1.0,
    replications: Annotated[int, typer.Option(min=1, help="runs with seeds one after another")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="of the first run")] = 1,
    warm_up: Annotated[float, typer.Option(help="hours before the measured ones")] = 0.0,
    policy: Policies = None,
    fault: Rates = None,
    faults_from: Script = None,
    site: Annotated[str | None, typer.Option(help="a site file, or a shipped site's name: its policies")] = None,
    workload: Shape = None,
    staff: Pace = None,
    vehicles: Fleets = None,
    relative_half_width: Narrow = None,
    gate: GateText = None,
    report: ReportFile = None,
    log: LogFile = None,
    orders_times: Annotated[float, typer.Option(help="how many times as many orders: 2 doubles them")] = 1.0,
    orders_file: OrdersFile = None,
    new_skus: NewSkus = False,
    orders_from: Annotated[str | None, typer.Option(help="replay the orders of the ledger at this URL")] = None,
    latency_from: Annotated[str | None, typer.Option(help="latencies as the ledger at this URL has them")] = None,
    start_from: From = None,
    close: Closed = None,
    sensitivity: Sensitive = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document on standard output")] = False,
) -> None:
    """Simulate a plant under orders: throughput with its interval, order times, how busy each device is."""
    from api.simulating import Question, answer
    from api.simulating_shown import shown
    from api.simulating_sources import Refusal

    question = Question(
        plants=tuple(plant),
        orders_per_hour=orders_per_hour,
        hours=hours,
        replications=replications,
        seed=seed,
        warm_up_hours=warm_up,
        policies=tuple(policy or ()),
        faults=tuple(fault or ()),
        faults_from=faults_from,
        site=site,
        workload=tuple(workload or ()),
        staff=tuple(staff or ()),
        vehicles=tuple(vehicles or ()),
        relative_half_width=relative_half_width,
        gate=gate,
        report=report,
        log=log,
        orders_times=orders_times,
        orders_file=orders_file,
        orders_from=orders_from,
        new_skus=new_skus,
        latency_from=latency_from,
        start_from=start_from,
        closed=tuple(close or ()),
        sensitivity=sensitivity,
    )
    try:
        with shown(sys.stderr) as show:
            found = answer(question, show)
    except Refusal as refusal:
        typer.echo(str(refusal), err=True)
        raise typer.Exit(REFUSED) from None
    except KeyboardInterrupt:
        typer.echo("stopped by Ctrl-C before any run was done", err=True)
        raise typer.Exit(STOPPED) from None
    raise typer.Exit(_tell(found, as_json))


def _tell(found: Answer, as_json: bool) -> int:
    """What was found, and the exit code."""
    for line in found.remarks():
        typer.echo(line, err=True)
    if found.scenarios:
        sys.stdout.write(found.document() if as_json else found.table())
        sys.stdout.flush()
    if found.stopped is not None:
        return STOPPED
    return 0 if found.passed else NOT_WELL
