"""Which memory channel each tensor lies on: its AGCUs take that channel, and so does all of its traffic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import ModuleOp

from weft.compiler.backend.memory import tensor_bytes
from weft.compiler.mapped.offchip import LinearLoadOp, LinearStoreOp, RandomLoadOp, RandomStoreOp
from weft.compiler.mapped.tensor import TensorOp
from weft.hw.spec import FabricSpec
from weft.hw.topology import channel_agcus

__all__ = ["channels_of"]

_ACCESSES = LinearLoadOp | LinearStoreOp | RandomLoadOp | RandomStoreOp


def channels_of(
    tensors: Mapping[str, TensorOp], modules: Sequence[ModuleOp], spec: FabricSpec, names: Sequence[Mapping[str, str]]
) -> dict[str, int]:
    """A channel for each tensor of programs that share a memory; ``names`` are the tensors by the programs' own names.

    Shards go round the channels in their order. The others follow, the largest first, each to the channel that has the
    fewest bytes so far among those with AGCUs left for all that loads and stores it.
    """
    if spec.channels == 1:
        return dict.fromkeys(tensors, 0)
    needed: Counter[str] = Counter()
    for module, known in zip(modules, names, strict=True):
        accesses = Counter(known[op.tensor.string_value()] for op in module.ops if isinstance(op, _ACCESSES))
        needed |= accesses
    free = [_agcus(spec, channel) for channel in range(spec.channels)]
    carried = [0] * spec.channels
    found: dict[str, int] = {}
    sizes = {name: tensor_bytes(tensor, spec) for name, tensor in tensors.items()}
    for name in sorted(tensors, key=lambda name: (tensors[name].shard is None, -sizes[name])):
        shard = tensors[name].shard
        if shard is not None:
            channel = (
                shard.index * spec.channels // shard.count
                if shard.count <= spec.channels
                else (shard.index % spec.channels)
            )
        else:
            roomy = [each for each in range(spec.channels) if free[each] >= needed[name]]
            channel = min(roomy or range(spec.channels), key=lambda each: (carried[each], each))
        found[name] = channel
        free[channel] -= needed[name]
        carried[channel] += sizes[name]
    return found


def _agcus(spec: FabricSpec, channel: int) -> int:
    agcus = channel_agcus(spec.rows, spec.channels, channel)
    return agcus.stop - agcus.start
