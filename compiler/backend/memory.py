"""Where tensors lie in off-chip memory, and how their numbers become bytes and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from weft.compiler.errors import WeftError
from weft.compiler.mapped.tensor import Format, TensorOp
from weft.compiler.weights.packing import matrix_words
from weft.compiler.weights.quantised import Quantisation, Quantised, quantise
from weft.hw.numerics import floats_of, to_bf16
from weft.hw.spec import ADDRESS_BITS, FabricSpec

__all__ = [
    "Region",
    "allocate",
    "allocate_named",
    "decode",
    "encode",
    "row_beats",
    "tensor_beats",
    "tensor_bytes",
    "tensor_strides",
]

_ALIGN = 4096  # a burst never crosses this boundary, so rows that begin here are fetched in the fewest bursts


@dataclass(frozen=True)
class Region:
    """Bytes of a tensor: ``strides[k]`` bytes between entries of dimension ``k`` (the last: between beats).

    Addresses are those of the memory of ``channel``.

    Accesses are allowed in ``[base, base + span)``. A tensor that there is one of for each turn of a launch lies
    ``turn_stride`` bytes after that of the turn before, and ``span`` covers them all.
    """

    base: int
    size: int
    strides: tuple[int, ...]
    span: int
    turn_stride: int = 0
    channel: int = 0


def row_beats(elements: int, spec: FabricSpec, *, packed: bool) -> int:
    """Beats of a row of a tensor or stream, filled up."""
    vectors = -(-elements // spec.lanes)
    return -(-vectors // 2) if packed else vectors


def tensor_strides(tensor: TensorOp, spec: FabricSpec) -> tuple[int, ...]:
    """Bytes between entries along each dimension, along the last between beats.

    Of matrices in formats of their own only the last counts.
    """
    packed = tensor.format is Format.BF16X2
    strides = [spec.beat_bytes]
    step = row_beats(tensor.sizes[-1], spec, packed=packed) * spec.beat_bytes
    for size in reversed(tensor.sizes[:-1]):
        strides.append(step)
        step *= size
    return (*reversed(strides),)


def tensor_beats(tensor: TensorOp, spec: FabricSpec) -> int:
    """Beats of a tensor."""
    form = tensor.format
    if form.kind.is_matrix:
        *outer, rows, columns = tensor.sizes
        return prod(outer) * form.unpack.matrix_beats(rows, row_beats(columns, spec, packed=False))
    return prod(tensor.sizes[:-1]) * row_beats(tensor.sizes[-1], spec, packed=form is Format.BF16X2)


def tensor_bytes(tensor: TensorOp, spec: FabricSpec) -> int:
    """Bytes of a tensor."""
    return tensor_beats(tensor, spec) * spec.beat_bytes


def allocate(tensors: Sequence[TensorOp], spec: FabricSpec, *, turns: int = 1) -> tuple[dict[str, Region], int]:
    """Regions for tensors of different names on the first channel, see :func:`allocate_named`."""
    return allocate_named({tensor.sym_name.data: tensor for tensor in tensors}, spec, {}, turns=turns)


def allocate_named(
    tensors: Mapping[str, TensorOp], spec: FabricSpec, channels: Mapping[str, int], *, turns: int = 1
) -> tuple[dict[str, Region], int]:
    """Regions for tensors, each in the memory of its channel, and the bytes of the fullest.

    Raises
    ------
    WeftError
        More bytes than a channel has addresses.
    """
    regions: dict[str, Region] = {}
    most = 0
    for channel in range(spec.channels):
        own = {name: tensor for name, tensor in tensors.items() if channels.get(name, 0) == channel}
        found, top = _allocate_in(own, spec, channel, turns)
        regions |= found
        most = max(most, top)
    return {name: regions[name] for name in tensors}, most


def _allocate_in(
    tensors: Mapping[str, TensorOp], spec: FabricSpec, channel: int, turns: int
) -> tuple[dict[str, Region], int]:
    """One after the other from address 0: first those that there are one of for each turn, turn after turn."""
    sizes = {name: -(-tensor_bytes(tensor, spec) // _ALIGN) * _ALIGN for name, tensor in tensors.items()}
    stride = sum(size for name, size in sizes.items() if tensors[name].each is not None)
    regions, top = {}, 0
    for each in (True, False):
        repeat = turns if each else 1
        for name, size in sizes.items():
            if (tensors[name].each is not None) == each:
                span = size + (repeat - 1) * stride
                regions[name] = Region(
                    top, size, tensor_strides(tensors[name], spec), span, stride if each else 0, channel
                )
                top += size
        top += (repeat - 1) * stride
    if top > 1 << ADDRESS_BITS:
        where = f" on channel {channel}" if spec.channels > 1 else ""
        raise WeftError(f"tensors must fit 1 TiB of addresses of a channel, not {top} bytes{where}")
    return regions, top


def encode(
    tensor: TensorOp, values: NDArray[np.float32] | NDArray[np.int64] | Quantised, spec: FabricSpec
) -> NDArray[np.uint8]:
    """The bytes of a tensor.

    ``values`` has its shape, or is a quantised matrix whose columns it holds in tiles. Formats narrower than fp32 round
    to nearest even; rows are filled up with ``pad``.

    Raises
    ------
    ValueError
        Another shape.
    """
    if isinstance(values, Quantised) or tensor.format.kind.is_matrix:
        given = (
            values
            if isinstance(values, Quantised)
            else quantise(values.astype(np.float32, copy=False), Quantisation(tensor.format.value))
        )
        given = _in_tiles(given, tensor.sizes)
        if (given.elements.shape, given.form.value) != (tensor.sizes, tensor.format.value):
            raise ValueError(
                f"@{tensor.sym_name.data} must be {tensor.format.value} of the shape {list(tensor.sizes)}, "
                f"not {given.form.value} of {list(given.elements.shape)}"
            )
        return matrix_words(given, spec.lanes).view(np.uint8).ravel()
    if values.shape != tensor.sizes:
        raise ValueError(f"@{tensor.sym_name.data} must have the shape {list(tensor.sizes)}, not {list(values.shape)}")
    form = tensor.format
    pad = 0.0 if tensor.pad is None else tensor.pad.value.data
    vectors = -(-tensor.sizes[-1] // spec.lanes)
    stored = vectors + vectors % 2 if form is Format.BF16X2 else vectors
    full = np.full((*values.shape[:-1], stored * spec.lanes), pad, np.int32 if form is Format.I32 else np.float32)
    full[..., : values.shape[-1]] = values
    if form is Format.I32:
        return full.view(np.uint8).ravel()
    if form is Format.F32:
        return np.ascontiguousarray(full).view(np.uint8).ravel()
    bits = to_bf16(full).view(np.uint32).reshape(*values.shape[:-1], stored // 2, 2, spec.lanes)
    return np.ascontiguousarray(bits[..., 0, :] >> np.uint32(16) | bits[..., 1, :]).view(np.uint8).ravel()


def _in_tiles(given: Quantised, sizes: tuple[int, ...]) -> Quantised:
    """A matrix [k, columns] as the tiles of its columns [tiles, k, part] that a program has made of it."""
    if len(sizes) != 3 or given.elements.ndim != 2 or given.elements.shape[0] != sizes[1]:
        return given
    tiles, _, part = sizes
    more = tiles * part - given.elements.shape[1]
    if not 0 <= more < part:
        return given
    elements, scales = (
        np.pad(each, [(0, 0), (0, more)]).reshape(len(each), tiles, part).swapaxes(0, 1)
        for each in (given.elements, given.scales)
    )
    return Quantised(given.form, elements, scales)


def decode(tensor: TensorOp, raw: NDArray[np.uint8], spec: FabricSpec) -> NDArray[np.float32] | NDArray[np.int32]:
    """The numbers of a tensor in its shape, from :func:`encode`'s bytes or what a program stored.

    Raises
    ------
    ValueError
        A format that no program stores: ``int8``, ``mxfp4``.
    """
    form = tensor.format
    if form.kind.is_matrix:
        raise ValueError(f"@{tensor.sym_name.data} must be of a format that programs store, not {form.value}")
    rows = row_beats(tensor.sizes[-1], spec, packed=form is Format.BF16X2)
    words = np.frombuffer(raw[: tensor_bytes(tensor, spec)].tobytes(), np.uint32).reshape(
        *tensor.sizes[:-1], rows, spec.lanes
    )
    if form is Format.BF16X2:
        words = np.stack([words << np.uint32(16), words & np.uint32(0xFFFF0000)], axis=-2)
    words = words.reshape(*tensor.sizes[:-1], prod(words.shape[len(tensor.sizes) - 1 :]))[..., : tensor.sizes[-1]]
    return words.view(np.int32) if form is Format.I32 else floats_of(np.ascontiguousarray(words))
