"""Passes, text in and text out: each file of ``tests/data/passes`` holds a program, and what its pass makes of it.

A file is named after a rule of the pass, which the comment at its top explains. Further comments there name the fabric
(``// fabric: tiny acc_depth=16``), or the sizes that ``fix-sizes`` puts in place of symbols (``// sizes: n=3``). The
line ``// ----`` parts the two programs, which are compared as they print, names of values included.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.parser import Parser
from xdsl.passes import ModulePass

from weft.compiler.compile import compile_module
from weft.compiler.interpreter import compare, interpret
from weft.compiler.interpreter.bounded import Bounded
from weft.compiler.interpreter.meaning import MEANINGS, Launch
from weft.compiler.mapped import print_module
from weft.compiler.mapped.dialect import MAPPED
from weft.compiler.mapped.launch import arguments_of
from weft.compiler.passes.bits import BitsOp
from weft.compiler.passes.pipeline import passes_for
from weft.compiler.passes.placing import PlaceOp
from weft.compiler.passes.sharding import Spread
from weft.compiler.step import STEP, Element
from weft.compiler.step.dimension import DimensionOp
from weft.compiler.step.loop import LoopOp
from weft.compiler.step.tensor import Role, TensorOp
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.sim.functional.device import FunctionalDevice
from weft.sim.run import memory_needed, run_program

CASES = sorted((Path(__file__).parents[1] / "data" / "passes").glob("*/*.mlir"))
PARTS = "\n// ----\n"


@dataclass(frozen=True)
class Case:
    """A program, and what a pass is expected to make of it."""

    name: str
    given: str
    expected: str
    spec: FabricSpec
    sizes: dict[str, int]
    shards: int

    @staticmethod
    def of(path: Path) -> Case:
        """Read a file."""
        given, expected = path.read_text().split(PARTS)
        spec, sizes, shards = PRESETS["tiny"], dict[str, int](), 1
        for line in given.splitlines():
            match line.split():
                case ["//", "fabric:", name, *assignments]:
                    spec = PRESETS[name].set(assignments)
                case ["//", "sizes:", *assignments]:
                    sizes = {name: int(size) for name, size in (each.split("=") for each in assignments)}
                case ["//", "shards:", number]:
                    shards = int(number)
                case _:
                    pass
        return Case(path.parent.name, given, expected, spec, sizes, shards)

    @property
    def one(self) -> ModulePass:
        """The pass."""
        return next(each for each in passes_for(self.spec, self.sizes, Spread(self.shards)) if each.name == self.name)


def _parsed(text: str) -> ModuleOp:
    """A module of step and mapped operations, and of those that only passes use."""
    context = Context()
    for dialect in (Builtin, STEP):
        context.load_dialect(dialect)
    for operation in (*MAPPED.operations, PlaceOp, BitsOp):
        context.load_op(operation)
    for attribute in MAPPED.attributes:
        if attribute not in STEP.attributes:
            context.load_attr_or_type(attribute)
    module = Parser(context, text).parse_module()
    module.verify()
    return module


def _id(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


@pytest.mark.parametrize("path", CASES, ids=_id)
def test_a_pass_makes_of_a_program(path: Path) -> None:
    case = Case.of(path)
    module = _parsed(case.given)
    case.one.apply(Context(), module)
    module.verify()
    made = print_module(module)
    assert made == print_module(_parsed(case.expected))
    assert print_module(_parsed(made)) == made


def test_every_pass_has_cases() -> None:
    every = {each.name for each in passes_for(PRESETS["tiny"], {"n": 1})}
    assert {path.parent.name for path in CASES} == every


# -- what is expected means the same ----------------------------------------------------------------------


def _inputs(module: ModuleOp) -> dict[str, NDArray[np.generic]]:
    """Small whole numbers, whose sums are exact in any order. ``@index`` names an entry twice, ``@which`` is ones."""
    random, found = np.random.default_rng(1), dict[str, NDArray[np.generic]]()
    turns = next((op.iterations for op in module.ops if isinstance(op, LoopOp)), 1)
    for op in module.ops:
        if not isinstance(op, TensorOp) or op.role not in (Role.INPUT, Role.WEIGHT, Role.CACHE):
            continue
        shape = op.sizes if op.each is None else (turns, *op.sizes)
        values = random.integers(-4, 5, shape)
        if op.label == "index":
            values = np.arange(op.sizes[0])[::-1] % (op.sizes[0] - 1)
        elif op.label == "which":
            values = np.ones(shape, np.int64)
        found[op.label] = values if op.element is Element.I32 else values.astype(np.float32)
    return found


def _placed(operation: PlaceOp, launch: Launch, value: Bounded) -> tuple[Bounded]:
    made = np.zeros(launch.shape_of(operation.result))
    made[..., operation.places] = value.value
    return (Bounded.exactly(value.element, made),)


def _other_bits(operation: BitsOp, launch: Launch, value: Bounded) -> tuple[Bounded]:
    element = operation.result.type.element
    given, made = (np.int32 if each is Element.I32 else np.float32 for each in (value.element, element))
    return (Bounded.exactly(element, value.value.astype(given).view(made)),)


def _on_device(
    module: ModuleOp, spec: FabricSpec, inputs: dict[str, NDArray[np.generic]], sizes: dict[str, int]
) -> dict[str, NDArray[np.float32]]:
    roomy = spec.replace(rows=8, columns=8)
    compiled = compile_module(module, roomy)
    device = FunctionalDevice(roomy, memory_bytes=memory_needed(compiled))
    outputs, _ = run_program(compiled, roomy, device, inputs, arguments=arguments_of(module, sizes))
    return outputs


@pytest.mark.parametrize("path", CASES, ids=_id)
def test_what_is_expected_means_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the oracle; a mapped program on the functional device."""
    monkeypatch.setitem(MEANINGS, PlaceOp, _placed)
    monkeypatch.setitem(MEANINGS, BitsOp, _other_bits)
    case = Case.of(path)
    given, expected = _parsed(case.given), _parsed(case.expected)
    inputs = _inputs(given)
    sizes = {op.sym_name.data: op.largest for op in given.ops if isinstance(op, DimensionOp)} | case.sizes
    want = interpret(given, inputs, sizes).outputs
    if case.name == "lay-out":
        got = _on_device(expected, case.spec, inputs, sizes)
    else:
        got = {name: each.value for name, each in interpret(expected, inputs, sizes).outputs.items()}
    assert got.keys() == want.keys() != set()
    for name, value in want.items():
        verdict = compare(name, value, got[name])
        assert verdict.agrees, verdict.sentence
        assert verdict.exact == verdict.values, verdict.sentence
