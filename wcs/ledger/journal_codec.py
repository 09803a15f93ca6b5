"""Events and facts as journal lines, and back. Rule: a decoder is kept for ever; an old line must always be readable.

A line is (name, version, JSON document). When what is written changes, its VERSION rises, and the decoder of the old
version is added to `OLD_FACTS` or `OLD_EVENTS`, which turns it into what is written today. An old line leads to the
rows to which it led: what is new in a row comes from a new field, never from a second look at an old one.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from wcs.core import events, facts
from wcs.core.events import Event
from wcs.core.facts import Fact

_encoder = msgspec.json.Encoder()
_fact_decoders: dict[str, msgspec.json.Decoder[Fact]] = {
    kind.__name__: msgspec.json.Decoder(kind)
    for kind in vars(facts).values()
    if isinstance(kind, type) and issubclass(kind, Fact) and kind is not Fact
}
_event_decoders: dict[str, msgspec.json.Decoder[Event]] = {
    kind.__name__: msgspec.json.Decoder(kind)
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
}
_versions: dict[str, int] = {
    **{name: getattr(facts, name).VERSION for name in _fact_decoders},
    **{name: getattr(events, name).VERSION for name in _event_decoders},
}

# Fields were added whose defaults say what the line meant before: `flow` of a block, `sscc` of an order.
OLD_FACTS: dict[tuple[str, int], Callable[[bytes], Fact]] = {
    ("PlaceBlocked", 1): _fact_decoders["PlaceBlocked"].decode,
    ("OrderPlaced", 1): _fact_decoders["OrderPlaced"].decode,
    ("OrderStateChanged", 1): _fact_decoders["OrderStateChanged"].decode,
}
OLD_EVENTS: dict[tuple[str, int], Callable[[bytes], Event]] = {
    ("PlaceBlockRequested", 1): _event_decoders["PlaceBlockRequested"].decode,
}


class UnknownLine(Exception):
    """A journal line that this program cannot read."""


def encode(item: Event | Fact) -> tuple[str, int, bytes]:
    """Name, version and document of an event or fact."""
    name = type(item).__name__
    return name, _versions[name], _encoder.encode(item)


def decode_fact(name: str, version: int, document: bytes | str) -> Fact:
    """The fact of a journal line; UnknownLine if this program is older than the line."""
    data = document.encode() if isinstance(document, str) else document
    old = OLD_FACTS.get((name, version))
    if old is not None:
        return old(data)
    decoder = _fact_decoders.get(name)
    if decoder is None or version != _versions[name]:
        raise UnknownLine(f"fact {name} version {version}")
    return decoder.decode(data)


def decode_event(name: str, version: int, document: bytes | str) -> Event:
    """The event of a journal line; UnknownLine if this program is older than the line."""
    data = document.encode() if isinstance(document, str) else document
    old = OLD_EVENTS.get((name, version))
    if old is not None:
        return old(data)
    decoder = _event_decoders.get(name)
    if decoder is None or version != _versions[name]:
        raise UnknownLine(f"event {name} version {version}")
    return decoder.decode(data)
