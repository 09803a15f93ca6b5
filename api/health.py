"""Health and numbers for whoever watches the site. Rule: strangers learn alive, ready or degraded, nothing more."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response

from api.context import Reader, Site, context_of
from api.host import Host
from api.models import answer
from api.problems import document
from wcs.core.entities import Link
from wcs.site import HostState
from wcs.site_metrics import COMMIT_BUCKETS_S

router = APIRouter()


@router.get("/livez", tags=["health"])
async def livez() -> Response:
    """The process answers."""
    return answer({"alive": True})


@router.get("/readyz", tags=["health"])
async def readyz(site: Site) -> Response:
    """The site takes work in and commits it; the reason stands in the metrics and the stream, for callers only.

    `degraded`: it does, but no device of the plant is connected, so nothing moves. Still 200: orders are taken, and to
    start the program anew would mend no line.
    """
    if site.condition.state is not HostState.READY:
        return document(503, f"the host is {site.condition.state.value}")
    devices = list(site.view.device)
    degraded = bool(devices) and not any(device.link is Link.SYNCHRONISED for device in devices)
    return answer({"ready": True, "degraded": degraded})


@router.get("/metrics", tags=["health"])
async def metrics(request: Request, site: Site, _: Reader) -> Response:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SiteCollector(site, context_of(request).listeners))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class SiteCollector(Collector):
    """Reads the host's numbers when it is asked for them."""

    def __init__(self, site: Host, listeners: int) -> None:
        self._site = site
        self._listeners = listeners

    def collect(self) -> Iterator[Metric]:
        yield from self._host()
        yield from self._warehouse()

    def _host(self) -> Iterator[Metric]:
        numbers = self._site.metrics
        for name, text, value in (
            ("wcs_events", "Events decided on", numbers.events),
            ("wcs_facts", "Facts committed", numbers.facts),
            ("wcs_refused", "Requests refused", numbers.refused),
            ("wcs_quarantined", "Events quarantined", numbers.quarantined),
            ("wcs_commands", "Commands let out", numbers.commands),
        ):
            yield CounterMetricFamily(name, text, value=value)
        yield GaugeMetricFamily("wcs_queue_length", "Events that wait to be decided on", value=numbers.queue_length)
        buckets, total = [], 0
        for bound, count in zip((*map(str, COMMIT_BUCKETS_S), "+Inf"), numbers.commit_buckets, strict=True):
            total += count
            buckets.append((bound, float(total)))
        yield HistogramMetricFamily(
            "wcs_commit_seconds", "Duration of a commit", buckets=buckets, sum_value=numbers.commit_seconds
        )
        state = GaugeMetricFamily("wcs_host_state", "1 for the state that the host is in", labels=["state"])
        for one in HostState:
            state.add_metric([one.value], float(self._site.condition.state is one))
        yield state

    def _warehouse(self) -> Iterator[Metric]:
        view = self._site.view
        for name, text, value in (
            ("wcs_orders_open", "Customer orders that have not ended", len(view.orders_open)),
            ("wcs_transport_orders_open", "Transport orders under way", len(view.transport)),
            ("wcs_tasks_open", "Device tasks outstanding", len(view.task)),
            ("wcs_alarms_open", "Alarms that want an answer or an end", len(view.alarm)),
            ("wcs_load_units", "Load units in the book", len(view.load_unit)),
            ("wcs_stream_listeners", "Clients of the live stream", self._listeners),
        ):
            yield GaugeMetricFamily(name, text, value=float(value))
        able = GaugeMetricFamily("wcs_device_able", "1 if the device can work", labels=["device"])
        for device in view.device:
            able.add_metric([device.name], float(device.able))
        yield able
