"""The command line. Rule: data on standard output, everything said to people on standard error; imports wait until a
command needs them, so that `wcs --help` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from api import cli_acceptance, cli_books, cli_device, cli_link, cli_simulate, cli_sweep
from api.exit_codes import NOT_WELL, REFUSED

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Warehouse control system")
plant_app = typer.Typer(no_args_is_help=True, help="Plant files")
app.add_typer(plant_app, name="plant")
app.add_typer(cli_device.app, name="device")
app.add_typer(cli_books.journal, name="journal")
for command in cli_books.COMMANDS:
    app.command()(command)
app.command()(cli_simulate.simulate)
app.command()(cli_sweep.sweep)
app.command()(cli_acceptance.acceptance)
app.command()(cli_link.link)

DEMO_FOLDERS = Path(".wcs")  # one folder a plant: a folder that was begun with another is refused
SPEED_MAX = 30.0  # beyond it telegrams take longer in plant time than machines allow
Json = Annotated[bool, typer.Option("--json", help="one JSON document on standard output")]


def _version(wanted: bool) -> None:
    if wanted:
        from api.program import program

        typer.echo(program())
        raise typer.Exit(0)


@app.callback()
def wcs(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="say which version this is, and leave")
    ] = False,
) -> None:
    """Automated warehouses: control, twin, books."""


def say(text: str) -> None:
    """A line for people."""
    typer.echo(text, err=True)


@app.command()
def demo(
    data: Annotated[
        Path | None, typer.Option(help="folder of this demo; a second run on it goes on", show_default=".wcs/PLANT")
    ] = None,
    plant: Annotated[str, typer.Option(help="a shipped plant's name, or a file")] = "demo",
    speed: Annotated[float, typer.Option(min=0.1, max=SPEED_MAX, help="plant seconds in a second")] = 8.0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="of the API; 0: the folder's own")] = 0,
    seed: Annotated[int | None, typer.Option(help="of articles, orders and deliveries")] = None,
    orders: Annotated[int | None, typer.Option(min=0, help="place so many orders in all in this folder")] = None,
    orders_file: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="CSV of baskets")] = None,
    leave: Annotated[bool, typer.Option("--exit", help="end when all orders have ended")] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="do not open the page")] = False,
    as_json: Json = False,
) -> None:
    """A whole warehouse on this machine: virtual PLCs, site, people, orders."""
    from api.cli_demo import run_demo
    from api.demo import DemoOptions

    options = DemoOptions(
        plant=plant,
        data=data or DEMO_FOLDERS / Path(plant).stem,
        speed=speed,
        port=port,
        seed=seed,
        orders=orders,
        orders_file=orders_file,
        exit=leave,
    )
    raise typer.Exit(run_demo(options, say, browser=not no_browser and not leave, as_json=as_json))


@app.command()
def serve(
    plant: Annotated[str, typer.Option(help="a shipped plant's name, or a file")],
    site: Annotated[str, typer.Option(help="the site file, or a shipped site's name")],
) -> None:
    """Run a site on its PLCs until told to stop. Exit code 2: it could not start; 1: it broke off."""
    import asyncio
    import logging

    from sqlalchemy.exc import SQLAlchemyError

    from api import wiring
    from wcs.ledger.errors import LedgerError
    from wcs.plant.file import PlantFileError, load_plant
    from wcs.plant.site_file import SecretMissing, load_site

    served = False
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        building = load_plant(plant)
        settings = wiring.settings_of(building, load_site(site, building))
    except (PlantFileError, SecretMissing, LedgerError) as refusal:
        say(str(refusal))
        raise typer.Exit(REFUSED) from None

    def ready(running: wiring.Running) -> None:
        nonlocal served
        served = True
        say(f"{building.name} is served at {running.sign_in_link('console', ('admin',))}")

    try:
        asyncio.run(wiring.serve(settings, ready=ready))
        say(f"{building.name} is no longer served: all that was taken in is in its books")
    except (LedgerError, wiring.CannotListen) as refusal:
        say(str(refusal))
        raise typer.Exit(NOT_WELL if served else REFUSED) from None
    except SQLAlchemyError as refusal:  # no database answers at an address that may well be one
        if served:
            raise
        say(f"the database cannot be opened: {str(refusal).splitlines()[0]}")
        raise typer.Exit(REFUSED) from None


@app.command()
def plc(
    plant: Annotated[str, typer.Option(help="a shipped plant's name, or a file")],
    speed: Annotated[float, typer.Option(min=0.1, max=SPEED_MAX, help="plant seconds in a second")] = 8.0,
    data: Annotated[Path | None, typer.Option(help="where world and memories are kept; else thrown away")] = None,
    secured: Annotated[bool, typer.Option(help="OPC UA with Basic256Sha256, user and password")] = False,
    site: Annotated[
        str | None, typer.Option(help="a site file, or a shipped site's name: serve at its ports; else at free ones")
    ] = None,
) -> None:
    """Serve a plant of virtual PLCs: a line per device with protocol and address."""
    import tempfile

    from devices.virtual_plc.child import ChildFailed
    from devices.virtual_plc.files import FolderBusy
    from devices.virtual_plc.serve import serve as serve_plant
    from wcs.plant.file import PlantFileError, load_plant
    from wcs.plant.site_file import load_site

    with tempfile.TemporaryDirectory(prefix="wcs-plc-") as folder:
        try:
            wanted = load_site(site, load_plant(plant)).plcs if site else {}
            ports = {name: access.port for name, access in wanted.items()}
            serve_plant(plant, speed, data or Path(folder), secured=secured, ports=ports, say=_line)
        except (PlantFileError, ChildFailed, FolderBusy, OSError) as refusal:
            say(str(refusal))
            raise typer.Exit(REFUSED) from None


@plant_app.command()
def check(file: str, as_json: Json = False) -> None:
    """Check a plant file: exit code 1 with file, line, key and reason for each finding."""
    import msgspec

    from wcs.plant.file import PlantFileError, load_plant
    from wcs.plant.summary import summary

    try:
        figures = summary(load_plant(file))
    except PlantFileError as refusal:
        findings = [{"file": refusal.file, "key": f.key, "reason": f.reason} for f in refusal.findings]
        if as_json:
            _line(msgspec.json.encode({"ok": False, "findings": findings}).decode())
        else:
            _line(str(refusal))
        raise typer.Exit(NOT_WELL) from None
    if as_json:
        _line(msgspec.json.encode({"ok": True, "plant": figures}).decode())
    else:
        for name, value in figures.items():
            _line(f"{name}: {value}")


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """For `python -m api.cli`."""
    app()


if __name__ == "__main__":
    main()
