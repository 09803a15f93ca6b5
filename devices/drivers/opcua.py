"""OPC UA: the words of all devices of one PLC in one session, one subscription at 20 ms publishing.

Rule: a new client for each attempt, and a whole read after it; what the session layer promises about liveness or
reconnecting is not relied on. Every monitored item's own status is looked at, for servers refuse single ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from devices.drivers.carriage import CarriageLost, CarriageRefused, NotThere, PlcDevice
from devices.drivers.opcua_security import APPLICATION_URI, OpcUaSecurity, protect, refusal
from devices.drivers.port import PlcPort
from devices.session import Reading, Write, WriteCommand, WriteDecision, WriteLife
from devices.words import (
    NAMESPACE_URI,
    TRANSFERS,
    command_id,
    decision_id,
    event_id,
    life_id,
    status_id,
    transfer_ack_id,
    transfer_id,
)
from wcs.core.ports import DeviceId

PUBLISHING_MS = 20
SAMPLING_MS = 10  # half of it, so that what is published is never older than one interval
KEEP_ALIVE_COUNT = 500  # 10 s: PlcLife tells a dead PLC, the subscription's own keep-alive only a dead subscription
LIFETIME_COUNT = 3 * KEEP_ALIVE_COUNT  # the least that the standard allows
CONNECT_TIMEOUT_S = 5.0
REPLY_TIMEOUT_S = 2.0
WATCHDOG_S = 3.0  # the client's own probe; PlcLife is quicker
CLOSE_TIMEOUT_S = 1.0

_OF_ONE_NODE = (
    StatusCodes.BadNodeIdUnknown,
    StatusCodes.BadNodeIdInvalid,
    StatusCodes.BadAttributeIdInvalid,
    StatusCodes.BadNotReadable,
    StatusCodes.BadNotWritable,
    StatusCodes.BadTypeMismatch,
    StatusCodes.BadOutOfRange,
    StatusCodes.BadWriteNotSupported,
    StatusCodes.BadUserAccessDenied,
)


class OpcUaCarriage:
    """One OPC UA session with one PLC."""

    poll_ms: int | None = None

    def __init__(
        self, host: str, port: int, devices: tuple[PlcDevice, ...], security: OpcUaSecurity | None = None
    ) -> None:
        self._url = f"opc.tcp://{host}:{port}/"
        self._devices = {device.device: device for device in devices}
        self._security = security
        self._client: Client | None = None
        self._namespace = 0
        self._lost = ""
        self._wake: Callable[[], None] = lambda: None
        self._news: dict[str, tuple[int, ...]] = {}
        self._acks: dict[DeviceId, list[int]] = {}

    async def open(self, wake: Callable[[], None]) -> None:
        """Connect, subscribe and check every item, all within CONNECT_TIMEOUT_S."""
        for noisy in ("asyncua.client", "asyncua.common.subscription"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)  # outages are reported, not logged
        await self.close()
        self._lost = ""
        self._wake = wake
        self._news.clear()
        self._client = Client(self._url, timeout=REPLY_TIMEOUT_S, watchdog_intervall=WATCHDOG_S)
        self._client.application_uri = APPLICATION_URI
        self._client.connection_lost_callback = self._connection_lost
        try:
            await asyncio.wait_for(self._connect(self._client), CONNECT_TIMEOUT_S)
        except TimeoutError:
            raise CarriageLost(f"no connection to {self._url} within {CONNECT_TIMEOUT_S} s") from None
        except UaError as error:
            raise refusal(error, secured=self._security is not None) from None
        except OSError as error:
            raise CarriageLost(f"no connection to {self._url}: {error}") from None
        except ValueError as error:
            raise CarriageLost(f"{self._url}: {error}") from None

    async def close(self) -> None:
        """End the session; whatever the server says to that, the socket is closed."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(client.disconnect(), CLOSE_TIMEOUT_S)
        finally:
            client.disconnect_socket()

    async def read(self, device: DeviceId) -> Reading:
        """All words of one device in one service call."""
        names = self._readable(self._devices[device])
        words = dict(zip(names, await self._read_words(names), strict=True))
        return self._reading(self._devices[device], words, at_once=True)

    async def write(self, device: DeviceId, write: Write) -> tuple[int, ...] | None:
        """Write one variable whole; an answer is read back."""
        if isinstance(write, WriteLife):
            await self._write_value(life_id(device), write.value)
            return None
        if isinstance(write, WriteCommand):
            await self._write_value(command_id(device), list(write.words))
            return None
        if isinstance(write, WriteDecision):
            name = decision_id(device, write.point)
            await self._write_value(name, list(write.words))
            return (await self._read_words([name]))[0]
        name = transfer_ack_id(device)
        acks = self._acks[device]
        acks[write.transfer] = write.words[0]
        await self._write_value(name, acks)
        return (await self._read_words([name]))[0][write.transfer : write.transfer + 1]

    def published(self) -> list[tuple[DeviceId, Reading]]:
        """The latest published words of each device."""
        if self._lost:
            raise CarriageLost(self._lost)
        if not self._news:
            return []
        news, self._news = self._news, {}
        readings = ((name, self._reading(device, news)) for name, device in self._devices.items())
        return [(name, reading) for name, reading in readings if reading != Reading()]

    async def _connect(self, client: Client) -> None:
        if self._security is not None:
            await protect(client, self._security)
        await client.connect()
        self._namespace = await client.get_namespace_index(NAMESPACE_URI)
        for name, device in self._devices.items():
            if device.tracked:
                self._acks[name] = list((await self._read_words([transfer_ack_id(name)]))[0])
                if len(self._acks[name]) != TRANSFERS:
                    raise CarriageLost(f"{transfer_ack_id(name)} has {len(self._acks[name])} words")
        await self._subscribe(client)

    async def _subscribe(self, client: Client) -> None:
        parameters = ua.CreateSubscriptionParameters()
        parameters.RequestedPublishingInterval = PUBLISHING_MS
        parameters.RequestedMaxKeepAliveCount = KEEP_ALIVE_COUNT
        parameters.RequestedLifetimeCount = LIFETIME_COUNT
        parameters.PublishingEnabled = True
        subscription = await client.create_subscription(parameters, _Listener(self))
        names = [name for device in self._devices.values() for name in self._readable(device)]
        items = await subscription.subscribe_data_change(
            [self._node(name) for name in names], queuesize=1, sampling_interval=ua.Duration(SAMPLING_MS)
        )
        assert isinstance(items, list), "a list of nodes gives a list of results"
        for name, item in zip(names, items, strict=True):
            if isinstance(item, ua.StatusCode):
                raise NotThere(f"{name} cannot be subscribed: {item.name}")

    def take_published(self, name: str, value: ua.DataValue) -> None:
        """One monitored item changed; a value of bad quality counts as silence."""
        words = value.Value.Value if value.Value is not None else None
        if isinstance(words, list) and (value.StatusCode is None or value.StatusCode.is_good()):
            self._news[name] = tuple(words)
            self._wake()

    def take_end(self, reason: str) -> None:
        """The subscription or the session is over."""
        self._lost = self._lost or reason
        self._wake()

    async def _connection_lost(self, error: Exception) -> None:
        self.take_end(str(error) or type(error).__name__)

    @staticmethod
    def _readable(device: PlcDevice) -> list[str]:
        """The variables that a device publishes, as far as it has them."""
        name = device.device
        if not device.tracked:
            return [status_id(name)]
        return [status_id(name), transfer_id(name), *(event_id(name, point) for point in device.points)]

    @staticmethod
    def _reading(device: PlcDevice, words: dict[str, tuple[int, ...]], *, at_once: bool = False) -> Reading:
        name = device.device
        events = ((point, words.get(event_id(name, point))) for point in device.points)
        return Reading(
            status=words.get(status_id(name)),
            transfers=words.get(transfer_id(name)),
            events=tuple((point, event) for point, event in events if event is not None),
            at_once=at_once,
        )

    def _node(self, name: str) -> Node:
        return self._connected().get_node(ua.NodeId(ua.String(name), ua.Int16(self._namespace)))

    def _connected(self) -> Client:
        if self._client is None:
            raise CarriageLost("not connected")
        return self._client

    async def _read_words(self, names: Iterable[str]) -> list[tuple[int, ...]]:
        names = list(names)
        with _errors_named():
            values = await self._connected().read_attributes([self._node(name) for name in names])
        for name, value in zip(names, values, strict=True):
            if value.StatusCode is not None and not value.StatusCode.is_good():
                raise CarriageRefused(f"{name} cannot be read: {value.StatusCode.name}")
            if value.Value is None or not isinstance(value.Value.Value, list):
                raise CarriageRefused(f"{name} is not an array of words")
        return [tuple(value.Value.Value) for value in values if value.Value is not None]

    async def _write_value(self, name: str, value: int | list[int]) -> None:
        with _errors_named(name):
            await self._node(name).write_value(ua.DataValue(ua.Variant(value, ua.VariantType.UInt16)))


