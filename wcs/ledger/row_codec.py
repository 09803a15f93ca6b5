"""Entity ↔ SQL row. Rule: made once per entity from its fields, so that loading a hundred thousand rows stays quick."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import structs

from wcs.core.entities import ENTITIES, Entity

Convert = Callable[[Any], Any]


class RowCodec:
    """Both ways for one entity; rows are tuples in the order of `__struct_fields__`."""

    def __init__(self, entity: type[Entity]) -> None:
        self.entity = entity
        self.fields = entity.__struct_fields__
        self.key: Callable[[Entity], Any] = attrgetter(*entity.KEY)
        hints = typing.get_type_hints(entity)
        self._to_sql = [(n, f) for n, name in enumerate(self.fields, 1) if (f := _to_sql(hints[name])) is not None]
        self._from_sql = [(name, f) for name in self.fields if (f := _from_sql(hints[name])) is not None]

    def encode(self, site_id: str, row: Entity) -> list[Any]:
        """Values for the columns, the site first."""
        values = [site_id, *structs.astuple(row)]
        for n, convert in self._to_sql:
            if values[n] is not None:
                values[n] = convert(values[n])
        return values

    def decode(self, values: typing.Sequence[Any]) -> Entity:
        """The entity of a row."""
        named = dict(zip(self.fields, values, strict=True))
        for name, convert in self._from_sql:
            if named[name] is not None:
                named[name] = convert(named[name])
        return self.entity(**named)


def _plain(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return next(a for a in typing.get_args(hint) if a is not type(None))
    return hint


def _to_sql(hint: Any) -> Convert | None:
    hint = _plain(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return attrgetter("_value_")  # what `value` looks up by a way of its own, ten times as long
    if hint in (int, str, bool):
        return None
    return _to_json


def _to_json(item: Any) -> str:
    return msgspec.json.encode(item).decode()


def _from_sql(hint: Any) -> Convert | None:
    hint = _plain(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {member.value: member for member in hint}.__getitem__
    if hint is bool:
        return bool
    if hint in (int, str):
        return None
    return msgspec.json.Decoder(hint).decode


CODECS: dict[type[Entity], RowCodec] = {entity: RowCodec(entity) for entity in ENTITIES}
