"""Text from a model, token by token, on any device; on RTL everything is compared with the functional device."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint
from weft.compiler.compile import tensors_of
from weft.compiler.mapped.tensor import Role
from weft.hw.spec import FabricSpec
from weft.hw.topology import Tile, Topology
from weft.sim.choosing import check_logits, choose, until_end
from weft.sim.compare import Comparison, compare_launches, compare_values
from weft.sim.decoder import CompiledModel, DecoderSession, Launched
from weft.sim.device import Device
from weft.sim.functional.device import FunctionalDevice

__all__ = ["ComparedDecoder", "Generation", "generate", "generate_batch"]

Floats = NDArray[np.float32]

_KINDS = {Role.WEIGHT: "weights", Role.CACHE: "kv", Role.IOTA: "weights", Role.CONSTANT: "weights"}
_OF_THE_HOST = frozenset({"embedded", "embedded_rows", "logits", "logits_rows", "tokens"})
"""Tensors through which the host gives and takes."""


@dataclass
class Generation:
    """What a run has made so far; complete when the iterator of :func:`generate` is at its end.

    ``logits`` has a row for every position that was processed by itself; ``offchip`` bytes by kind of tensor;
    ``launches`` how many; ``cycles_by_token`` those of such a position's launches, ``load_cycles`` and ``host_cycles``
    of all that was around them (:class:`weft.sim.decoder.Launched`); ``tile_cycles`` by kind of tile how many a
    program's tiles were busy, and how many they had, if the device samples its tiles' activity. Of the prompt
    ``prefilled`` tokens were processed several in a launch, in ``prefill_cycles``; only what was compared counts these
    launches too. ``looped`` tokens were made by one launch, in ``looped_cycles``, which are not in ``cycles_by_token``.
    ``failed_at`` is the first position at which the devices differed, or one did not end.
    """

    tokens: list[int] = field(default_factory=list)
    logits: list[Floats] = field(default_factory=list)
    comparison: Comparison = field(default_factory=Comparison)
    launches: int = 0
    cycles_by_token: list[int] = field(default_factory=list)
    load_cycles: int = 0
    host_cycles: int = 0
    offchip: dict[str, int] = field(default_factory=lambda: {"weights": 0, "kv": 0, "activations": 0})
    channel_beats: int = 0
    tile_cycles: dict[str, tuple[int, int]] = field(default_factory=dict)
    prefilled: int = 0
    prefill_cycles: int = 0
    looped: int = 0
    looped_cycles: int = 0
    failed_at: int | None = None


def generate(
    step: Callable[[int], Floats],
    prompt: list[int],
    count: int,
    result: Generation,
    *,
    temperature: float = 0.0,
    seed: int = 0,
    processed: int = 0,
    ends: Collection[int] = (),
    prefill: Callable[[list[int]], int] | None = None,
    run: Callable[[int, int], tuple[list[int], Floats]] | None = None,
) -> Iterator[int]:
    """Feed the prompt, then yield ``count`` tokens as they come; ``step`` takes a token and gives the next's logits.

    One of ``ends`` is the last to come. The first ``processed`` tokens of the prompt are not fed. ``prefill`` takes the
    others but the last, and says how many it has processed. What is sampled depends on ``seed`` and the position.
    ``run`` takes the last token of the prompt and a count: it gives so many of the likeliest tokens and their logits
    at once.

    Where devices differ that is what has failed, and logits that are no numbers only end the text.

    Raises
    ------
    LogitsError
        A token would have to be chosen from logits that are NaN or infinite.
    """
    if prefill is not None:
        processed += prefill(prompt[processed:-1])
    pending = prompt[processed:]
    if run is not None:
        result.logits += [step(token) for token in pending[:-1]]
        tokens, rows = run(pending[-1], count)
        for place, token in enumerate(until_end(tokens, ends)):
            result.logits.append(rows[place])
            if not _can_choose(rows[place], len(prompt) - 1 + place, result):
                return
            result.tokens.append(token)
            yield token
        return
    for position in range(processed, len(prompt) + count - 1):
        logits = step(pending.pop(0))
        result.logits.append(logits)
        if not pending:
            if not _can_choose(logits, position, result):
                return
            token = choose(logits, temperature, np.random.default_rng((seed, position)))
            pending.append(token)
            result.tokens.append(token)
            yield token
            if token in ends:
                return


def _can_choose(logits: Floats, position: int, result: Generation) -> bool:
    """Whether a token can be chosen. Where it cannot, that is an error, unless devices differed before."""
    if result.comparison.mismatches == 0:
        check_logits(logits, position)
    return bool(np.isfinite(logits).all())


def generate_batch(
    step: Callable[..., Floats],
    prompts: Sequence[Sequence[int]],
    count: int,
    result: Generation,
    *,
    temperature: float = 0.0,
    seed: int = 0,
    ends: Collection[int] = (),
) -> list[list[int]]:
    """``count`` tokens for each prompt, or as many as come until one of ``ends``.

    ``step`` takes a token of each sequence and gives the logits of the next. All sequences are at the same position:
    one with a short prompt goes on alone while others are still at theirs, and those that have their tokens go along
    until all have. Sequence ``n`` is sampled as one alone would be with the seed ``seed + n``.

    Raises
    ------
    LogitsError
        As :func:`generate`.
    """
    known, complete = [list(prompt) for prompt in prompts], [False] * len(prompts)
    while not all(complete):
        position = len(result.logits)
        logits = step(*(tokens[position] for tokens in known))
        result.logits.append(logits)
        for number, (tokens, row) in enumerate(zip(known, logits, strict=True)):
            if len(tokens) > position + 1:
                continue
            if complete[number]:
                tokens.append(tokens[-1])
                continue
            if not _can_choose(row, position, result):
                complete = [True] * len(prompts)
                break
            tokens.append(choose(row, temperature, np.random.default_rng((seed + number, position))))
            complete[number] = tokens[-1] in ends or len(tokens) == len(prompts[number]) + count
    made = (tokens[len(prompt) :][:count] for tokens, prompt in zip(known, prompts, strict=True))
    return [until_end(tokens, ends) for tokens in made]


class ComparedDecoder:
    """A decoder on the functional device, and if given on another beside it, bit by bit."""

    def __init__(
        self,
        compiled: CompiledModel,
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
        self._prefill = compiled.prefill

    def prefill(self, tokens: list[int]) -> int:
        """Process tokens on both, as many as whole launches of several take; how many these are."""
        if self._prefill is None:
            return 0
        result, rows = self.result, self._prefill.rows
        count = len(tokens) // rows * rows
        for begin in range(0, count, rows):
            chunk = tokens[begin : begin + rows]
            with self._noting_failure():
                self._first.prefill(chunk)
                result.prefilled += rows
                if self._second is not None:
                    self._second.prefill(chunk)
                    self._compare(self._second)
                    result.prefill_cycles += sum(done.launch.cycles for done in self._second.launches)
        return count

    @property
    def launches(self) -> list[Launched]:
        """Those of the last step, on the device that counts."""
        return (self._second or self._first).launches

    def caches(self) -> dict[str, Floats]:
        """What the functional device keeps for later steps; see :meth:`weft.sim.decoder.DecoderSession.caches`."""
        return self._first.caches()

    def restore(self, caches: Mapping[str, Floats]) -> None:
        """Go on behind the positions of such caches, on both."""
        for session in (self._first, self._second):
            if session is not None:
                session.restore(caches)

    def step(self, *tokens: int) -> Floats:
        """Process a token on both, or one of each sequence; the logits of the device that counts."""
        with self._noting_failure():
            return self._step(*tokens)

    def _step(self, *tokens: int) -> Floats:
        result, expected = self.result, self._first.step(*tokens)
        result.launches += len(self._first.launches)
        for done in self._first.launches:
            self._count(done)
        if self._second is None:
            return expected
        actual = self._second.step(*tokens)
        self._compare(self._second)
        result.comparison += compare_values("logits", expected, actual)
        result.cycles_by_token.append(self._count_cycles(self._second))
        return actual

    def run(self, token: int, count: int) -> tuple[list[int], Floats]:
        """Process a token and those that follow in one launch on both; tokens and logits of the device that counts."""
        with self._noting_failure():
            result = self.result
            tokens, expected = self._first.run(token, count)
            result.launches += 1
            result.looped += count
            for done in self._first.launches:
                self._count(done)
            if self._second is None:
                return tokens, expected
            made, actual = self._second.run(token, count)
            self._compare(self._second)
            result.comparison += compare_values("logits", expected, actual)
            result.comparison += compare_values("tokens", np.array(tokens), np.array(made))
            result.looped_cycles += self._count_cycles(self._second)
            return made, actual

    def _count_cycles(self, session: DecoderSession) -> int:
        """What the launches of the last step took, and how busy the tiles in use were; all their cycles."""
        result = self.result
        for done in session.launches:
            launch = done.launch
            result.load_cycles += done.load_cycles
            result.host_cycles += done.host_cycles
            result.channel_beats += sum(read + written for read, written in launch.channel_beats)
            if launch.activity is None:
                continue
            for tile in done.program.mapping.tiles.values():
                kind = self._kinds[tile].value
                busy, all_cycles = result.tile_cycles.get(kind, (0, 0))
                busy += int(launch.activity.tiles[tile][:, 0].sum())
                result.tile_cycles[kind] = (busy, all_cycles + launch.cycles)
        return sum(done.launch.cycles for done in session.launches)

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        """Keeps the position at which the work within began, if the devices then differ or it does not end."""
        position, failed = self._first.position, True
        try:
            yield
            failed = self.result.comparison.mismatches > 0
        finally:
            if failed and self.result.failed_at is None:
                self.result.failed_at = position

    def _compare(self, session: DecoderSession) -> None:
        """The launches of the last step, with those of the first device."""
        for ours, theirs in zip(self._first.launches, session.launches, strict=True):
            units = {tile: f"{theirs.name}, {unit}" for tile, unit in _units(theirs).items()}
            self.result.comparison += compare_launches(ours.launch, theirs.launch, units)

    def _count(self, done: Launched) -> None:
        """Off-chip bytes by what they are: activations are what a launch leaves for another, and not the host's."""
        tensors = {tensor.sym_name.data: tensor for tensor in tensors_of(done.program.module)}
        units = _units(done)
        for tile, (read, written) in done.launch.bytes_by_tile.items():
            name = units[tile].removeprefix("load_").removeprefix("store_").partition(".")[0]
            tensor = tensors[name]
            if (name if tensor.shard is None else tensor.shard.of) not in _OF_THE_HOST:
                kind = _KINDS.get(tensor.role, "activations")
                self.result.offchip[kind] += read + written


def _units(done: Launched) -> dict[Tile, str]:
    """Names of the units of the program that was launched."""
    return {tile: unit for unit, tile in done.program.mapping.tiles.items()}
