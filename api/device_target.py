"""Which device `wcs device` means: as it was typed, or as plant and site file describe it.

Rule: whatever is wrong is said before anybody speaks to a PLC; a password is read from where the site file says it is.
"""

from __future__ import annotations

import re
from pathlib import Path

from devices.commissioning import Target
from devices.drivers.opcua_security import security_of
from devices.drivers.ports import plc_devices
from devices.words import POINTS, base_address
from wcs.plant.file import load_plant
from wcs.plant.model import Protocol
from wcs.plant.site_file import load_site

PORT, PORT_MAX = re.compile(r"[0-9]{1,5}"), 65535


class WrongTarget(Exception):
    """There can be no such device; the text says why."""


def typed(address: str, device: str, protocol: str, block: int, tracked: bool, points: tuple[int, ...]) -> Target:
    """A device at HOST:PORT, its connection not protected; WrongTarget."""
    host, _, port = address.rpartition(":")
    if not host or not PORT.fullmatch(port) or not 1 <= int(port) <= PORT_MAX:
        raise WrongTarget(f"{address!r} is not HOST:PORT (a site file wants --plant)")
    try:
        base_address(block)
    except ValueError as error:
        raise WrongTarget(f"--{error}") from None
    if any(not 0 <= point < POINTS for point in points):
        raise WrongTarget(f"--point: a device has points 0 to {POINTS - 1}")
    try:
        spoken = Protocol(protocol)
    except ValueError:
        raise WrongTarget(f"unknown protocol {protocol!r}: opcua or modbus") from None
    return Target(
        host=host, port=int(port), protocol=spoken, device=device, block=block, tracked=tracked, points=points
    )  # fmt: skip


def of_site(site: str, plant: str, device: str) -> Target:
    """A device of a plant, with the address and the security of its PLC.

    Raises:
        WrongTarget: the plant has no such device, or its certificates are not there.
        PlantFileError: plant or site file is wrong.
        SecretMissing: the password is not where the site file says it is.
    """
    building = load_plant(plant)
    plcs = load_site(site, building).plcs
    for plc in building.plcs:
        for one in plc_devices(plc, building):
            if one.device == device:
                access = plcs[plc.name]
                for file in filter(None, (access.certificate, access.private_key, access.trust_dir)):
                    if not Path(file).exists():
                        raise WrongTarget(f"{site}: plcs.{plc.name}: there is no {file}")
                return Target(
                    host=access.host,
                    port=access.port,
                    protocol=plc.protocol,
                    device=device,
                    block=one.block,
                    tracked=one.tracked,
                    points=one.points,
                    security=security_of(access),
                )
    known = ", ".join(device for plc in building.plcs for device in plc.devices)
    raise WrongTarget(f"the plant {building.name} has no device {device!r}; it has {known}")
