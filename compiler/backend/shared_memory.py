"""Several programs over one memory: tensors of one name are one tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from weft.compiler.backend.channels import channels_of
from weft.compiler.backend.memory import Region, allocate_named
from weft.compiler.errors import WeftError
from weft.compiler.mapped.loop import turns_of
from weft.compiler.mapped.tensor import Role, TensorOp
from weft.hw.spec import FabricSpec

__all__ = ["SharedMemory", "share_memory", "tensors_of"]

_OF_PROGRAMS = (Role.IOTA, Role.CONSTANT)
"""What a program itself needs; of another shape in another program it is another tensor."""


@dataclass(frozen=True)
class SharedMemory:
    """All tensors by name, where they lie, and the bytes of memory, a power of two.

    ``by_program`` are the regions by the names that each program has for them, in the order of the programs.
    """

    tensors: dict[str, TensorOp]
    regions: dict[str, Region]
    by_program: tuple[dict[str, Region], ...]
    size: int


def tensors_of(module: ModuleOp) -> list[TensorOp]:
    """The off-chip tensors that a module declares, in order."""
    return [op for op in module.ops if isinstance(op, TensorOp)]


def share_memory(modules: Sequence[ModuleOp], spec: FabricSpec) -> SharedMemory:
    """Place the tensors of mapped programs. One may be the output of one program and the input of another.

    Raises
    ------
    WeftError
        Two programs declare one tensor differently, or there are more bytes than addresses.
    """
    tensors: dict[str, TensorOp] = {}
    names: list[dict[str, str]] = []
    for module in modules:
        names.append({})
        for tensor in tensors_of(module):
            label = name = tensor.sym_name.data
            number = 1
            while name in tensors and not _alike(tensors[name], tensor):
                if tensor.role not in _OF_PROGRAMS:
                    raise WeftError(f"tensor {name!r} must be declared alike in all programs that share a memory")
                number += 1
                name = f"{label}_{number}"
            tensors.setdefault(name, tensor)
            names[-1][label] = name
    turns = max(map(turns_of, modules), default=1)
    channels = channels_of(tensors, modules, spec, names)
    regions, size = allocate_named(tensors, spec, channels, turns=turns)
    by_program = tuple({label: regions[name] for label, name in each.items()} for each in names)
    return SharedMemory(tensors, regions, by_program, max(1 << 16, 1 << (size - 1).bit_length()))


def _alike(one: TensorOp, other: TensorOp) -> bool:
    fields = [(each.sizes, each.format, each.each is None, each.values, each.pad) for each in (one, other)]
    return fields[0] == fields[1]
