"""The launches that a program is judged by: what its arguments can be, as far as they decide lengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice, product

from xdsl.dialects.builtin import ModuleOp

from weft.compiler.backend.memory import row_beats
from weft.compiler.mapped.offchip import ArgumentOp, LinearLoadOp, LinearStoreOp, tensor_of
from weft.compiler.mapped.tensor import Format
from weft.compiler.mapped.types import DYNAMIC
from weft.hw.spec import FabricSpec

__all__ = ["Launches", "launches_of"]

_MOST = 64


@dataclass(frozen=True)
class Launches:
    """Arguments of each launch to be judged; ``complete`` says that no other makes a stream longer."""

    arguments: tuple[Mapping[int, int], ...]
    complete: bool = True


def launches_of(module: ModuleOp, spec: FabricSpec) -> Launches:
    """Launches with every size at its largest, at 1 and at 0, and with every argument that is a choice at 0 and 1.

    The largest size is the tensor's. A repetition has none, and is tried with 2. Of more than 64 combinations only the
    first are tried, beginning with the largest sizes.
    """
    largest: dict[int, int] = {}
    choices: set[int] = set()
    complete = True
    for op in module.ops:
        if isinstance(op, ArgumentOp):
            choices.add(op.index.value.data)
        if not isinstance(op, LinearLoadOp | LinearStoreOp):
            continue
        tensor = tensor_of(op)
        dims = op.result.type.dims if isinstance(op, LinearLoadOp) else op.stored.dims
        for place, argument in enumerate(op.sizes()):
            if dims[place] != DYNAMIC or not argument:
                continue
            walked = op.walked()[place]
            size = tensor.sizes[walked] if walked >= 0 else 2
            if place == len(dims) - 1:
                size = row_beats(size, spec, packed=tensor.format is Format.BF16X2)
            largest[argument] = min(size, largest.get(argument, size))
            complete &= walked >= 0
    values = {argument: sorted({size, 1, 0}, reverse=True) for argument, size in largest.items()}
    values |= {argument: [0, 1] for argument in choices - largest.keys()}
    tried = list(islice(product(*values.values()), _MOST))
    return Launches(tuple(dict(zip(values, each, strict=True)) for each in tried), complete)
