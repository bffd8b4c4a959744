"""Tensors in a device's memory, as arrays: shards are put together, and so are those that there is one of each turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.compiler.backend.memory import Region, decode, encode, tensor_bytes
from weft.compiler.mapped.tensor import Role, TensorOp
from weft.compiler.step.shard import Shard
from weft.compiler.weights.quantised import Quantisation, Quantised, quantise
from weft.hw.spec import FabricSpec
from weft.sim.device import Device, channel_memory

__all__ = ["TensorMemory"]

Values = NDArray[np.float32] | NDArray[np.int64] | Quantised
Read = NDArray[Any]
"""float32 or int32."""


class TensorMemory:
    """Reads and writes the tensors of programs by the names that these give them.

    Parameters
    ----------
    tensors, regions
        What lies in memory, by name, and where.
    turns
        How many there are of a tensor that is one of each turn.
    sizes
        The shapes of tensors that lie there in another one, as tiles of quantised weights do.
    """

    def __init__(
        self,
        tensors: Mapping[str, TensorOp],
        regions: Mapping[str, Region],
        spec: FabricSpec,
        device: Device,
        *,
        turns: int = 1,
        sizes: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        self._regions, self._spec, self._device, self._turns = regions, spec, device, turns
        self._sizes = sizes or {}
        self._parts: dict[str, dict[str, TensorOp]] = {}
        for name, tensor in tensors.items():
            self._parts.setdefault(tensor.shard.of if tensor.shard else name, {})[name] = tensor

    @property
    def names(self) -> list[str]:
        """The tensors, shards of one as that one."""
        return [*self._parts]

    def like(self, name: str) -> TensorOp:
        """The declaration of a tensor, or of the first of its shards."""
        return next(iter(self._parts[name].values()))

    def role(self, name: str) -> Role:
        """What a tensor is for."""
        return self.like(name).role

    def sizes(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor."""
        if name in self._sizes:
            return self._sizes[name]
        shards = [each.shard for each in self._parts[name].values() if each.shard is not None]
        return tuple(map(max, *(each.end for each in shards))) if len(shards) > 1 else self.like(name).sizes

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of the array of a tensor, with the turns first if there is one of each."""
        return self.sizes(name) if self.like(name).each is None else (self._turns, *self.sizes(name))

    def own_contents(self, name: str) -> NDArray[np.float32] | NDArray[np.int64] | None:
        """What a program itself says that a tensor holds, in its shape, or None."""
        tensor = self.like(name)
        if tensor.role is Role.IOTA:
            sizes = self.sizes(name)
            return np.broadcast_to(np.arange(sizes[-1], dtype=np.float32), self.shape(name))
        if tensor.values is not None:
            values = np.array(tensor.values.get_values(), np.int64).reshape(tensor.sizes)
            return np.broadcast_to(values, self.shape(name))
        return None

    def clear(self, name: str) -> None:
        """Make all of a tensor zeros."""
        for part, tensor in self._parts[name].items():
            for turn in self._turns_of(tensor):
                self._place(part, tensor, turn)[1][:] = 0

    def write(self, name: str, values: Values, turn: int | None = None) -> None:
        """Write a tensor, or that of one turn; where there is not one of each, this entry of its first dimension."""
        form = self.like(name).format
        if form.kind.is_matrix and not isinstance(values, Quantised):
            values = quantise(values.astype(np.float32, copy=False), Quantisation(form.value))
        for part, each in self._parts[name].items():
            own = _part(values, each.shard)
            for at in self._turns_of(each) if turn is None else (turn,):
                tensor, place = self._place(part, each, at)
                raw = encode(tensor, _of_turn(own, at) if turn is None and at is not None else own, self._spec)
                place[: len(raw)] = raw

    def read(self, name: str, turn: int | None = None) -> Read:
        """A tensor, or that of one turn; where there is not one of each, this entry of its first dimension."""
        found = [(each.shard, self._read(part, each, turn)) for part, each in self._parts[name].items()]
        if len(found) == 1 and found[0][0] is None:
            return found[0][1]
        joined = np.zeros(self.shape(name) if turn is None else self.sizes(name), found[0][1].dtype)
        for shard, values in found:
            assert shard is not None
            joined[..., *shard.slices] = values
        return joined

    def _read(self, part: str, tensor: TensorOp, turn: int | None) -> Read:
        turns = self._turns_of(tensor) if turn is None else (turn,)
        values = [decode(*self._place(part, tensor, each), self._spec) for each in turns]
        return values[0] if turns[0] is None or turn is not None else np.stack(values)

    def _turns_of(self, tensor: TensorOp) -> Sequence[int | None]:
        return (None,) if tensor.each is None else range(self._turns)

    def _place(self, part: str, tensor: TensorOp, turn: int | None) -> tuple[TensorOp, NDArray[np.uint8]]:
        """A tensor, or that of a turn, and its place in memory, of which it fills only the beginning."""
        region = self._regions[part]
        base, size = region.base, region.size
        if turn is not None and tensor.each is not None:
            base += turn * region.turn_stride
        elif turn is not None:
            tensor = TensorOp(part, tensor.sizes[1:], format=tensor.format, role=tensor.role)
            size = tensor_bytes(tensor, self._spec)
            base += turn * size
        return tensor, channel_memory(self._device, region.channel)[base : base + size]


def _part(values: Values, shard: Shard | None) -> Values:
    if shard is None:
        return values
    return values.part(shard.slices) if isinstance(values, Quantised) else values[..., *shard.slices]


def _of_turn(values: Values, turn: int) -> Values:
    if isinstance(values, Quantised):
        return Quantised(values.form, values.elements[turn], values.scales[turn])
    return values[turn]
