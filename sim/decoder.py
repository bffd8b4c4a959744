"""A compiled decoder on a device: the host looks the embedding up and launches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from compiler.checkpoint import LlamaCheckpoint
from compiler.decoder import Weights, global_tensors, layer_tensors, mask_tensor
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
        programs = [compiled.program, *([] if compiled.prefill is None else [compiled.prefill.program])]
        self._tensors = {tensor.sym_name.data: tensor for each in programs for tensor in tensors_of(each.module)}
        self._regions = programs[-1].regions
        for layer in range(checkpoint.config.layers):
            self._write(layer_tensors(checkpoint, compiled.shapes, layer), layer)
        self._write(global_tensors(checkpoint, compiled.shapes))
        if compiled.prefill is not None:
            self._write({"mask": mask_tensor(compiled.prefill.shapes)})
        for program in programs:
            device.load(program.image)

    def _write(self, values: Mapping[str, Weights], layer: int = 0) -> None:
        for name, value in values.items():
            raw = encode(self._tensors[name], value, self.spec)
            region = self._regions[name]
            base = region.base + layer * region.turn_stride
            self.device.memory[base : base + len(raw)] = raw

    def prefill(self, tokens: Sequence[int]) -> None:
        """Process as many tokens as a launch of the program for prompts takes.

        Raises
        ------
        ValueError
            There is no such program, or it takes another number of tokens.
        DeviceError
            The launch failed.
        """
        prefill = self.compiled.prefill
        if prefill is None or len(tokens) != prefill.shapes.rows:
            raise ValueError(f"prefill takes the rows of its program, not {len(tokens)} tokens")
        self._write({"embedded_rows": self._embedded(tokens)})
        self.launch = self.device.launch(prefill.program.context, prefill.arguments(self.position))
        self.position += len(tokens)

    def _embedded(self, tokens: Sequence[int]) -> Floats:
        rows = self.checkpoint.embedding[list(tokens)].astype(np.float32)
        return np.pad(rows, ((0, 0), (0, self.compiled.shapes.hidden - rows.shape[1])))

    def step(self, token: int) -> Floats:
        """Process one token in one launch; the logits [vocabulary] of the next.

        Raises
        ------
        DeviceError
            The launch failed.
        """
        compiled = self.compiled
        self._write({"embedded": self._embedded([token])[0]})
        self.launch = self.device.launch(compiled.program.context, compiled.arguments(self.position))
        self.position += 1
        region = compiled.region("logits")
        raw = self.device.memory[region.base : region.base + region.size]
        return decode(self._tensors["logits"], raw, self.spec).reshape(-1)[: self.checkpoint.config.vocab_size]
