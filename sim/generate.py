"""Text from a model, token by token, on any device; on RTL everything is compared with the functional device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compiler.checkpoint import LlamaCheckpoint
from compiler.decoder_program import CompiledDecoder
from hw.spec import FabricSpec
from hw.topology import Tile, Topology
from sim.compare import Comparison, compare_launches, compare_values
from sim.decoder import DecoderSession
from sim.device import Device, Launch
from sim.functional.device import FunctionalDevice

__all__ = ["ComparedDecoder", "Generation", "choose", "generate"]

Floats = NDArray[np.float32]

_FROM_AND_TO_THE_HOST = frozenset(
    {"load_embedded", "load_embedded_rows", "store_logits", "load_tokens", "store_tokens", "store_logits_rows"}
)


@dataclass
class Generation:
    """What a run has made so far; complete when the iterator of :func:`generate` is at its end.

    ``logits`` has a row for every position that a launch of its own processed; ``offchip`` bytes by kind of tensor;
    ``cycles_by_token`` those of such a position; ``tile_cycles`` by kind of tile how many a program's tiles were
    busy, and how many they had, if the device samples its tiles' activity. Of the prompt ``prefilled`` tokens were
    processed several in a launch, in ``prefill_cycles``, which count in none of the others. ``looped`` tokens were
    made by one launch in ``looped_cycles``, which are not in ``cycles_by_token``.
    """

    tokens: list[int] = field(default_factory=list)
    logits: list[Floats] = field(default_factory=list)
    comparison: Comparison = field(default_factory=Comparison)
    cycles_by_token: list[int] = field(default_factory=list)
    offchip: dict[str, int] = field(default_factory=lambda: {"weights": 0, "kv": 0, "activations": 0})
    channel_beats: int = 0
    tile_cycles: dict[str, tuple[int, int]] = field(default_factory=dict)
    prefilled: int = 0
    prefill_cycles: int = 0
    looped: int = 0
    looped_cycles: int = 0


def choose(logits: Floats, temperature: float, random: np.random.Generator) -> int:
    """The next token: the likeliest, or with a temperature above 0 a sample."""
    if temperature <= 0:
        return int(logits.argmax())
    scaled = (logits - logits.max()).astype(np.float64) / temperature
    weights = np.exp(scaled)
    return int(random.choice(len(weights), p=weights / weights.sum()))


def generate(
    step: Callable[[int], Floats],
    prompt: list[int],
    count: int,
    result: Generation,
    *,
    temperature: float = 0.0,
    seed: int = 0,
    prefill: Callable[[list[int]], int] | None = None,
    run: Callable[[int, int], tuple[list[int], Floats]] | None = None,
) -> Iterator[int]:
    """Feed the prompt, then yield ``count`` tokens as they come; ``step`` takes a token and gives the next's logits.

    ``prefill`` takes all of the prompt but its last token and says how many it has processed; the others are fed.
    ``run`` takes the last and a count: it gives so many of the likeliest tokens and their logits at once.
    """
    random = np.random.default_rng(seed)
    pending = list(prompt)
    if prefill is not None:
        del pending[: prefill(prompt[:-1])]
    if run is not None:
        result.logits += [step(token) for token in pending[:-1]]
        tokens, rows = run(pending[-1], count)
        result.tokens += tokens
        result.logits += list(rows)
        yield from tokens
        return
    for _ in range(len(pending) + count - 1):
        logits = step(pending.pop(0))
        result.logits.append(logits)
        if not pending:
            token = choose(logits, temperature, random)
            pending.append(token)
            result.tokens.append(token)
            yield token


class ComparedDecoder:
    """A decoder on the functional device, and if given on another beside it, bit by bit."""

    def __init__(
        self,
        compiled: CompiledDecoder,
        checkpoint: LlamaCheckpoint,
        spec: FabricSpec,
        result: Generation,
        other: Device | None = None,
    ) -> None:
        self.result = result
        self._kinds = Topology(spec).tiles
        device = FunctionalDevice(spec, memory_bytes=compiled.memory_bytes)
        self._first = DecoderSession(compiled, checkpoint, spec, device)
        self._second = None
        if other is not None:
            self._second = DecoderSession(compiled, checkpoint, spec, other)
        self._names = {tile: unit for unit, tile in compiled.program.mapping.tiles.items()}
        self._prefill = compiled.prefill

    def prefill(self, tokens: list[int]) -> int:
        """Process tokens on both, as many as whole launches of several take; how many these are."""
        if self._prefill is None:
            return 0
        result, rows = self.result, self._prefill.shapes.rows
        names = {tile: unit for unit, tile in self._prefill.program.mapping.tiles.items()}
        count = len(tokens) // rows * rows
        for begin in range(0, count, rows):
            chunk = tokens[begin : begin + rows]
            self._first.prefill(chunk)
            self._count(self._first.launch, names)
            result.prefilled += rows
            if self._second is not None:
                self._second.prefill(chunk)
                result.comparison += compare_launches(self._first.launch, self._second.launch, names)
                result.prefill_cycles += self._second.launch.cycles
        return count

    def step(self, token: int) -> Floats:
        """Process a token on both; the logits of the device that counts."""
        result, expected = self.result, self._first.step(token)
        self._count(self._first.launch, self._names)
        if self._second is None:
            return expected
        actual = self._second.step(token)
        self._compare(self._second.launch, expected, actual)
        result.cycles_by_token.append(self._second.launch.cycles)
        return actual

    def run(self, token: int, count: int) -> tuple[list[int], Floats]:
        """Process a token and those that follow in one launch on both; tokens and logits of the device that counts."""
        result = self.result
        tokens, expected = self._first.run(token, count)
        self._count(self._first.launch, self._names)
        result.looped += count
        if self._second is None:
            return tokens, expected
        made, actual = self._second.run(token, count)
        self._compare(self._second.launch, expected, actual)
        result.comparison += compare_values("tokens", np.array(tokens), np.array(made))
        result.looped_cycles += self._second.launch.cycles
        return made, actual

    def _compare(self, launch: Launch, expected: Floats, actual: Floats) -> None:
        """Count what the second device did, and where it differs from the first."""
        result = self.result
        result.comparison += compare_launches(self._first.launch, launch, self._names)
        result.comparison += compare_values("logits", expected, actual)
        result.channel_beats += sum(read + written for read, written in launch.channel_beats)
        self._count_tiles(launch)

    def _count_tiles(self, launch: Launch) -> None:
        """Busy cycles of the tiles in use."""
        if launch.activity is None:
            return
        for tile in self._names:
            kind = self._kinds[tile].value
            busy, all_cycles = self.result.tile_cycles.get(kind, (0, 0))
            busy += int(launch.activity.tiles[tile][:, 0].sum())
            self.result.tile_cycles[kind] = (busy, all_cycles + launch.cycles)

    def _count(self, launch: Launch, names: Mapping[Tile, str]) -> None:
        """Off-chip bytes by what they are: only the residual's and other buffers' contents would be activations."""
        for tile, (read, written) in launch.bytes_by_tile.items():
            unit = names[tile].rpartition("_")[2].partition(".")[0]
            if unit in ("keys", "values"):
                self.result.offchip["kv"] += read + written
            elif names[tile] not in _FROM_AND_TO_THE_HOST:
                self.result.offchip["weights" if read and not written else "activations"] += read + written
