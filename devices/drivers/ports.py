"""Opens the port to a PLC of the plant, whichever protocol it speaks."""

from __future__ import annotations

from devices.drivers.carriage import PlcDevice
from devices.drivers.modbus import modbus_port
from devices.drivers.opcua import opcua_port
from devices.drivers.opcua_security import OpcUaSecurity
from devices.drivers.port import PlcPort
from wcs.plant.model import Plant, Plc, Protocol


def plc_devices(plc: Plc, plant: Plant) -> tuple[PlcDevice, ...]:
    """The devices behind a PLC, as its drivers need to know them."""
    tracked = {device for conveyor in plant.conveyors for device in conveyor.devices}
    points = [point for conveyor in plant.conveyors for point in conveyor.points]
    return tuple(
        PlcDevice(
            device=device,
            block=block,
            tracked=device in tracked,
            points=tuple(sorted(point.index for point in points if point.device == device)),
        )
        for block, device in enumerate(plc.devices)
    )


def open_port(plc: Plc, plant: Plant, address: tuple[str, int], security: OpcUaSecurity | None = None) -> PlcPort:
    """The port to all devices of one PLC; nothing is connected before its `run`.

    Args:
        plc, plant: which devices it has, and which of them are tracked.
        address: host and TCP port.
        security: OPC UA only; None: no protection. `opcua_security.security_of` makes it from the site file.
    """
    host, port = address
    devices = plc_devices(plc, plant)
    if plc.protocol is Protocol.MODBUS:
        return modbus_port(host, port, devices)
    return opcua_port(host, port, devices, security)
