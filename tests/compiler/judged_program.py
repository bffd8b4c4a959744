"""A random program compiled, executed on a device, and compared with the oracle."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from random_programs import RandomProgram

from weft.compiler.compile import CompiledProgram, compile_program
from weft.compiler.errors import WeftError
from weft.compiler.interpreter import Verdict, compare, interpret
from weft.compiler.step import parse_program
from weft.hw.spec import FabricSpec
from weft.sim.functional.device import FunctionalDevice
from weft.sim.run import memory_needed, run_program

__all__ = ["Outcome", "judged", "rule_of"]


@dataclass
class Outcome:
    """What became of a program. It is a failure if ``failure`` says something, a refusal if ``refusal`` does."""

    verdicts: list[Verdict] = field(default_factory=list)
    refusal: str | None = None
    failure: str | None = None
    compiled: CompiledProgram | None = None

    @property
    def fixed(self) -> str | None:
        """Why the image is for the sizes of this launch alone; None where it is for all sizes."""
        return self.compiled.reason if self.compiled is not None and self.compiled.fixed else None


def rule_of(refusal: str) -> str:
    """A refusal without its numbers and names: refusals of one rule are alike."""
    text = re.sub(r"^(program )?(line \d+: )?", "", refusal)
    text = re.sub(r"\[[^\]]*\]", "[..]", text)
    text = re.sub(r" \(%?\w+\)|[%@]\w+|'[^']*'|\d+( x \d+)*", "#", text)
    return text


def judged(program: RandomProgram, spec: FabricSpec) -> Outcome:
    """Compile, execute on the functional device, compare every output."""
    module = parse_program(program.text)
    expected = interpret(module, program.inputs, program.sizes)
    outcome = Outcome()
    try:
        outcome.compiled = compiled = compile_program(module, spec, sizes=program.sizes)
    except WeftError as error:
        outcome.refusal = str(error)
        return outcome
    except Exception as error:
        outcome.failure = f"compiler: {type(error).__name__}: {error}"
        return outcome
    try:
        arguments = compiled.arguments(program.sizes)
    except WeftError as error:
        outcome.refusal = str(error)
        return outcome
    device = FunctionalDevice(spec, memory_bytes=memory_needed(compiled))
    try:
        found, _ = run_program(compiled, spec, device, program.inputs, arguments=arguments)
    except Exception as error:
        outcome.failure = f"device: {type(error).__name__}: {error}"
        return outcome
    outcome.verdicts = [compare(name, value, found[name]) for name, value in expected.outputs.items()]
    wrong = [verdict.sentence for verdict in outcome.verdicts if not verdict.agrees]
    outcome.failure = "wrong: " + "; ".join(wrong) if wrong else None
    return outcome
