"""A compiled decoder on a device: the host looks the embedding up and launches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.checkpoint import LlamaCheckpoint
from compiler.decoder import global_tensors, layer_tensors
from compiler.decoder_program import CompiledDecoder
from compiler.memory import decode, encode
from compiler.program import tensors_of
from hw.spec import FabricSpec
from sim.device import Device, Launch

__all__ = ["DecoderSession"]

Floats = NDArray[np.float32]


class DecoderSession:
    """One sequence on one device: weights and image are loaded when it is made. ``launch`` is the last one.

    Parameters
    ----------
    compiled, checkpoint
        The program and the model it was compiled from.
    device
        With at least ``compiled.memory_bytes`` of memory.
    """

    def __init__(
        self,
        compiled: CompiledDecoder,
        checkpoint: LlamaCheckpoint,
        spec: FabricSpec,
        device: Device,
    ) -> None:
        self.compiled, self.checkpoint, self.spec, self.device = compiled, checkpoint, spec, device
        self.position = 0
        self.launch = Launch()
        self._tensors = {tensor.sym_name.data: tensor for tensor in tensors_of(compiled.program.module)}
        for layer in range(checkpoint.config.layers):
            self._write(layer_tensors(checkpoint, compiled.shapes, layer), layer)
        self._write(global_tensors(checkpoint, compiled.shapes))
        device.load(compiled.program.image)

    def _write(self, values: dict[str, Floats], layer: int = 0) -> None:
        for name, value in values.items():
            raw = encode(self._tensors[name], value, self.spec)
            region = self.compiled.region(name)
            base = region.base + layer * region.turn_stride
            self.device.memory[base : base + len(raw)] = raw

    def step(self, token: int) -> Floats:
        """Process one token in one launch; the logits [vocabulary] of the next.

        Raises
        ------
        DeviceError
            The launch failed.
        """
        compiled = self.compiled
        embedded = np.zeros(compiled.shapes.hidden, np.float32)
        embedded[: self.checkpoint.config.hidden_size] = self.checkpoint.embedding[token]
        self._write({"embedded": embedded})
        self.launch = self.device.launch(compiled.program.context, compiled.arguments(self.position))
        self.position += 1
        region = compiled.region("logits")
        raw = self.device.memory[region.base : region.base + region.size]
        return decode(self._tensors["logits"], raw, self.spec).reshape(-1)[: self.checkpoint.config.vocab_size]
