"""Reads `plant.toml`, the building, into the frozen `Plant`; refuses with file, key and reason.

Rule: nothing reaches the rest of the house that this file and `check.py` have not accepted. pydantic stands only here,
at the edge; the shapes below mirror `model.py` and say which numbers can be meant at all.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wcs.plant.check import check_plant
from wcs.plant.finding import Finding
from wcs.plant.model import Plant, Side
from wcs.plant.toml_lines import where

SHIPPED_PLANTS = ("tiny", "demo")
FILE_BYTES_MAX = 4_000_000  # a hall with 10,000 segments is about 1 MB: anything larger is not a plant file
DEPTH_MAX = 32  # tables within tables: no file of ours has more than four
TOO_DEEP = f"more than {DEPTH_MAX} tables or lists within each other"

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]*$")]
DOUBLE_WORD_MAX = 0xFFFF_FFFF  # no number on any wire is larger, and sums of such numbers still fit 63 bits
Positive = Annotated[int, Field(strict=True, gt=0, le=DOUBLE_WORD_MAX)]
NotNegative = Annotated[int, Field(strict=True, ge=0, le=DOUBLE_WORD_MAX)]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Whole = Annotated[int, Field(strict=True, ge=-DOUBLE_WORD_MAX, le=DOUBLE_WORD_MAX)]
Flag = Annotated[bool, Field(strict=True)]
ExitNumber = Annotated[int, Field(gt=0)]  # a TOML key is text, so this one number may be read from text


class Shape(BaseModel):
    """A table of the file: only the keys that it names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


AnyShape = TypeVar("AnyShape", bound=Shape)


class LoadTypeShape(Shape):
    name: Name
    number: Positive
    height_max_mm: Positive
    mass_max_g: Positive
    mass_empty_g: NotNegative


class AisleShape(Shape):
    name: Name
    number: Positive
    sides: tuple[Literal["left", "right"], ...] = Field(default=("left", "right"), min_length=1, max_length=2)
    bays: Positive
    levels: Positive
    depth: Positive = 1
    bay_pitch_mm: Positive
    level_pitch_mm: Positive
    x0_mm: NotNegative
    y0_mm: NotNegative
    location_height_mm: Positive
    location_mass_max_g: Positive
    zone: Name


class CranePointShape(Shape):
    number: Positive
    transfer_point: Name
    x_mm: Whole
    y_mm: Whole


class StackerCraneShape(Shape):
    name: Name
    aisle: Name
    speed_x_mm_s: Positive
    speed_y_mm_s: Positive
    accel_x_mm_s2: Positive
    accel_y_mm_s2: Positive
    fork_cycle_ms: Positive
    transfer_points: tuple[CranePointShape, ...]
    home_x_mm: Whole = 0
    home_y_mm: Whole = 0


class TransferPointShape(Shape):
    name: Name
    device: Name
    index: NotNegative


class PointShape(Shape):
    name: Name
    device: Name
    index: NotNegative
    kind: Literal["identification", "decision", "station"]
    deadline_ms: NotNegative
    default_exit: NotNegative
    exits: dict[ExitNumber, Name]
    scanner: Flag = True
    scale: Flag = False
    contour: Flag = False


class SegmentShape(Shape):
    name: Name
    origin: Name
    end: Name
    length_mm: Positive
    speed_mm_s: Positive
    capacity: NotNegative


class ConveyorShape(Shape):
    name: Name
    devices: tuple[Name, ...] = Field(min_length=1)
    merges: tuple[Name, ...] = ()
    transfer_points: tuple[TransferPointShape, ...] = ()
    points: tuple[PointShape, ...] = ()
    segments: tuple[SegmentShape, ...] = ()


class PickStationShape(Shape):
    name: Name
    pick_point: Name
    onward_exit: Positive
    handover_exit: Positive
    handover_point: Name
    put_on_point: Name
    order_places: tuple[Name, ...] = Field(min_length=1)
    queue_length_max: Positive


class DockShape(Shape):
    name: Name
    inbound_points: tuple[Name, ...]
    outbound_points: tuple[Name, ...]


class TrackStopShape(Shape):
    level: Positive
    transfer_point: Name


class TrackNodeShape(Shape):
    name: Name
    number: Positive
    x_mm: Whole
    y_mm: Whole
    parking: Flag = False
    charging: Flag = False
    stops: tuple[TrackStopShape, ...] = ()


class TrackEdgeShape(Shape):
    origin: Name
    end: Name
    length_mm: Positive
    speed_max_mm_s: Positive


class TrackShape(Shape):
    nodes: tuple[TrackNodeShape, ...] = ()
    edges: tuple[TrackEdgeShape, ...] = ()


class VehicleShape(Shape):
    name: Name
    start_node: Name
    speed_mm_s: Positive
    accel_mm_s2: Positive
    handling_ms: Positive
    battery_wh: Positive
    drain_wh_per_km: Positive
    charge_w: Positive


class PlcShape(Shape):
    name: Name
    protocol: Literal["opcua", "modbus"]
    devices: tuple[Name, ...] = Field(min_length=1)


class RatesShape(Shape):
    storage_per_hour: NotNegative = 0
    retrieval_per_hour: NotNegative = 0