class _Listener:
    """What the client library calls for a subscription."""

    def __init__(self, carriage: OpcUaCarriage) -> None:
        self._carriage = carriage

    def datachange_notification(self, node: Node, val: Any, data: Any) -> None:
        """A monitored item changed."""
        self._carriage.take_published(str(node.nodeid.Identifier), data.monitored_item.Value)

    def status_change_notification(self, status: ua.StatusChangeNotification) -> None:
        """The server ended the subscription."""
        self._carriage.take_end(f"the server ended the subscription: {status.Status.name}")


@contextlib.contextmanager
def _errors_named(name: str = "") -> Any:
    """OPC UA's errors as the port knows them: of one node, or of the whole connection."""
    try:
        yield
    except UaStatusCodeError as error:
        if error.code in _OF_ONE_NODE:
            raise CarriageRefused(f"{name}: {error}") from None
        raise CarriageLost(str(error)) from None
    except (UaError, OSError, TimeoutError) as error:
        raise CarriageLost(str(error) or type(error).__name__) from None


def opcua_port(host: str, port: int, devices: tuple[PlcDevice, ...], security: OpcUaSecurity | None = None) -> PlcPort:
    """The port to one PLC that speaks OPC UA."""
    return PlcPort(devices, OpcUaCarriage(host, port, devices, security))
