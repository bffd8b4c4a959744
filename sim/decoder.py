"""A compiled decoder on a device: the host looks the embedding up and launches, for each token or for several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from weft.compiler.backend.memory import Region
from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint
from weft.compiler.compile import CompiledProgram
from weft.compiler.mapped.tensor import TensorOp
from weft.compiler.models.llama import TOKENS, global_tensors, layer_tensors, mask_tensor
from weft.compiler.models.llama.decoder_program import CompiledDecoder, CompiledPrefill
from weft.hw.spec import FabricSpec
from weft.sim.device import Device, Launch
from weft.sim.tensor_memory import TensorMemory

__all__ = ["CACHES", "CompiledModel", "DecoderSession", "Launched"]

Floats = NDArray[np.float32]
CACHES = ("keys", "values")


class CompiledModel(Protocol):
    """A decoder as programs: one that is fused, or one for each operator.

    ``entry`` is the tensor that takes the embedding; the last of the launches for a position leaves ``logits``.
    """

    @property
    def programs(self) -> Mapping[str, CompiledProgram]: ...
    @property
    def context(self) -> int: ...
    @property
    def sequences(self) -> int: ...
    @property
    def tensors(self) -> Mapping[str, TensorOp]: ...
    @property
    def regions(self) -> Mapping[str, Region]: ...
    @property
    def entry(self) -> str: ...
    @property
    def prefill(self) -> CompiledPrefill | None: ...
    @property
    def memory_bytes(self) -> int: ...
    def launches(self, position: int) -> Iterable[tuple[str, CompiledProgram, dict[int, int]]]:
        """Name, program and arguments of every launch for a position, from 0."""
        ...


@dataclass(frozen=True)
class Launched:
    """A launch of a program, and the cycles around it: of loading the image, if it had to be, and of the host.

    Those of the host are from the first argument to the last register read, without the launch's own.
    """

    name: str
    program: CompiledProgram
    launch: Launch
    load_cycles: int = 0
    host_cycles: int = 0


class DecoderSession:
    """A sequence on a device, or several side by side.

    Weights are loaded when it is made, an image when a launch needs it.

    ``launches`` are those of the last step, ``launch`` the last one.

    Parameters
    ----------
    compiled, checkpoint
        The programs and the model they were compiled from.
    device
        With at least ``compiled.memory_bytes`` of memory.
    """

    def __init__(
        self,
        compiled: CompiledModel,
        checkpoint: LlamaCheckpoint,
        spec: FabricSpec,
        device: Device,
    ) -> None:
        self.compiled, self.checkpoint, self.spec, self.device = compiled, checkpoint, spec, device
        self.position = 0
        self.launches: list[Launched] = []
        self._resident: dict[int, CompiledProgram] = {}
        layers = checkpoint.config.layers
        self._memory = TensorMemory(compiled.tensors, compiled.regions, spec, device, turns=layers)
        for layer in range(layers):
            for name, values in layer_tensors(checkpoint, layer).items():
                self._memory.write(name, values, layer)
        given = global_tensors(checkpoint, compiled.context)
        if compiled.prefill is not None:
            given["mask"] = mask_tensor(checkpoint.config, compiled.context, compiled.prefill.rows)
        for name in self._memory.names:
            values = given.get(name, self._memory.own_contents(name))
            if values is not None:
                self._memory.write(name, values)

    @property
    def launch(self) -> Launch:
        """What the last launch did."""
        return self.launches[-1].launch if self.launches else Launch()

    def _read(self, name: str, layer: int | None = None) -> Floats:
        return self._memory.read(name, layer).astype(np.float32, copy=False)

    def caches(self, positions: int | None = None) -> dict[str, Floats]:
        """All that a step leaves for those after it: `keys` and `values`, each [layers, key heads, positions, size].

        ``positions`` are by default those that were processed.
        """
        layers, count = range(self.checkpoint.config.layers), self.position if positions is None else positions
        return {name: np.stack([self._read(name, each)[:, :count] for each in layers]) for name in CACHES}

    def restore(self, caches: Mapping[str, Floats]) -> None:
        """Go on behind the positions of such caches."""
        for name in CACHES:
            for layer, rows in enumerate(caches[name]):
                whole = self._read(name, layer)
                self.position = rows.shape[1]
                whole[:, : self.position] = rows
                self._memory.write(name, whole, layer)

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
        if prefill is None or len(tokens) != prefill.rows:
            raise ValueError(f"prefill takes the rows of its program, not {len(tokens)} tokens")
        self._memory.write("embedded_rows", self._embedded(tokens))
        self.launches = [self._run("prefill", prefill.program, prefill.arguments(self.position))]
        self.position += len(tokens)

    def _embedded(self, tokens: Sequence[int]) -> Floats:
        return self.checkpoint.embedding[list(tokens)].astype(np.float32)

    def step(self, *tokens: int) -> Floats:
        """Process a token, or one of each sequence; the logits [vocabulary] or [sequences, vocabulary] of the next.

        Raises
        ------
        ValueError
            Another number of tokens than sequences.
        DeviceError
            A launch failed.
        """
        compiled, rows = self.compiled, self.compiled.sequences
        if len(tokens) != rows:
            raise ValueError(f"a step takes {rows} tokens, one of each sequence, not {len(tokens)}")
        if isinstance(compiled, CompiledDecoder) and compiled.tokens:
            return self.run(tokens[0], 1)[1][0]
        embedded = self._embedded(tokens)
        self._memory.write(compiled.entry, embedded[0] if rows == 1 else embedded)
        self.launches = []
        for name, program, arguments in compiled.launches(self.position):
            self.launches.append(self._run(name, program, arguments))
        self.position += 1
        return self._read("logits")

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
        if not isinstance(compiled, CompiledDecoder) or not 1 <= count <= compiled.tokens:
            raise ValueError(f"count must be at most the tokens of a launch, not {count}")
        first = np.zeros(self._memory.sizes(TOKENS), np.float32)
        first[0] = token
        self._memory.write(TOKENS, first)
        self.launches = [self._run("decoder", compiled.program, compiled.arguments(self.position, count))]
        self.position += count
        tokens = self._read(TOKENS).reshape(-1)[1 : count + 1].astype(int).tolist()
        return tokens, self._read("logits_rows")[:count]

    def _run(self, name: str, program: CompiledProgram, arguments: dict[int, int]) -> Launched:
        begun = self.device.cycles
        if self._resident.get(program.context) is not program:
            self.device.load(program.image)
            self._resident[program.context] = program
        loaded = self.device.cycles
        launch = self.device.launch(program.context, arguments)
        return Launched(name, program, launch, loaded - begun, self.device.cycles - loaded - launch.cycles)