class PlantShape(Shape):
    name: Name
    load_types: tuple[LoadTypeShape, ...] = Field(min_length=1)
    aisles: tuple[AisleShape, ...] = Field(min_length=1)
    cranes: tuple[StackerCraneShape, ...]
    conveyors: tuple[ConveyorShape, ...]
    stations: tuple[PickStationShape, ...] = ()
    docks: tuple[DockShape, ...] = ()
    clarification_points: tuple[Name, ...] = ()
    track: TrackShape = TrackShape()
    vehicles: tuple[VehicleShape, ...] = ()
    plcs: tuple[PlcShape, ...]
    rates: RatesShape = RatesShape()


class PlantFileError(Exception):
    """A file that describes plant or site is refused: where (file, line, key) and why; `findings` has all of them."""

    def __init__(self, file: str, key: str, reason: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(file, key, reason, findings)  # as it was made, or no copy of it could be made (pickle)
        self.file = file
        self.key = key
        self.reason = reason
        self.findings = findings or (Finding(key=key, reason=reason),)
        said = [f"{where(file, found.key, found.reason)}: {found.key}: {found.reason}" for found in self.findings]
        self._text = "\n".join(said)

    def __str__(self) -> str:
        return self._text


def refuse(file: str, findings: Sequence[Finding]) -> PlantFileError:
    """The error for a file with these findings (at least one)."""
    first = findings[0]
    return PlantFileError(file, first.key, first.reason, tuple(findings))


def load_plant(name_or_path: str | Path) -> Plant:
    """The plant of this file, or the shipped plant of this name; raises PlantFileError if it cannot work."""
    plant = read_plant(name_or_path)
    findings = check_plant(plant)
    if findings:
        raise refuse(str(name_or_path), findings)
    return plant


def read_plant(name_or_path: str | Path) -> Plant:
    """As `load_plant`, but only the shape of the file is checked, not whether the building works."""
    return plant_from(read_toml(_plant_file(name_or_path), str(name_or_path)), str(name_or_path))


def plant_from(content: Mapping[str, Any], file: str) -> Plant:
    """The plant that parsed TOML describes; `file` is only named in errors."""
    plain = shaped(PlantShape, content, file).model_dump()
    for aisle in plain["aisles"]:
        aisle["sides"] = sorted(Side[side.upper()] for side in aisle["sides"])
    return msgspec.convert(plain, Plant)


def shaped(shape: type[AnyShape], content: Mapping[str, Any], file: str) -> AnyShape:
    """The content in this shape; unknown and missing keys and wrong types raise PlantFileError."""
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        raise refuse(file, _findings_of(error, content)) from None


def read_toml(source: Traversable, file: str) -> dict[str, Any]:
    """The tables of a TOML file; unreadable, too large or wrong syntax raises PlantFileError."""
    try:
        content = source.read_bytes()
        if len(content) > FILE_BYTES_MAX:
            raise PlantFileError(file, "(file)", f"larger than {FILE_BYTES_MAX} bytes")
        return _not_deep(tomllib.loads(content.decode("utf-8")), file)
    except FileNotFoundError:
        raise PlantFileError(file, "(file)", f"no such file, and shipped are {', '.join(SHIPPED_PLANTS)}") from None
    except OSError as error:
        raise PlantFileError(file, "(file)", error.strerror or "cannot be read") from None
    except UnicodeDecodeError:
        raise PlantFileError(file, "(file)", "is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise PlantFileError(file, "(syntax)", str(error)) from None
    except RecursionError:
        raise PlantFileError(file, "(syntax)", TOO_DEEP) from None
    except ValueError as error:  # a name that no file can have, a number with thousands of digits
        raise PlantFileError(file, "(file)", str(error)) from None


def _not_deep(tables: dict[str, Any], file: str) -> dict[str, Any]:
    """The same, if whoever walks through it comes to an end."""
    level: list[Any] = [tables]
    for _ in range(DEPTH_MAX):
        inner = (value for outer in level for value in (outer.values() if isinstance(outer, dict) else outer))
        level = [value for value in inner if isinstance(value, dict | list)]
        if not level:
            return tables
    raise PlantFileError(file, "(file)", TOO_DEEP)


def _findings_of(error: ValidationError, content: object) -> tuple[Finding, ...]:
    """What pydantic found, with keys as a person would write them (an array's element by its name if it has one)."""
    found = error.errors(include_url=False)
    # A list counts as too short when its elements are faulty: that only follows from their own findings.
    within = {details["loc"][:depth] for details in found for depth in range(len(details["loc"]))}
    return tuple(
        Finding(key=_key(details["loc"], content), reason=_reason(details["type"], details["msg"]))
        for details in found
        if details["type"] != "too_short" or details["loc"] not in within
    )


def _plant_file(name_or_path: str | Path) -> Traversable:
    if name_or_path in SHIPPED_PLANTS:
        return resources.files("wcs.plant") / "plants" / f"{name_or_path}.toml"
    return Path(name_or_path)


def _key(location: tuple[int | str, ...], content: object) -> str:
    key = ""
    for part in location:
        if isinstance(content, Sequence) and isinstance(part, int) and part < len(content):
            content = content[part]
            name = content.get("name") if isinstance(content, Mapping) else None
            key += f".{name}" if isinstance(name, str) else f"[{part}]"
        else:
            content = content.get(part) if isinstance(content, Mapping) else None
            key += f".{part}" if key else str(part)
    return key or "(file)"


def _reason(kind: str, text: str) -> str:
    match kind:
        case "extra_forbidden":
            return "unknown key"
        case "missing":
            return "key is missing"
        case _:
            return text[0].lower() + text[1:]
