"""Arrays from an ``.npz`` file of which nothing is believed before it is checked."""

from __future__ import annotations

import math
import re
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

if TYPE_CHECKING:
    import numpy as np

__all__ = ["load_arrays"]

_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"""\{\s*'descr':\s*'(?P<kind>[<>|=][biufcSUV][1-9]\d{0,8})',\s*'fortran_order':\s*(?P<fortran>True|False),"""
    r"""\s*'shape':\s*\((?P<shape>[\d,\s]*)\),?\s*\}\s*"""
)
_BROKEN = (BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, struct.error, zlib.error)
"""What `zipfile` raises for files of other kinds, broken, encrypted or of another version."""


def load_arrays(path: Path) -> dict[str, Any]:
    """The arrays of ``--inputs`` by name.

    Raises
    ------
    WeftError
        No ``.npz`` file, or one with something else than plain arrays in it.
    """
    from weft.compiler.errors import WeftError
    from weft.hw.shown import shown

    if path.is_dir():
        raise WeftError(f"--inputs must be an .npz file, not the folder {str(path)!r}")
    rule = "--inputs must be an .npz file of plain arrays, as numpy.savez writes it"
    arrays: dict[str, Any] = {}
    with path.open("rb") as file:
        try:
            if file.read(len(_MAGIC)) == _MAGIC:
                raise WeftError(f"{rule}, and {str(path)!r} is one array without a name")
            archive = ZipFile(file)
        except WeftError:
            raise
        except _BROKEN:
            raise WeftError(f"{rule}, and {str(path)!r} is not") from None
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            try:
                if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
                    raise ValueError(member.compress_type)
                arrays[name] = _array(archive.read(member))
            except _BROKEN:
                raise WeftError(f"{rule}, and {shown(name)} in {str(path)!r} is no such array") from None
    return arrays


def _array(content: bytes) -> np.ndarray:
    """The array of an ``.npy`` file; its header must say as many bytes as follow it."""
    import numpy as np

    size = {1: 2, 2: 4}.get(content[len(_MAGIC)] if content.startswith(_MAGIC) else 0)
    if size is None:
        raise ValueError("neither version 1 nor 2")
    begin = len(_MAGIC) + 2 + size
    end = begin + int.from_bytes(content[begin - size : begin], "little")
    header = _HEADER.fullmatch(content[begin:end].decode("latin1"))
    if header is None:
        raise ValueError("a header of another kind")
    try:
        kind = np.dtype(header["kind"])
    except TypeError as error:
        raise ValueError(header["kind"]) from error
    shape = tuple(int(each) for each in header["shape"].split(",") if each.strip())
    if math.prod(shape) * kind.itemsize != len(content) - end:
        raise ValueError("more or fewer bytes than the header says")
    order = "F" if header["fortran"] == "True" else "C"
    return np.ndarray(shape, kind, bytearray(content), offset=end, order=order)
