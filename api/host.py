"""What the API needs of the host: `wcs.site.Site` as it is, or a twin behind the same face.

Rule: the view is read, never changed; whatever is to change goes through `submit`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from wcs.core import events as v
from wcs.core.facts import Fact
from wcs.core.layout import Layout
from wcs.core.ports import Telemetry
from wcs.core.state import State
from wcs.site import Committed, HostCondition
from wcs.site_metrics import SiteMetrics


class Host(Protocol):
    """A running site, seen from its faces."""

    layout: Layout
    view: State
    telemetry: dict[str, Telemetry]
    condition: HostCondition
    metrics: SiteMetrics

    @property
    def now_ms(self) -> int: ...

    async def submit(self, make: Callable[[int], v.Event]) -> tuple[Fact, ...]: ...

    def follow(self) -> AsyncIterator[Committed]: ...
