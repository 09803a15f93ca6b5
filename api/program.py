"""Which program this is, and how it names where it got something from."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version

from sqlalchemy.engine import make_url


def program() -> str:
    """Name and version."""
    return f"wcs {version('wcs')}"


def made_now() -> str:
    """The date on a page, with its zone."""
    return datetime.now().astimezone().isoformat(sep=" ", timespec="minutes")


def without_password(url: str | None) -> str:
    """A database's address, for pages that are passed on."""
    return make_url(url).render_as_string(hide_password=True) if url else ""
