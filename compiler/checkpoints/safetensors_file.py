"""Reads and writes `.safetensors` files: eight bytes of header length, a JSON header, then the data.

Read here and not by the library, whose errors name neither file nor tensor; the tests write with the library.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from weft.compiler.checkpoints.git_lfs import check_no_pointer
from weft.compiler.checkpoints.json_fields import parse_json_object
from weft.compiler.errors import WeftError
from weft.hw.shown import shown

DTYPES: dict[str, np.dtype[np.generic]] = {
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
}
"""Types of plain weights."""
_MOST_HEADER = 100_000_000
"""Bytes; the limit of the safetensors library."""
_STORED = DTYPES | {"I8": np.dtype(np.int8), "U8": np.dtype(np.uint8)}


@dataclass(frozen=True)
class TensorEntry:
    """Where one tensor lies in a file: bytes `begin` to `end` of the data part."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class SafetensorsFile:
    """An open file: its tensors are read when asked for."""

    file: Path
    data: NDArray[np.uint8]
    """The data part, mapped."""
    entries: dict[str, TensorEntry]
    metadata: dict[str, str]
    """What the header says beside the tensors."""

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def stored(self, name: str, dtype: str, shape: tuple[int, ...]) -> NDArray[np.generic]:
        """The tensor `name` as it is stored, of the type that safetensors calls `dtype`; read-only.

        Raises:
            WeftError: its type or shape is another, or its bytes are too few or too many.
        """
        entry = self.entries[name]
        if (entry.dtype, entry.shape) != (dtype, shape):
            rule, given = f"{dtype} of shape {list(shape)}", f"{entry.dtype} of shape {list(entry.shape)}"
            raise WeftError(f"{self.file}: tensor {shown(name)} must be {rule}, not {given}")
        return self._bytes(entry, _STORED[dtype])

    def read(self, name: str) -> NDArray[np.float32]:
        """The tensor `name`, widened to float32 with the values as stored.

        Raises:
            WeftError: its type is not BF16, F16 or F32, or its bytes are too few or too many for its shape.
        """
        entry = self.entries[name]
        dtype = DTYPES.get(entry.dtype)
        if dtype is None:
            raise WeftError(f"{self.file}: tensor {shown(name)} must be BF16, F16 or F32, not {entry.dtype}")
        return self._bytes(entry, dtype).astype(np.float32)

    def _bytes(self, entry: TensorEntry, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
        expected, given = math.prod(entry.shape) * dtype.itemsize, entry.end - entry.begin
        if expected != given:
            shape, name = list(entry.shape), entry.name
            raise WeftError(
                f"{self.file}: tensor {shown(name)} of shape {shape} must take {expected} bytes, not {given}"
            )
        return self.data[entry.begin : entry.end].view(dtype).reshape(entry.shape)


def open_safetensors(file: Path) -> SafetensorsFile:
    """Opens `file` and checks its header against its length.

    Raises:
        WeftError: the file is missing or unreadable.
        WeftError: it is shorter or longer than its header says, or the header is too long or no header.
        WeftError: it is a pointer of git-lfs.
    """
    try:
        size = file.stat().st_size
        whole = np.memmap(file, np.uint8, "r") if size else np.zeros(0, np.uint8)
    except FileNotFoundError:
        raise WeftError(f"{file}: the file is missing") from None
    except OSError as error:
        raise WeftError(f"{file}: the file cannot be read ({error.strerror})") from None
    check_no_pointer(file, whole[:100].tobytes())
    length = int.from_bytes(whole[:8].tobytes(), "little")
    if size < 8 + length or size < 8:
        raise WeftError(f"{file}: must be at least {8 + length} bytes long to hold its header, not {size}: truncated?")
    if length > _MOST_HEADER:
        raise WeftError(f"{file}: must have a header of at most {_MOST_HEADER} bytes, not {length}")
    header = parse_json_object(file, whole[8 : 8 + length].tobytes())
    metadata = header.inner("__metadata__").fields
    entries = [_entry(file, name, value) for name, value in header.fields.items() if name != "__metadata__"]
    _check_layout(file, entries, size - 8 - length)
    told = {name: value for name, value in metadata.items() if isinstance(value, str)}
    return SafetensorsFile(file, whole[8 + length :], {entry.name: entry for entry in entries}, told)


def safetensors_bytes(tensors: Mapping[str, NDArray[np.generic]]) -> bytes:
    """A file of these tensors, the widest types first, so that all are aligned.

    Raises:
        ValueError: a type that is not BF16, F16, F32, I8 or U8.
    """
    names = {dtype: name for name, dtype in _STORED.items()}
    header: dict[str, object] = {}
    parts: list[bytes] = []
    end = 0
    for name, values in sorted(tensors.items(), key=lambda item: -item[1].dtype.itemsize):
        if values.dtype not in names:
            raise ValueError(f"tensor {shown(name)} must be of a type in {sorted(_STORED)}, not {values.dtype}")
        parts.append(np.ascontiguousarray(values).tobytes())
        offsets = [end, end + len(parts[-1])]
        header[name] = {"dtype": names[values.dtype], "shape": list(values.shape), "data_offsets": offsets}
        end = offsets[1]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return b"".join((len(text).to_bytes(8, "little"), text, *parts))


def _entry(file: Path, name: str, value: object) -> TensorEntry:
    fields = cast(dict[str, object], value) if isinstance(value, dict) else {}
    dtype, shape, offsets = (
        fields.get("dtype"),
        _sizes(fields.get("shape")),
        _sizes(fields.get("data_offsets")),
    )
    if not isinstance(dtype, str) or shape is None or offsets is None or len(offsets) != 2:
        raise WeftError(f"{file}: tensor {shown(name)} must have dtype, shape and two data_offsets, not {shown(value)}")
    return TensorEntry(name, dtype, shape, offsets[0], offsets[1])


def _sizes(value: object) -> tuple[int, ...] | None:
    """A list of whole numbers from 0 to below 2**63 as a tuple, anything else as None."""
    if not isinstance(value, list):
        return None
    numbers = tuple(_whole(cast(list[object], value)))
    return numbers if len(numbers) == len(cast(list[object], value)) else None


def _whole(values: list[object]) -> Iterator[int]:
    return (
        value for value in values if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63
    )


def _check_layout(file: Path, entries: list[TensorEntry], size: int) -> None:
    """Tensors must fill the data part one after the other, without gap or overlap."""
    end = 0
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != end or entry.end < entry.begin:
            raise WeftError(
                f"{file}: tensor {shown(entry.name)} must begin at byte {end}, not span {entry.begin}:{entry.end}"
            )
        end = entry.end
    if end != size:
        trouble = "truncated?" if end > size else "bytes follow the last tensor"
        raise WeftError(f"{file}: must hold {end} bytes of tensors, not {size}: {trouble}")
