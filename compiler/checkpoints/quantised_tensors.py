"""How quantised matrices are stored in safetensors files, and checkpoints that hold them.

A matrix [out, in] is stored under its name, with its scales beside it (:func:`scale_name`):

========= =================================================================== ===============================
format    matrix                                                              scales
========= =================================================================== ===============================
``int8``  I8 [out, in]                                                        F32 [out]
``mxfp4`` U8 [out, in / 2 rounded up]; of a byte the low half is the first    U8 [out, in / 32 rounded up]
========= =================================================================== ===============================
"""

from __future__ import annotations

from collections.abc import Mapping

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from weft.compiler.checkpoints.safetensors_file import SafetensorsFile
from weft.compiler.errors import WeftError
from weft.compiler.weights.quantised import Quantisation, Quantised
from weft.hw.program import BLOCK

__all__ = ["read_quantised", "scale_name", "stored_tensors"]

_E2M1 = np.arange(16, dtype=np.uint8).view(ml_dtypes.float4_e2m1fn).astype(np.float32)


def scale_name(name: str) -> str:
    """The tensor with the scales of a matrix."""
    return f"{name}_scale"


def read_quantised(
    files: Mapping[str, SafetensorsFile], name: str, shape: tuple[int, ...], form: Quantisation
) -> Quantised:
    """The matrix ``name`` [out, in] of a checkpoint, turned: [in, out].

    Raises
    ------
    WeftError
        Matrix or scales have another type or shape than the format asks for, or a scale is not finite.
    """
    out, size = shape
    file, scales = files[name], files[scale_name(name)]
    if form is Quantisation.INT8:
        elements = file.stored(name, "I8", (out, size)).astype(np.float32)
        given = scales.stored(scale_name(name), "F32", (out,)).astype(np.float32)[:, None]
        bad = ~np.isfinite(given)
    else:
        packed = file.stored(name, "U8", (out, -(-size // 2))).astype(np.uint8)
        elements = _E2M1[np.stack([packed & 15, packed >> 4], axis=-1).reshape(out, -1)[:, :size]]
        given = scales.stored(scale_name(name), "U8", (out, -(-size // BLOCK))).astype(np.float32)
        bad = given == 255
    if bad.any():
        count = f"{int(bad.sum())} of its {given.size} values are not"
        raise WeftError(f"{scales.file}: tensor {scale_name(name)!r} must be finite, but {count}")
    return Quantised(form, np.ascontiguousarray(elements.T), np.ascontiguousarray(given.T))


def stored_tensors(name: str, matrix: Quantised) -> dict[str, NDArray[np.generic]]:
    """The tensors that hold the matrix ``name``, for :func:`read_quantised`."""
    elements, scales = matrix.elements.T, matrix.scales.T
    if matrix.form is Quantisation.INT8:
        return {name: elements.astype(np.int8), scale_name(name): scales[:, 0].astype(np.float32)}
    codes = elements.astype(ml_dtypes.float4_e2m1fn).view(np.uint8)
    codes = np.pad(codes, [(0, 0), (0, codes.shape[1] % 2)]).reshape(len(codes), -1, 2)
    return {name: codes[..., 0] | codes[..., 1] << 4, scale_name(name): scales.astype(np.uint8)}
