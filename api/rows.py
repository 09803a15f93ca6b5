"""Rows as the faces show them: the committed record, with words in place of codes.

Rule: the stream carries what is at work (devices, what moves, what waits), never the racks: those are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from wcs.core import entities as e
from wcs.core.layout import Layout
from wcs.core.state import State

Row = dict[str, Any]
ORDERS_ENDED_SHOWN_MAX = 20  # the latest that ended: enough to see that things go out


def device_row(layout: Layout, row: e.Device) -> Row:
    """What people want to know of a device; the rest of its record is between site and PLC."""
    return {
        "name": row.name,
        "kind": layout.kinds[row.name].value,
        "link": row.link,
        "mode": row.mode.name.lower(),
        "able": row.able,
        "in_service": row.in_service,
        "out_of_service_by": row.out_of_service_by,
        "stopped": row.stopped,
        "alarms": row.alarms,
        "task": row.task,
        "load_unit": row.load_unit,
        "battery_permille": row.battery_permille,
        "place": row.last_place,
    }


def task_row(task: e.OpenTask) -> Row:
    """A task without its telegram words."""
    return {
        "number": task.number,
        "device": task.device,
        "leg": task.leg,
        "type": task.task.type.name.lower(),
        "state": task.state,
        "source": task.source,
        "sink": task.sink,
        "load_unit": task.task.load_id,
        "picked": task.picked,
        "deposited": task.deposited,
        "result": task.result.name.lower(),
    }


def order_row(view: State, order: e.CustomerOrder) -> Row:
    """An order with its progress in pieces."""
    lines = view.lines(order.number)
    return {
        **_plain(order),
        "lines": len(lines),
        "quantity": sum(line.quantity for line in lines),
        "picked": sum(line.picked for line in lines),
        "backordered": sum(line.backordered for line in lines),
    }


def _plain(row: e.Entity) -> Row:
    return msgspec.structs.asdict(row)


def _alike(_layout: Layout, _view: State, row: e.Entity) -> Row | None:
    return _plain(row)


def _device(layout: Layout, _view: State, row: e.Device) -> Row | None:
    return device_row(layout, row)


def _task(_layout: Layout, _view: State, row: e.OpenTask) -> Row | None:
    return task_row(row)


def _order(_layout: Layout, view: State, row: e.CustomerOrder) -> Row | None:
    return order_row(view, row)


def _unit(layout: Layout, _view: State, row: e.LoadUnit) -> Row | None:
    """Only what is not at rest in a rack or gone."""
    return None if layout.is_location(row.place) or row.place == "outside" else _plain(row)


# What is streamed, and how each row looks.
STREAMED: dict[type[e.Entity], Callable[[Layout, State, Any], Row | None]] = {
    e.Device: _device,
    e.TransferPointState: _alike,
    e.PointState: _alike,
    e.Track: _alike,
    e.VehicleTraffic: _alike,
    e.LoadUnit: _unit,
    e.CustomerOrder: _order,
    e.TransportOrder: _alike,
    e.OpenTask: _task,
    e.Block: _alike,
    e.Alarm: _alike,
}


def tables_streamed() -> frozenset[type[e.Entity]]:
    return frozenset(STREAMED)


def streamed_key(key: object) -> list[object]:
    """A key as the page joins it."""
    return list(key) if isinstance(key, tuple) else [key]


def streamed_row(layout: Layout, view: State, entity: type[e.Entity], key: object) -> Row | None:
    """The row as it is now; None if it is gone or at rest."""
    row = view.tables[entity].get(key)
    return None if row is None else STREAMED[entity](layout, view, row)


def streamed_rows(layout: Layout, view: State) -> dict[str, list[Row]]:
    """All of them, for a snapshot."""
    found: dict[str, list[Row]] = {}
    for entity, shown in STREAMED.items():
        rows = (shown(layout, view, row) for row in _candidates(view, entity))
        found[entity.TABLE] = [row for row in rows if row is not None]
    return found


def _candidates(view: State, entity: type[e.Entity]) -> Iterable[e.Entity]:
    if entity is e.LoadUnit:
        places = [p for p in view.units_at if p != "outside" and not view.layout.is_location(p)]
        return [view.load_unit[unit] for place in places for unit in view.units_at[place]]
    if entity is e.CustomerOrder:
        ended: list[e.CustomerOrder] = []
        for order in reversed(view.order.rows.values()):
            if len(ended) >= ORDERS_ENDED_SHOWN_MAX:
                break
            if order.number not in view.orders_open:
                ended.append(order)
        return [*(view.order[number] for number in view.orders_open), *reversed(ended)]
    return view.tables[entity]
