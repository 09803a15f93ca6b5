"""`wcs link`: a new link that signs a person in to the page of a running demo or site.

Rule: it asks the site as an admin does; it knows no other way in.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from api.exit_codes import REFUSED

ADMIN = "keeper"  # of a demo
TIMEOUT_S = 10.0


def link(
    actor: Annotated[str, typer.Argument(help="who signs in")] = "visitor",
    scope: Annotated[
        list[str] | None, typer.Option(help="read, order, operate or admin; may be given again", show_default="admin")
    ] = None,
    data: Annotated[Path, typer.Option(help="folder of the running demo")] = Path(".wcs/demo"),
    url: Annotated[str | None, typer.Option(help="the site's address", show_default="the demo's own")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="WCS_TOKEN", help="an admin's token", show_default="the demo's own")
    ] = None,
) -> None:
    """A new link to the page of a running demo or site: it signs in once, within ten minutes."""
    import httpx
    import msgspec

    try:
        words = token or msgspec.json.decode((data / "tokens.json").read_bytes(), type=dict[str, str])[ADMIN]
        ports = {} if url else msgspec.json.decode((data / "ports.json").read_bytes(), type=dict[str, int])
        base = url or f"http://127.0.0.1:{ports['api']}"
    except (OSError, KeyError, msgspec.MsgspecError):
        _refuse(f"{data} is no demo's folder whose port is kept: give --data, or --url and WCS_TOKEN")
    body = {"actor": actor, "scopes": scope or ["admin"]}
    try:
        with httpx.Client(base_url=base, timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.post("/api/v1/sign-in-links", json=body, headers={"Authorization": f"Bearer {words}"})
        said = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        _refuse(f"no site answers at {base}: {error}")
    if answer.status_code != httpx.codes.CREATED:
        _refuse(f"the site at {base} refuses: {said.get('detail', answer.status_code)}")
    sys.stdout.write(f"{said['link']}\n")


def _refuse(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(REFUSED)
