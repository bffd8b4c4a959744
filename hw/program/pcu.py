"""The program of a pattern compute unit.

A PCU takes *steps*. A step begins when the header finds all it needs: a beat at the reference input and at
every ``EACH`` and ``HOLD`` input. It pops the ``EACH`` inputs (the reference is one of them) and those
``HOLD`` inputs whose ``hold_rank`` the reference beat's stop reaches, loads the pipeline registers, and
travels through all stages and the tail. At most one step a cycle begins.

* Register ``i`` starts as the beat of vector input ``i`` (zero without one); scalar ``k`` as that of scalar
  input ``k``, the same for all lanes.
* A stage computes ``op(a, b, c)`` in each lane and writes register ``dst``. With ``c = ACC`` it accumulates:
  ``acc[index] := op(a, b, acc[index])``, where the first row of a block takes ``const`` for ``acc[index]``.
* Operands are registers, the constant, and scalars. With ``b = ROW`` all lanes of stage ``s``, from 0, take lane ``s``
  of register 1. With ``a = BELOW`` each lane takes register 0 of the lane ``2^s`` below it, and where there is none the
  constant. What does not exist is zero.
* ``index`` counts reference beats from 0 and returns to 0 after a stop of rank ``>= acc_row``; with
  ``acc_row = 0`` it stays 0. A block ends with a stop of rank ``>= acc_rank``.

``accumulate`` says which steps give an output beat:

=========== ===========================================================================================
``OFF``     every step; no stage accumulates
``REDUCE``  the steps that end a block, with the accumulated value (``index`` is always 0)
``SCAN``    every step, with the value accumulated so far
``DRAIN``   no step; after the end of a block the header itself issues one *drain* step for each
            accumulator, ``index`` 0 upwards, for stage ``drain_stage``, then the next of ``drain_stages``
=========== ===========================================================================================

An accumulating stage writes its register only in steps that give output. In a drain step the drained stage writes
``acc[index]`` to ``dst``, other accumulating stages do nothing, and all other stages compute as ever (registers begin
as zeros, scalars as ones). The drain step's stop is the one that the reference carried at this index in the last row of
the block; for all but the last drained stage, the last index carries ``acc_row``.

With ``drain_stages > 1`` the stages are the rows of an output-stationary outer product: each multiplies the vector that
passes by a number of its own, a scalar input or ``ROW``, so that one vector brings a column of up to ``lanes`` rows.

What leaves the body is register 0. The tail applies, in this order: reduction over lanes (result in all lanes), special
function, conversion, and to the stop: ``stop >= stop_rank ? stop - stop_sub + stop_add : stop``.

A void reference beat makes a void step: accumulators keep their value (or take ``const`` in a first row), and
the output beat is void as well, but for ``REDUCE`` and ``DRAIN``, whose output beats are never void.

Void steps are steps like others: they count in ``index``, pop ``EACH`` and ``HOLD`` inputs, and end rows and blocks. So
an empty dimension, one void beat, is a block of one step. ``REDUCE`` gives ``const`` for it, the sum of nothing.
``DRAIN`` gives a beat a stage for each step of the block's last row, so here one, with ``const``: how long the rows of
an empty matrix would have been, the unit cannot know. Where it is known, send a row of so many void beats instead.

With ``row_lanes`` not 0, a reference beat with a stop ``>= 1`` holds elements in its first ``row_lanes`` lanes only.
For the other lanes of a stage that accumulates the beat is void: their accumulators keep their value, or take ``const``
in a first row. So the lanes that fill up the last beat of a row never count. All other stages compute in all lanes, and
drain steps are not masked.

With ``merge`` (STeP's Reassemble, a block a selector), the reference is vector input 0 or 1, as scalar input 0 says (0
or not 0, as a bit pattern) for the whole of a block: the beats up to one with a stop ``>= merge_rank``. With it the
selector is popped, and its stop becomes ``merge_rank`` plus that of the selector, whatever it was. So the result ends
where the selector ends, not where one of the inputs does. A void selector is an empty dimension of selectors: it makes
one void step with the stop ``merge_rank`` plus its own, zeros in register 0, and takes nothing of inputs 0 and 1. The
chosen beat is register 0. Inputs 0 and 1 and the selector then need no mode. With ``merge_empty`` a void beat of input
0 or 1 with a stop ``> merge_rank`` is an input without blocks: it is popped as soon as it is there, and makes no step.

``unpack`` says what the beats of vector input 0 hold, see :mod:`weft.hw.program.unpack`. ``BF16`` makes two beats of
each; the stop goes with the second. With ``unpack_odd`` a packed beat with a stop makes only one. A void packed beat
makes one void beat.

With ``unpack_both`` a packed beat makes one step instead: register 0 is its first vector, register 1 its second. It is
for a matrix product in two stages, ``drain_stages`` 2, each of which multiplies one of the two by the same number, so
that a packed beat is taken every cycle. The drain then goes index by index: for each the first stage and then the
second, which has the stop; with ``unpack_odd`` an index whose step had a stop gives the first stage's alone, with it.
So the vectors leave in the order in which they came.

``INT8`` and ``MXFP4`` multiply vectors by matrices, ``width`` rows a step. Vector input 0 (``EACH``) is then the
reference, scalar input 0 brings the vectors, one number a beat and a stop with the last of each, and there are no other
inputs. Register ``i`` starts as row ``i`` of the step. Scalars 0 to ``width - 1`` (each ``HOLD`` to rank 1) are what
scalar input 0 gives for these rows, zeros after its stop. The stops of vector input 0 are not looked at: after every
``unpack_row`` steps, a row, the stop is 1 plus that of the row's last number. Void beats are taken for numbers and
weights: there are no empty dimensions here.

With ``drain_sum`` a block has one drain step for each index, for all accumulating stages: these compute as ever, but
with the register they write as operand a, and leave their accumulators alone. With ``Op.MULADD`` and a scalar as
operand b that adds all accumulators up. With ``drain_scale`` each drain step takes a beat of vector input 0, not
unpacked, which is register 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from weft.hw.fields import bits, rows
from weft.hw.numerics.ops import Conversion, Op, Reduction, Special
from weft.hw.program.unpack import Unpack
from weft.hw.spec import FabricSpec

__all__ = ["Accumulate", "Input", "InputMode", "Pcu", "Source", "Stage", "Word"]


class InputMode(IntEnum):
    """When the header pops an input: EACH with every reference beat, HOLD at a stop of the reference."""

    OFF = 0
    EACH = 1
    HOLD = 2


class Accumulate(IntEnum):
    """Which steps give an output beat."""

    OFF = 0
    REDUCE = 1
    SCAN = 2
    DRAIN = 3


class Source(IntEnum):
    """An operand of a stage: a register, its constant, its accumulator, one number for all lanes, or other lanes."""

    REG0 = 0
    REG1 = 1
    REG2 = 2
    REG3 = 3
    CONST = 4
    ACC = 5
    ROW = 6
    BELOW = 7
    SCALAR0 = 8
    SCALAR1 = 9
    SCALAR2 = 10
    SCALAR3 = 11
    SCALAR4 = 12
    SCALAR5 = 13
    SCALAR6 = 14
    SCALAR7 = 15

    @staticmethod
    def scalar(index: int) -> Source:
        """Scalar input ``index``."""
        return Source(8 + index)

    @property
    def register(self) -> int | None:
        """The register that this is; None if it is none."""
        return int(self) if self <= Source.REG3 else None

    def words(self, operand: str, *, stage: int, lanes: int) -> tuple[Word, ...]:
        """The word that each lane of stage ``stage`` takes as operand ``a``, ``b`` or ``c``; none where that is zero.

        The hardware is wired by it, and the functional model computes with it.
        """
        if self.register is not None:
            return tuple(Word(self, lane) for lane in range(lanes))
        if self is Source.ROW and operand == "b" and stage < lanes:
            return (Word(Source.REG1, stage),) * lanes
        if self is Source.BELOW and operand == "a":
            below = min(1 << stage, lanes)
            return (Word(Source.CONST),) * below + tuple(Word(Source.REG0, lane) for lane in range(lanes - below))
        return (Word(self),) * lanes if self is Source.CONST or self >= Source.SCALAR0 else ()


@dataclass(frozen=True)
class Word:
    """A lane of a register, or with ``lane`` 0 a number that is the same for all lanes: the constant, or a scalar."""

    source: Source
    lane: int = 0


def _rank(spec: FabricSpec) -> int:
    return spec.stop_bits


def _stage(spec: FabricSpec) -> int:
    return max(1, (spec.stages - 1).bit_length())


def _lanes(spec: FabricSpec) -> int:
    return spec.lanes.bit_length()


def _row(spec: FabricSpec) -> int:
    return spec.acc_depth.bit_length()


@dataclass(frozen=True)
class Input:
    """A header input."""

    mode: InputMode = bits(2, "how it is consumed", InputMode.OFF, kind=InputMode)
    hold_rank: int = bits(_rank, "HOLD: popped when the reference's stop is at least this")


@dataclass(frozen=True)
class Stage:
    """One stage, the same in all lanes."""

    op: Op = bits(4, "operation", Op.PASS, kind=Op)
    a: Source = bits(4, "operand a", Source.REG0, kind=Source)
    b: Source = bits(4, "operand b", Source.REG0, kind=Source)
    c: Source = bits(4, "operand c; ACC accumulates", Source.REG0, kind=Source)
    dst: int = bits(2, "register written")
    const: int = bits(32, "fp32 bits of CONST, also for lanes without one BELOW; the accumulator's first value")


@dataclass(frozen=True)
class Pcu:
    """A PCU's program; see the module's text for its meaning."""

    vector: tuple[Input, ...] = rows(Input, lambda s: s.vector_inputs, "vector inputs")
    scalar: tuple[Input, ...] = rows(Input, lambda s: s.scalar_inputs, "scalar inputs")
    reference: Source = bits(4, "the input whose beats make steps: REGi is vector input i", Source.REG0, kind=Source)
    unpack: Unpack = bits(2, "what the beats of vector input 0 hold", Unpack.OFF, kind=Unpack)
    unpack_odd: bool = bits(1, "BF16: a packed beat with a stop holds one vector, not two", False, kind=bool)
    unpack_both: bool = bits(1, "BF16: both vectors of a beat are one step, in registers 0 and 1", False, kind=bool)
    unpack_row: int = bits(_row, "INT8, MXFP4: steps of a row", 1)
    merge: bool = bits(1, "choose between vector inputs 0 and 1 by scalar input 0", False, kind=bool)
    merge_rank: int = bits(_rank, "a block of merge ends with a stop of at least this; added to the selector's")
    merge_empty: bool = bits(1, "a void beat that ends more than a block is an input without blocks", False, kind=bool)
    stages: tuple[Stage, ...] = rows(Stage, lambda s: s.stages, "the body")
    accumulate: Accumulate = bits(2, "which steps give output", Accumulate.OFF, kind=Accumulate)
    acc_row: int = bits(_rank, "index returns to 0 after a stop of at least this rank; 0: no index")
    acc_rank: int = bits(_rank, "a block ends with a stop of at least this rank")
    row_lanes: int = bits(_lanes, "lanes that hold elements in a reference beat with a stop of at least 1; 0: all")
    drain_stage: int = bits(_stage, "DRAIN: first stage drained")
    drain_stages: int = bits(4, "DRAIN: number of stages drained", 1)
    drain_sum: bool = bits(1, "DRAIN: a drain step adds up all accumulating stages", False, kind=bool)
    drain_scale: bool = bits(1, "DRAIN: a drain step takes a beat of vector input 0 as register 1", False, kind=bool)
    reduction: Reduction = bits(2, "over the lanes", Reduction.NONE, kind=Reduction)
    special: Special = bits(3, "special function", Special.NONE, kind=Special)
    conversion: Conversion = bits(2, "conversion of the result", Conversion.NONE, kind=Conversion)
    stop_rank: int = bits(_rank, "stops of at least this rank change")
    stop_sub: int = bits(_rank, "what is taken from them")
    stop_add: int = bits(_rank, "what is added to them")
    vector_out: bool = bits(1, "results go to the vector output", False, kind=bool)
    scalar_out: bool = bits(1, "lane 0 of the results goes to the scalar output", False, kind=bool)
