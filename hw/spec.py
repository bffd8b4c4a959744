"""One description of a fabric, from which hardware, compiler and simulator are all derived."""

from __future__ import annotations

import hashlib
import json
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from weft.hw.shown import shown

__all__ = ["ADDRESS_BITS", "FabricSpec", "SpecError"]

ADDRESS_BITS = 40
"""Bits of a byte address: the memory of a channel has up to 1 TiB."""


class SpecError(ValueError):
    """A fabric specification that cannot be built; one sentence with the field, the rule and the value."""


def _size(low: int, high: int, text: str, default: int) -> Any:
    return Field(default=default, ge=low, le=high, description=text)


class FabricSpec(BaseModel, frozen=True):
    """Everything that can be chosen about a fabric.

    The array has ``rows`` x ``columns`` compute and memory tiles, and one column of AGCU tiles on its
    west and on its east edge (Plasticine, ISCA 2017, places them alike). Frozen and hashable; two specs
    with equal fields give byte-identical Verilog.

    Raises
    ------
    SpecError
        From :meth:`make`, :meth:`from_toml`, :meth:`replace` and :meth:`set`: a field out of its range, an
        unknown field, or fields that contradict each other.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(default="custom", description="what the fabric is called in reports")
    rows: Annotated[int, _size(1, 64, "rows of tiles", 4)] = 4
    columns: Annotated[int, _size(1, 64, "columns of PCU and PMU tiles, without the AGCU columns", 4)] = 4
    pattern: tuple[str, ...] = Field(
        default=("CM", "MC"),
        description="PCU (C) and PMU (M) tiles of the top left corner, repeated over the array",
    )
    lanes: Annotated[int, _size(2, 64, "lanes of a PCU, banks of a PMU, words of a vector beat", 4)] = 4
    stages: Annotated[int, _size(1, 8, "stages of a PCU, each a function unit a lane with accumulators", 3)] = 3
    registers: Annotated[int, _size(1, 4, "vector registers that travel with a beat through the stages", 4)] = 4
    vector_inputs: Annotated[int, _size(1, 4, "vector input ports of a PCU", 3)] = 3
    scalar_inputs: Annotated[int, _size(1, 8, "scalar input ports of a PCU", 2)] = 2
    acc_depth: Annotated[int, _size(1, 256, "accumulators a lane a stage", 16)] = 16
    fifo_depth: Annotated[int, _size(2, 64, "beats in the FIFO of each input port of a unit", 4)] = 4
    pmu_lines: Annotated[int, _size(16, 65536, "32-bit words in each bank of a PMU", 256)] = 256
    pmu_levels: Annotated[int, _size(1, 5, "loop levels of a PMU's address generator", 5)] = 5
    agcu_levels: Annotated[int, _size(1, 5, "loop levels of an AGCU's address generator", 4)] = 4
    agcu_parts: Annotated[int, _size(1, 4, "matrices that an AGCU can load one after the other in a turn", 1)] = 1
    agcu_buffer: Annotated[int, _size(4, 1024, "vector beats an AGCU can have in flight from memory", 64)] = 64
    vector_tracks: Annotated[int, _size(1, 8, "vector tracks in each direction of each switch", 2)] = 2
    scalar_tracks: Annotated[int, _size(1, 8, "scalar tracks in each direction of each switch", 2)] = 2
    control_tracks: Annotated[int, _size(1, 8, "control tracks in each direction of each switch", 1)] = 1
    stop_ranks: Annotated[int, _size(1, 15, "highest rank a stop token can carry", 7)] = 7
    arguments: Annotated[int, _size(1, 63, "launch arguments an AGCU keeps", 15)] = 15
    contexts: Annotated[int, _size(1, 8, "configurations resident in each unit", 2)] = 2
    channels: Annotated[int, _size(1, 32, "off-chip memory channels, one AXI4 port each", 1)] = 1
    channel_bits: Annotated[int, _size(32, 1024, "data bits of a channel's AXI4 port", 64)] = 64
    burst_beats: Annotated[int, _size(1, 256, "longest AXI4 burst, in channel beats", 16)] = 16
    channel_window: Annotated[int, _size(1, 4096, "channel beats read ahead; no more than latency takes", 64)] = 64

    @model_validator(mode="after")
    def _consistent(self) -> FabricSpec:
        for field in ("lanes", "channel_bits", "acc_depth", "pmu_lines", "agcu_buffer", "fifo_depth"):
            value = getattr(self, field)
            if value & (value - 1):
                raise ValueError(f"{field} must be a power of two, not {value}")
        if self.channel_bits > 32 * self.lanes:
            raise ValueError(f"channel_bits must be at most 32 * lanes = {32 * self.lanes}, not {self.channel_bits}")
        parts = 32 * self.lanes // self.channel_bits
        if self.burst_beats < parts:
            raise ValueError(
                f"burst_beats must be at least 32 * lanes / channel_bits = {parts}, not {self.burst_beats}"
            )
        if self.pmu_lines < self.lanes:
            raise ValueError(f"pmu_lines must be at least lanes = {self.lanes}, not {self.pmu_lines}")
        if self.registers < self.vector_inputs:
            raise ValueError(f"registers must be at least vector_inputs = {self.vector_inputs}, not {self.registers}")
        if self.channels > 2 * self.rows:
            raise ValueError(f"channels must be at most the AGCUs, 2 * rows = {2 * self.rows}, not {self.channels}")
        if not self.pattern or any(not row or set(row) - set("CM") for row in self.pattern):
            raise ValueError(f"pattern must be rows of the letters C and M, not {list(self.pattern)}")
        if len({len(row) for row in self.pattern}) != 1:
            raise ValueError(f"pattern must have rows of one length, not {list(self.pattern)}")
        return self

    # -- making one -------------------------------------------------------------------------------------

    @classmethod
    def make(cls, **fields: Any) -> FabricSpec:
        """A spec from keyword fields; the rest are defaults."""
        if isinstance(fields.get("pattern"), list):
            fields["pattern"] = tuple(fields["pattern"])
        try:
            return cls(**fields)
        except ValidationError as error:
            raise SpecError(_sentence(error)) from None

    def replace(self, **fields: Any) -> FabricSpec:
        """This spec with some fields changed, checked again."""
        return self.make(**{**self.model_dump(), **fields})

    def set(self, assignments: list[str]) -> FabricSpec:
        """This spec with ``field=value`` assignments from a command line applied, values in TOML syntax."""
        changed: dict[str, Any] = {}
        for text in assignments:
            name, equals, value = text.partition("=")
            if not equals or name not in type(self).model_fields:
                fields = [*type(self).model_fields]
                near = get_close_matches(name, fields, n=3) or fields
                raise SpecError(
                    f"--set must be FIELD=VALUE with a field of the fabric spec, not {shown(text)}; "
                    f"{'near it' if near is not fields else 'its fields'} are {', '.join(near)}"
                )
            try:
                changed[name] = tomllib.loads(f"v = {value}")["v"]
            except ValueError:  # no TOML, or a number that is longer than Python reads
                changed[name] = value
        return self.replace(**changed)

    @classmethod
    def from_toml(cls, path: Path) -> FabricSpec:
        """The spec in a TOML file, its fields at the top level."""
        try:
            return cls.make(**tomllib.loads(path.read_text()))
        except OSError as error:
            raise SpecError(f"fabric file {path} cannot be read: {error.strerror}") from None
        except SpecError as error:
            raise SpecError(f"fabric file {path}: {error}") from None
        except (ValueError, RecursionError) as error:
            raise SpecError(f"fabric file {path} is not valid TOML: {error}") from None

    def to_toml(self) -> str:
        """This spec as TOML; :meth:`from_toml` reads it back equal."""
        return tomli_w.dumps(self.model_dump(mode="json"))

    # -- what follows from the fields -------------------------------------------------------------------

    @property
    def hash(self) -> str:
        """16 hexadecimal digits over every field but the name; an image carries it."""
        fields = self.model_dump(mode="json", exclude={"name"})
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def of_tiles(self) -> FabricSpec:
        """What tiles are made from: this spec with the least array; fabrics of all sizes have the same tiles."""
        return self.replace(name="tiles", rows=1, columns=1, pattern=("C",), channels=1, channel_window=1)

    @property
    def beat_bytes(self) -> int:
        """Bytes of data in a vector beat."""
        return 4 * self.lanes

    @property
    def address_bits(self) -> int:
        """Bits of an address that counts vector beats, as AGCUs do."""
        return ADDRESS_BITS - (self.beat_bytes - 1).bit_length()

    @property
    def channel_bytes(self) -> int:
        """Bytes of a channel beat."""
        return self.channel_bits // 8

    @property
    def longest_burst(self) -> int:
        """Vector beats of a longest burst: what AXI4 and half an AGCU's buffer allow."""
        return min(self.burst_beats * self.channel_bytes // self.beat_bytes, self.agcu_buffer // 2)

    @property
    def stop_bits(self) -> int:
        """Bits of a stop token's rank."""
        return self.stop_ranks.bit_length()

    @property
    def pmu_words(self) -> int:
        """32-bit words of a PMU."""
        return self.pmu_lines * self.lanes


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    if not first["loc"]:
        return first["msg"].removeprefix("Value error, ")
    field = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"{field} is not a field of a fabric spec"
    rule = first["msg"].replace("Input should be", "must be")
    return f"{field} {rule}, not {shown(first['input'])}"
