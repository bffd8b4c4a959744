"""Executes a program on arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from weft.compiler.interpreter.bounded import Bounded
from weft.compiler.interpreter.inputs import Given, launch_of
from weft.compiler.interpreter.meaning import MEANINGS, Launch, Value, named
from weft.compiler.modules import modules_of
from weft.compiler.step.dimension import DimensionOp
from weft.compiler.step.iterations import Iterations, iterations_of
from weft.compiler.step.loop import LoopOp, StateOp, sizes_by_round
from weft.compiler.step.operation import StepOperation
from weft.compiler.step.tensor import Role, TensorOp, whole_tensors
from weft.compiler.step.types import Element, StreamType, TokenType

__all__ = ["DECLARATIONS", "Interpretation", "interpret"]

DECLARATIONS = (DimensionOp, LoopOp, StateOp, TensorOp)
"""Operations that do nothing when the program runs."""
modules_of("weft.compiler.interpreter")  # each registers the meanings of its operations


@dataclass(frozen=True)
class Interpretation:
    """The outputs and streams of a launch.

    ``outputs`` are the output tensors by name; what no store reaches is 0. ``streams`` are all values of the program
    that have a name (``x`` for ``%x``; of several with one name the later ones are ``x_1``, ...). In a program with a
    loop they, and outputs of which there is one for each iteration, have the iterations as their first dimension; of
    several rounds the streams are those of the last.
    """

    outputs: dict[str, Bounded]
    streams: dict[str, Bounded]


def interpret(
    module: ModuleOp, inputs: Mapping[str, Given], sizes: Mapping[str, int] | None = None, *, shards: int = 1
) -> Interpretation:
    """One launch of a checked program, with an array for each input and weight, and a size for each symbol.

    With ``shards`` the bounds are those of a program that is spread over so many: a product with ``int8`` weights may
    be scaled in parts.

    Arrays of f32 and bf16 are rounded to these, ties to even; weights of ``int8`` and ``mxfp4`` are quantised as
    ``weft quantize`` does it, unless they are already.

    Raises
    ------
    WeftError
        Arrays or sizes that do not fit; an index or a walk that leaves its tensor; a merge of more or fewer rows than
        there are. The sentence names the operation, and what it was given.
    """
    launch = launch_of(module, inputs, sizes or {}, shards=shards)
    history: dict[SSAValue, list[Bounded]] = {}
    for now in sizes_by_round(module, launch.sizes):
        launch.sizes = now
        history.clear()
        for iteration in range(launch.iterations):
            launch.iteration = iteration
            for value, found in _iterate(launch).items():
                history.setdefault(value, []).append(_numbers(found))
            launch.kept, launch.keeping = launch.keeping, {}
    looped = any(isinstance(each, LoopOp) for each in module.ops)
    streams: dict[str, Bounded] = {}
    for value, found in history.items():
        if value.name_hint:
            streams[_free(value.name_hint, streams)] = _stacked(found) if looped else found[0]
    outputs = {
        each.label: _numbers(launch.tensors[each.label])
        for each in whole_tensors(module.ops)
        if each.role in (Role.OUTPUT, Role.CACHE)
    }
    return Interpretation(outputs, streams)


def _iterate(launch: Launch) -> dict[SSAValue, Value]:
    """All values of one iteration."""
    values: dict[SSAValue, Value] = {}
    whens = iterations_of(list(launch.module.ops))
    for operation in launch.module.ops:
        if isinstance(operation, DECLARATIONS) or not _takes_place(whens[operation], launch):
            continue
        assert isinstance(operation, StepOperation)
        operands = [values.get(each) for each in operation.operands if not isinstance(each.type, TokenType)]
        results = [each for each in operation.results if not isinstance(each.type, TokenType)]
        with np.errstate(over="ignore", under="ignore"):
            found = MEANINGS[type(operation)](operation, launch, *operands)
        for result, value in zip(results, found, strict=True):
            if isinstance(value, Bounded):
                assert value.shape == launch.shape_of(result), (named(operation), value.shape)
                assert not isinstance(result.type, StreamType) or value.element is result.type.element
            values[result] = value
    return values


def _takes_place(when: Iterations, launch: Launch) -> bool:
    if when is Iterations.LAST:
        return launch.iteration == launch.iterations - 1
    return when is Iterations.EVERY or launch.iteration == 0


def _numbers(value: Value) -> Bounded:
    """The value itself; of quantised weights what they stand for."""
    if isinstance(value, Bounded):
        return value
    with np.errstate(over="ignore", invalid="ignore"):
        return Bounded.exactly(Element.F32, value.values())


def _stacked(found: list[Bounded]) -> Bounded:
    return Bounded(found[0].element, np.stack([each.value for each in found]), np.stack([e.error for e in found]))


def _free(name: str, taken: Mapping[str, Bounded]) -> str:
    """A name that is not taken, the same if possible."""
    names = [name, *(f"{name}_{place}" for place in range(1, len(taken) + 2))]
    return next(each for each in names if each not in taken)
