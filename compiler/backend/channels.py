"""Which memory channel each tensor lies on: its AGCUs take that channel, and so does all of its traffic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import ModuleOp

from weft.compiler.backend.bundles import ACCESSES, bundles_of
from weft.compiler.backend.memory import tensor_bytes
from weft.compiler.mapped.tensor import TensorOp
from weft.compiler.step.shard import Shard
from weft.hw.spec import FabricSpec
from weft.hw.topology import channel_agcus

__all__ = ["channels_of"]


def channels_of(
    tensors: Mapping[str, TensorOp], modules: Sequence[ModuleOp], spec: FabricSpec, names: Sequence[Mapping[str, str]]
) -> dict[str, int]:
    """A channel for each tensor of programs that share a memory; ``names`` are the tensors by the programs' own names.

    Shards go round the channels in their order; where they are fewer, each has several channels for its tensors. A
    tensor goes, the largest first, to the channel that has the fewest bytes so far, among those with AGCUs left for all
    that loads and stores it.
    """
    if spec.channels == 1:
        return dict.fromkeys(tensors, 0)
    needed: Counter[str] = Counter()
    for module, known in zip(modules, names, strict=True):
        shared = {each for bundle in bundles_of(module, spec) for each in bundle[1:]}
        accesses = [op for op in module.ops if isinstance(op, ACCESSES) and op not in shared]
        needed |= Counter(known[op.tensor.string_value()] for op in accesses)
    free = [_agcus(spec, channel) for channel in range(spec.channels)]
    carried = [0] * spec.channels
    found: dict[str, int] = {}
    sizes = {name: tensor_bytes(tensor, spec) for name, tensor in tensors.items()}
    for name in sorted(tensors, key=lambda name: (tensors[name].shard is None, -sizes[name])):
        own = _own_channels(tensors[name].shard, spec.channels)
        roomy = [each for each in own if free[each] >= needed[name]]
        channel = min(roomy or own, key=lambda each: (carried[each], each))
        found[name] = channel
        free[channel] -= needed[name]
        carried[channel] += sizes[name]
    return found


def _own_channels(shard: Shard | None, channels: int) -> range:
    """The channels that a tensor may lie on: of a shard those that are its part of all."""
    if shard is None:
        return range(channels)
    if shard.count > channels:
        return range(shard.index % channels, shard.index % channels + 1)
    return range(shard.index * channels // shard.count, (shard.index + 1) * channels // shard.count)


def _agcus(spec: FabricSpec, channel: int) -> int:
    agcus = channel_agcus(spec.rows, spec.channels, channel)
    return agcus.stop - agcus.start
