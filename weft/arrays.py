"""Arrays from an ``.npz`` file of which nothing is believed before it is checked."""

from __future__ import annotations

import math
import struct
import zlib
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

if TYPE_CHECKING:
    import numpy as np

__all__ = ["load_arrays"]

_MAGIC = b"\x93NUMPY"
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
            if name in arrays:
                raise WeftError(f"{rule}, and {str(path)!r} has two arrays {shown(name)}")
            try:
                if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
                    raise ValueError(member.compress_type)
                arrays[name] = _array(archive.read(member))
            except (*_BROKEN, TokenError):  # NumPy reads a header as Python
                raise WeftError(f"{rule}, and {shown(name)} in {str(path)!r} is no such array") from None
    return arrays


def _array(content: bytes) -> np.ndarray:
    """The array of an ``.npy`` file; its header must say as many bytes as follow it."""
    import numpy as np
    from numpy.lib import format as npy

    file = BytesIO(content)
    headers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(file)
    if version not in headers:
        raise ValueError(version)
    shape, fortran, kind = headers[version](file)
    begin = file.tell()
    if kind.hasobject or kind.names or kind.subdtype:
        raise ValueError(kind)
    if math.prod(shape) * kind.itemsize != len(content) - begin:
        raise ValueError("more or fewer bytes than the header says")
    return np.ndarray(shape, kind, bytearray(content), offset=begin, order="F" if fortran else "C")
