"""A compiled decoder on a device: the host's part of generating text, which is embedding, launches and sampling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compiler.checkpoint import LlamaCheckpoint
from compiler.decoder import global_tensors, layer_tensors
from compiler.decoder_program import CompiledDecoder
from compiler.memory import decode, encode
from compiler.program import tensors_of
from hw.spec import FabricSpec
from sim.device import Device, Launch

__all__ = ["DecoderSession", "Traffic"]

Floats = NDArray[np.float32]


@dataclass
class Traffic:
    """What the launches of a session cost together."""

    cycles: int = 0
    launches: int = 0
    channel_beats: list[tuple[int, int]] = field(default_factory=list)

    def add(self, launch: Launch) -> None:
        """Count a launch."""
        self.cycles += launch.cycles
        self.launches += 1
        before = self.channel_beats or [(0, 0)] * len(launch.channel_beats)
        self.channel_beats = [
            (read + more_read, written + more_written)
            for (read, written), (more_read, more_written) in zip(before, launch.channel_beats, strict=True)
        ]


class DecoderSession:
    """One sequence on one device: weights and images are loaded when it is made.

    Parameters
    ----------
    compiled, checkpoint
        The program and the model it was compiled from.
    device
        With at least ``compiled.memory_bytes`` of memory.
    watch
        Called with a name ("layer 2", "head") and each launch.
    """

    def __init__(
        self,
        compiled: CompiledDecoder,
        checkpoint: LlamaCheckpoint,
        spec: FabricSpec,
        device: Device,
        watch: Callable[[str, Launch], None] | None = None,
    ) -> None:
        self.compiled, self.checkpoint, self.spec, self.device = compiled, checkpoint, spec, device
        self.watch = watch
        self.position = 0
        self.traffic = Traffic()
        self._tensors = {
            tensor.sym_name.data: tensor
            for program in (compiled.layer, compiled.head)
            for tensor in tensors_of(program.module)
        }
        for layer in range(checkpoint.config.layers):
            self._write(layer_tensors(checkpoint, compiled.shapes, layer), layer * compiled.layer_stride)
        self._write(global_tensors(checkpoint, compiled.shapes), 0)
        for program in (compiled.layer, compiled.head):
            device.load(program.image)

    def _write(self, values: dict[str, Floats], offset: int) -> None:
        for name, value in values.items():
            raw = encode(self._tensors[name], value, self.spec)
            base = self.compiled.region(name).base + offset
            self.device.memory[base : base + len(raw)] = raw

    def step(self, token: int) -> Floats:
        """Process one token; the logits [vocabulary] of the next.

        Raises
        ------
        DeviceError
            A launch failed.
        """
        compiled = self.compiled
        embedded = np.zeros(compiled.shapes.hidden, np.float32)
        embedded[: self.checkpoint.config.hidden_size] = self.checkpoint.embedding[token]
        self._write({"embedded": embedded}, 0)
        for layer in range(self.checkpoint.config.layers):
            self._launch(f"layer {layer}", compiled.layer.context, compiled.layer_arguments(layer, self.position))
        self._launch("head", compiled.head.context, {})
        self.position += 1
        region = compiled.region("logits")
        raw = self.device.memory[region.base : region.base + region.size]
        return decode(self._tensors["logits"], raw, self.spec).reshape(-1)[: self.checkpoint.config.vocab_size]

    def _launch(self, name: str, context: int, arguments: dict[int, int]) -> None:
        launch = self.device.launch(context, arguments)
        self.traffic.add(launch)
        if self.watch is not None:
            self.watch(name, launch)
