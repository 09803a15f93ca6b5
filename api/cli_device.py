"""`wcs device`: for whoever connects a PLC for the first time. Rule: `probe` and `watch` only read."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from api.exit_codes import NOT_WELL, REFUSED

if TYPE_CHECKING:
    from devices.commissioning import Row, Target
    from wcs.core.ports import DeviceTask

app = typer.Typer(no_args_is_help=True, help="One device of one PLC")
Where = Annotated[str, typer.Argument(help="HOST:PORT; with --plant a site file, or a shipped site's name")]
PLANT_HELP = "a shipped plant's name, or a file: address, security, block and points are those of plant and site file"
PlantName = Annotated[str | None, typer.Option("--plant", help=PLANT_HELP)]
DEVICE_HELP = "the device's name: its node on OPC UA; on Modbus only what it is called here, --block says which it is"
Device = Annotated[str, typer.Argument(help=DEVICE_HELP)]
ProtocolName = Annotated[str, typer.Option("--protocol", help="opcua or modbus")]
Block = Annotated[int, typer.Option(min=0, help="position of the device behind its PLC (Modbus)")]
Tracked = Annotated[bool, typer.Option(help="a tracked conveyor: it has track words")]
Points = Annotated[list[int] | None, typer.Option("--point", help="index of a point; may be given again")]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output")]
# A travel that moves no load; words 6 to 29 of the command block.
TASK_EXAMPLE = '{"number": 900001, "type": 4, "sink": {"a": 1, "b": 3, "c": 2, "d": 11}}'
TASK_HELP = f"the task as JSON, words as in docs/device-interface.md: {TASK_EXAMPLE}"


@app.command()
def probe(
    where: Where,
    device: Device,
    plant: PlantName = None,
    protocol: ProtocolName = "opcua",
    block: Block = 0,
    tracked: Tracked = False,
    point: Points = None,
    as_json: Json = False,
) -> None:
    """Read everything a device says, once."""
    from devices.commissioning import probe as read

    target = _target(where, device, plant, protocol, block, tracked, point)

    async def ask() -> None:
        _show(await read(target), as_json)

    _run(ask)


@app.command()
def watch(
    where: Where,
    device: Device,
    plant: PlantName = None,
    protocol: ProtocolName = "opcua",
    block: Block = 0,
    tracked: Tracked = False,
    point: Points = None,
    as_json: Json = False,
) -> None:
    """Follow what a device says, decoded, until Ctrl-C."""
    from devices.commissioning import watch as follow

    target = _target(where, device, plant, protocol, block, tracked, point)

    async def ask() -> None:
        async for rows in follow(target):
            _show(rows, as_json)

    _run(ask)


@app.command()
def send(
    where: Where,
    device: Device,
    task: Annotated[str, typer.Argument(help=TASK_HELP)],
    plant: PlantName = None,
    protocol: ProtocolName = "opcua",
    block: Block = 0,
    tracked: Tracked = False,
    point: Points = None,
    memory_settled: Annotated[bool, typer.Option(help="what it carries is known: trust its memory")] = False,
    beside_wcs: Annotated[
        bool, typer.Option("--beside-wcs", help="send even if a living WCS drives the device; it will hold it")
    ] = False,
    as_json: Json = False,
) -> None:
    """SYNC, one TASK, follow it to DONE, RECEIPT. Refused while the device says that a living WCS drives it."""
    from devices.commissioning import send_task

    target = _target(where, device, plant, protocol, block, tracked, point)
    wanted = _task(task)

    async def ask() -> None:
        async for telegram in send_task(target, wanted, beside_wcs=beside_wcs, memory_settled=memory_settled):
            if as_json:
                _line({"sent": telegram.sent, "title": telegram.title, "rows": telegram.rows})
            else:
                sys.stdout.write(f"{'->' if telegram.sent else '<-'} {telegram.title}\n")
                _show(telegram.rows, as_json)

    _run(ask)


def _task(text: str) -> DeviceTask:
    import msgspec

    from wcs.core.ports import DeviceTask

    try:
        task = msgspec.json.decode(text, type=DeviceTask)
        said, known = msgspec.json.decode(text), msgspec.to_builtins(task)
        for words, names in ((said, known), *((said.get(end, {}), known[end]) for end in ("source", "sink"))):
            if strange := [name for name in words if name not in names]:
                raise typer.BadParameter(f"task: there is no {strange[0]} (wanted: {', '.join(names)})")
        return task
    except msgspec.MsgspecError as error:
        raise typer.BadParameter(f"task: {error} (wanted: {TASK_HELP})") from None


def _target(
    where: str, device: str, plant: str | None, protocol: str, block: int, tracked: bool, points: list[int] | None
) -> Target:
    from api.device_target import WrongTarget, of_site, typed
    from api.wiring import silence
    from wcs.plant.file import PlantFileError
    from wcs.plant.site_file import SecretMissing

    silence()
    try:
        if plant is None:
            return typed(where, device, protocol, block, tracked, tuple(points or ()))
        if (protocol, block, tracked, points or []) != ("opcua", 0, False, []):
            raise WrongTarget("--plant says protocol, block, tracked and points: leave them out")
        return of_site(where, plant, device)
    except WrongTarget as wrong:
        raise typer.BadParameter(str(wrong)) from None
    except (PlantFileError, SecretMissing) as refusal:
        typer.echo(str(refusal), err=True)
        raise typer.Exit(REFUSED) from None


def _run(ask: Callable[[], Awaitable[None]]) -> None:
    from devices.commissioning import TaskNotSent
    from devices.drivers.carriage import CarriageLost, CarriageRefused, NotThere, OtherSecurity, WrongUser
    from devices.drivers.carriage import WrongServerCertificate as Stranger
    from devices.words import ValueOutOfRange

    async def asked() -> None:
        await ask()

    try:
        asyncio.run(asked())
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except (NotThere, CarriageRefused) as error:
        typer.echo(f"the PLC answers, but has no such device, or not all its words: {error}", err=True)
        raise typer.Exit(REFUSED) from None
    except (OtherSecurity, Stranger, WrongUser) as error:
        typer.echo(f"the PLC answers, but {error.words}: {error}", err=True)
        raise typer.Exit(REFUSED) from None
    except CarriageLost as error:
        typer.echo(f"the PLC cannot be reached: {error}", err=True)
        raise typer.Exit(REFUSED) from None
    except ValueOutOfRange as error:
        raise typer.BadParameter(f"task: {error}") from None
    except TaskNotSent as error:
        typer.echo(f"not sent, or not done: {error}", err=True)
        raise typer.Exit(NOT_WELL) from None


def _show(rows: tuple[Row, ...], as_json: bool) -> None:
    if as_json:
        _line(rows)
    else:
        for row in rows:
            sys.stdout.write(f"{row.word:>4}  {row.name:<28} {row.value!s:>12}  {row.meaning}\n")
    sys.stdout.flush()


def _line(value: object) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()
