"""Reads `site.toml`, how the building is run, into the frozen `SiteFile`; refuses with file, key and reason.

Rule: secrets stand here only by reference ("env:NAME" or "file:PATH"), so that the file may be shown to anyone.
"""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from wcs.plant.file import SHIPPED_PLANTS, Name, Port, Shape, Text, read_toml, refuse, shaped
from wcs.plant.finding import Finding
from wcs.plant.model import Plant, Protocol, Record
from wcs.plant.policies import POLICIES

API_PORT = 8080
SECRET_BYTES_MAX = 4096  # a password or a token, never a document
_REFERENCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)")


class Security(enum.StrEnum):
    """How the connection to a PLC is protected (Modbus TCP knows only none)."""

    NONE = "none"
    BASIC256SHA256 = "basic256sha256"


class PlcAccess(Record):
    """Where a PLC is and how it is spoken to; `password` is a reference, paths are absolute or empty."""

    plc: str
    host: str
    port: int
    security: Security = Security.NONE
    user: str = ""
    password: str = ""
    certificate: str = ""
    private_key: str = ""
    trust_dir: str = ""


class SiteFile(Record):
    """How one plant is run. `database_password` is a reference or empty; `policies` has a name for every kind."""

    name: str
    database_url: str
    database_password: str
    policies: Mapping[str, str]
    plcs: Mapping[str, PlcAccess]
    api_host: str
    api_port: int


class DatabaseShape(Shape):
    url: Text
    password_ref: Text | None = None


class ApiShape(Shape):
    host: Text = "127.0.0.1"
    port: Port = API_PORT


class PlcAccessShape(Shape):
    address: Text
    security: Literal["none", "basic256sha256"] = "none"
    user: Text | None = None
    password_ref: Text | None = None
    certificate: Text | None = None
    private_key: Text | None = None
    trust_dir: Text | None = None


class SiteShape(Shape):
    name: Name
    database: DatabaseShape
    policies: dict[str, str] | None = None
    plcs: dict[str, PlcAccessShape]
    api: ApiShape = ApiShape()


class SecretMissing(Exception):
    """A secret's reference leads nowhere; the message never shows a secret."""


def load_site(name_or_path: str | Path, plant: Plant, policies: Mapping[str, tuple[str, ...]] = POLICIES) -> SiteFile:
    """The site of this file, or the shipped site of this name, checked against its plant; raises PlantFileError."""
    file = str(name_or_path)
    source, folder = _site_file(name_or_path)
    return site_from(read_toml(source, file), file, folder, plant, policies)


def site_from(
    content: Mapping[str, Any],
    file: str,
    folder: Path,
    plant: Plant,
    policies: Mapping[str, tuple[str, ...]] = POLICIES,
) -> SiteFile:
    """The site that parsed TOML describes; relative paths are meant from `folder`, `file` is only named in errors."""
    shape = shaped(SiteShape, content, file)
    chosen = shape.policies or {}
    findings = (*_policies(chosen, policies), *_database(shape), *_plcs(shape, plant))
    if findings:
        raise refuse(file, findings)
    return SiteFile(
        name=shape.name,
        database_url=shape.database.url,
        database_password=_absolute(shape.database.password_ref, folder),
        policies={kind: chosen.get(kind, names[0]) for kind, names in policies.items()},
        plcs={plc.name: _access(plc.name, shape.plcs[plc.name], folder) for plc in plant.plcs},
        api_host=shape.api.host,
        api_port=shape.api.port,
    )


