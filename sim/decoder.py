"""A compiled decoder on a device: the host looks the embedding up and launches, for each token or for several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from compiler.checkpoint import LlamaCheckpoint
from compiler.decoder import TOKENS, global_tensors, layer_tensors, mask_tensor, token_tensors
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
        if compiled.tokens:
            self._write(token_tensors(checkpoint, compiled.shapes))
        if compiled.prefill is not None:
            self._write({"mask": mask_tensor(compiled.prefill.shapes)})
        for program in programs:
            device.load(program.image)

    def _write(self, values: dict[str, Floats], layer: int = 0) -> None:
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
        if compiled.tokens:
            return self.run(token, 1)[1][0]
        self._write({"embedded": self._embedded([token])[0]})
        self.launch = self.device.launch(compiled.program.context, compiled.arguments(self.position))
        self.position += 1
        return self._read("logits").reshape(-1)[: self.checkpoint.config.vocab_size]

    def run(self, token: int, count: int) -> tuple[list[int], Floats]:
        """Process a token and those that follow it, each the likeliest, in one launch.

        The ``count`` tokens that follow, and the logits [count, vocabulary] that they were chosen by.

        Raises
        ------
        ValueError
            More tokens than a launch of this program makes.
        DeviceError
            The launch failed.
        """
        compiled = self.compiled
        if not 1 <= count <= compiled.tokens:
            raise ValueError(f"count must be 1 to the {compiled.tokens} tokens of a launch, not {count}")
        first = np.zeros(self._tensors[TOKENS].sizes, np.float32)
        first[0] = token
        self._write({TOKENS: first})
        self.launch = self.device.launch(compiled.program.context, compiled.arguments(self.position, count))
        self.position += count
        tokens = self._read(TOKENS).reshape(-1)[1 : count + 1].astype(int).tolist()
        return tokens, self._read("logits_rows")[:count, : self.checkpoint.config.vocab_size]

    def _read(self, name: str) -> Floats:
        region = self.compiled.region(name)
        raw = self.device.memory[region.base : region.base + region.size]
        return decode(self._tensors[name], raw, self.spec)