def read_secret(reference: str) -> str:
    """What a reference ("env:NAME" or "file:PATH") stands for; raises SecretMissing."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = os.environ.get(name, "")
        if not value:
            raise SecretMissing(f"the environment has no {name}")
        return value
    if kind != "file":
        raise SecretMissing("a secret is given by reference: env:NAME or file:PATH")
    try:
        with open(name, encoding="utf-8") as file:
            value = file.read(SECRET_BYTES_MAX).strip()
    except (OSError, UnicodeDecodeError):
        raise SecretMissing(f"the file {name} cannot be read") from None
    if not value:
        raise SecretMissing(f"the file {name} is empty")
    return value


def _site_file(name_or_path: str | Path) -> tuple[Traversable, Path]:
    if name_or_path in SHIPPED_PLANTS:
        return resources.files("wcs.plant") / "sites" / f"{name_or_path}.toml", Path.cwd()
    path = Path(name_or_path)
    return path, path.absolute().parent


def _policies(chosen: Mapping[str, str], policies: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    for kind, name in chosen.items():
        if kind not in policies:
            reason = f"there is no policy for this; known are {', '.join(policies)}"
            yield Finding(key=f"policies.{kind}", reason=reason)
        elif name not in policies[kind]:
            reason = f"there is no policy {name}; known are {', '.join(policies[kind])}"
            yield Finding(key=f"policies.{kind}", reason=reason)


def _database(shape: SiteShape) -> Iterator[Finding]:
    try:
        parts = urlsplit(shape.database.url)
        password = parts.password
    except ValueError:
        yield Finding(key="database.url", reason="is not a URL")
        return
    kind = parts.scheme.split("+")[0]
    if kind not in ("sqlite", "postgresql"):
        yield Finding(key="database.url", reason="is neither sqlite:///… nor postgresql://…")
    elif kind == "sqlite" and (parts.netloc or parts.path in ("", "/", "/:memory:")):
        yield Finding(key="database.url", reason="names no file, as in sqlite:///FILE: memory is no paper")
    if password is not None or "password=" in parts.query:
        yield Finding(key="database.url", reason="holds a password: give it by database.password_ref")
    yield from _reference("database.password_ref", shape.database.password_ref)


def _plcs(shape: SiteShape, plant: Plant) -> Iterator[Finding]:
    protocols = {plc.name: plc.protocol for plc in plant.plcs}
    taken: dict[tuple[str, int], str] = {}
    for name, access in shape.plcs.items():
        key = f"plcs.{name}"
        if name not in protocols:
            yield Finding(key=key, reason=f"the plant {plant.name} has no PLC {name}")
            continue
        address = _address(access.address)
        if address is None:
            yield Finding(key=f"{key}.address", reason=f"{access.address!r} is not HOST:PORT")
        elif address in taken:
            yield Finding(key=f"{key}.address", reason=f"{access.address} is {taken[address]}'s address already")
        else:
            taken[address] = name
        yield from _security(key, access, protocols[name])
    for name in protocols:
        if name not in shape.plcs:
            yield Finding(key=f"plcs.{name}", reason="the plant has this PLC, but it has no address here")


def _security(key: str, access: PlcAccessShape, protocol: Protocol) -> Iterator[Finding]:
    secured = access.security != "none"
    if secured and protocol is Protocol.MODBUS:
        yield Finding(key=f"{key}.security", reason="Modbus TCP has no security of its own: only none")
        return
    for field in ("user", "password_ref", "certificate", "private_key", "trust_dir"):
        given = getattr(access, field) is not None
        if secured and not given:
            yield Finding(key=f"{key}.{field}", reason="key is missing: security basic256sha256 needs it")
        if given and not secured:
            yield Finding(key=f"{key}.{field}", reason="only with security basic256sha256")
    yield from _reference(f"{key}.password_ref", access.password_ref)


def _reference(key: str, reference: str | None) -> Iterator[Finding]:
    if reference is not None and not _REFERENCE.fullmatch(reference):
        yield Finding(key=key, reason="a secret is given by reference, env:NAME or file:PATH, never as itself")


def _address(text: str) -> tuple[str, int] | None:
    """Host and port; names of this machine are one and the same host."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or not port or parts.path or parts.query or parts.fragment or parts.username is not None:
        return None
    return ("127.0.0.1" if host == "localhost" else host), port


def _access(name: str, shape: PlcAccessShape, folder: Path) -> PlcAccess:
    address = _address(shape.address)
    assert address is not None, "checked before"

    def path(text: str | None) -> str:
        return str(folder / text) if text else ""

    return PlcAccess(
        plc=name,
        host=address[0],
        port=address[1],
        security=Security(shape.security),
        user=shape.user or "",
        password=_absolute(shape.password_ref, folder),
        certificate=path(shape.certificate),
        private_key=path(shape.private_key),
        trust_dir=path(shape.trust_dir),
    )


def _absolute(reference: str | None, folder: Path) -> str:
    if reference is None or not reference.startswith("file:"):
        return reference or ""
    return f"file:{folder / reference.removeprefix('file:')}"
