"""Bufferize and Streamify: the two halves of a scratchpad."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.dialects.builtin import IntegerAttr, SymbolNameConstraint, SymbolRefAttr, UnitAttr
from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    opt_result_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from weft.compiler.mapped.attributes import INTS, attributes
from weft.compiler.mapped.loop import WHEN
from weft.compiler.mapped.types import DYNAMIC, BufferType, Kind, StreamType, dims_text
from weft.compiler.mapped.values import stream
from weft.compiler.step.symbols import declared
from weft.hw.program import When

__all__ = ["BufferizeOp", "KeepOp", "RecallOp", "ResidentOp", "StreamifyOp"]


@irdl_op_definition
class BufferizeOp(IRDLOperation):
    """STeP's Bufferize: the ``rank`` innermost dimensions of a stream become a buffer.

    Of the beats of a buffer only those from ``first`` to before ``last`` are kept (``last = 0``: all from there), and
    then the buffer has the dimensions of ``inner``. ``blocks`` buffers fit; by default as many as the scratchpad holds.
    ``when`` says which turns of a launch fill a buffer, where each turn brings one; of the others nothing is kept.
    """

    name = "mapped.bufferize"

    value = operand_def(StreamType)
    rank = prop_def(IntegerAttr)
    first = opt_prop_def(IntegerAttr)
    last = opt_prop_def(IntegerAttr)
    blocks = opt_prop_def(IntegerAttr)
    when = opt_prop_def(WHEN)
    result = result_def(BufferType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value attr-dict `:` functional-type(operands, results)"

    def __init__(
        self,
        value: SSAValue,
        *,
        rank: int,
        first: int = 0,
        last: int = 0,
        inner: Sequence[int] | None = None,
        blocks: int | None = None,
        when: When | None = None,
    ) -> None:
        given = stream(value)
        split = given.rank - rank
        result = BufferType.make(given.kind, given.dims[:split], given.dims[split:] if inner is None else inner)
        properties = attributes(rank=rank, first=first or None, last=last or None, blocks=blocks, when=when)
        super().__init__(operands=[value], result_types=[result], properties=properties)

    def verify_(self) -> None:
        given, rank, result = stream(self.value), self.rank.value.data, self.result.type
        if not 0 <= rank <= given.rank:
            raise VerifyException(f"rank must be 0 to {given.rank}, the stream's, not {rank}")
        if given.kind.is_matrix and rank:
            raise VerifyException(f"rank must be 0 for {given.kind.value}, whose beats have no shape, not {rank}")
        if self.when is not None and rank != given.rank:
            raise VerifyException(f"rank must be {given.rank}, the stream's, for when, not {rank}")
        for field, value, least in (("first", self.first, 0), ("last", self.last, 0), ("blocks", self.blocks, 1)):
            if value is not None and value.value.data < least:
                raise VerifyException(f"{field} must be at least {least}, not {value.value.data}")
        first, last = (0 if each is None else each.value.data for each in (self.first, self.last))
        if 0 < last <= first:
            raise VerifyException(f"last must be above first = {first}, or 0 for all, not {last}")
        split = given.rank - rank
        if result.kind is not given.kind or result.outer != given.dims[:split]:
            raise VerifyException(
                f"result must be {given.kind.value} buffers with outer {dims_text(given.dims[:split])}"
            )
        if self.first is None and self.last is None and result.inner != given.dims[split:]:
            raise VerifyException(f"inner dimensions must be {dims_text(given.dims[split:])} where all beats are kept")


@irdl_op_definition
class StreamifyOp(IRDLOperation):
    """STeP's Streamify: reads buffers as streams.

    Without ``trigger`` each buffer is read once. With a control stream as ``trigger``, or a scalar stream (whose int32
    value is added to the address), whose outer dimensions are those of the buffers, it is read once for each of its
    elements.

    A run is a loop nest: loop ``k`` makes ``sizes[k]`` iterations, ``strides[k]`` words apart (0 repeats), from word
    ``offset``; by default the buffer in order. A row of a vector buffer takes whole beats. The last loop of a vector
    read is over elements side by side, its stride is not used. With ``flat`` the loops make one dimension together.
    Instead of all these ``transposed`` reads the columns of each matrix, that is of the two last dimensions of a vector
    buffer, as rows of vectors; with ``flat`` the columns of all matrices follow each other in one dimension. All of it
    is read ``repeat`` times, as a new outer dimension. With ``length`` the trigger says how many iterations the
    innermost loop makes in each run: elements, or beats of vectors.
    ``runs`` is a control stream with an element for each run.
    """

    name = "mapped.streamify"

    buffer = operand_def(BufferType)
    trigger = opt_operand_def(StreamType)
    sizes = opt_prop_def(INTS)
    strides = opt_prop_def(INTS)
    offset = opt_prop_def(IntegerAttr)
    flat = opt_prop_def(UnitAttr)
    transposed = opt_prop_def(UnitAttr)
    repeat = opt_prop_def(IntegerAttr)
    length = opt_prop_def(UnitAttr)
    result = result_def(StreamType)
    runs = opt_result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$buffer (`for` $trigger^)? attr-dict `:` functional-type(operands, results)"

    def __init__(
        self,
        buffer: SSAValue,
        *,
        kind: Kind | None = None,
        trigger: SSAValue | None = None,
        sizes: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        offset: int = 0,
        flat: bool = False,
        transposed: bool = False,
        repeat: int | None = None,
        length: bool = False,
        runs: bool = False,
    ) -> None:
        given = buffer.type
        assert isinstance(given, BufferType)
        outer = given.outer if trigger is None else stream(trigger).dims
        if transposed:
            inner = _turned(given.inner, flat=flat, repeat=repeat)
        else:
            inner = tuple(given.inner if sizes is None else sizes)
            inner = (prod(inner),) if flat else inner
        result = StreamType.make(kind or given.kind, (*outer, *inner))
        properties = attributes(
            sizes=sizes,
            strides=strides,
            offset=offset or None,
            flat=flat,
            transposed=transposed,
            repeat=repeat,
            length=length,
        )
        control = [StreamType.make(Kind.CONTROL, outer)] if runs else []
        super().__init__(operands=[buffer, trigger], result_types=[result, control], properties=properties)

    @property
    def loops(self) -> tuple[int, ...]:
        """Iterations of the loops, outermost first; the dimensions of what is read ``transposed``."""
        buffer = self.buffer.type
        assert isinstance(buffer, BufferType)
        if self.transposed is not None:
            repeat = None if self.repeat is None else self.repeat.value.data
            return _turned(buffer.inner, flat=self.flat is not None, repeat=repeat)
        return buffer.inner if self.sizes is None else self.sizes.get_values()

    def verify_(self) -> None:
        buffer = self.buffer.type
        assert isinstance(buffer, BufferType)
        outer = buffer.outer
        if self.trigger is not None:
            trigger = stream(self.trigger)
            outer = trigger.dims
            if trigger.kind not in (Kind.CONTROL, Kind.SCALAR) or outer[: len(buffer.outer)] != buffer.outer:
                raise VerifyException(
                    f"trigger must be control or scalar with outer dimensions {dims_text(buffer.outer)}"
                )
        if self.length is not None and (
            self.trigger is None or stream(self.trigger).kind is not Kind.SCALAR or self.loops[-1:] != (DYNAMIC,)
        ):
            raise VerifyException("length takes a scalar trigger, and only the innermost loop is dynamic")
        if self.transposed is not None:
            if any(each is not None for each in (self.sizes, self.strides, self.offset)):
                raise VerifyException("transposed takes no sizes, strides or offset")
            if len(buffer.inner) < 2 or {buffer.kind, self.result.type.kind} != {Kind.VECTOR}:
                raise VerifyException("transposed must read vector buffers of at least 2 dimensions as vectors")
            if self.repeat is not None and self.repeat.value.data < 1:
                raise VerifyException(f"repeat must be at least 1, not {self.repeat.value.data}")
        elif self.repeat is not None:
            raise VerifyException("repeat is for transposed; sizes and strides of 0 repeat other reads")
        loops = self.loops
        if self.strides is not None and len(self.strides) != len(loops):
            raise VerifyException(f"strides must have {len(loops)} entries, one a loop, not {len(self.strides)}")
        flat = self.flat is not None
        if DYNAMIC in loops[:-1] or (DYNAMIC in loops and flat):
            raise VerifyException("only the innermost loop can be dynamic")
        inner = (prod(loops),) if flat and self.transposed is None else loops
        if self.result.type.dims != (*outer, *inner):
            raise VerifyException(f"result must have the dimensions {dims_text((*outer, *inner))}")
        if self.result.type.kind is Kind.CONTROL:
            raise VerifyException("result must carry data")


def _turned(inner: Sequence[int], *, flat: bool, repeat: int | None) -> tuple[int, ...]:
    """Dimensions of matrices read ``transposed``."""
    *outer, rows, columns = inner
    turned = (prod(outer) * columns, rows) if flat else (*outer, columns, rows)
    return turned if repeat is None else (repeat, *turned)


@irdl_op_definition
class ResidentOp(IRDLOperation):
    """Declares a buffer of vectors that outlives a launch and is shared by all programs that declare it alike."""

    name = "mapped.resident"

    sym_name = prop_def(SymbolNameConstraint())
    shape = prop_def(INTS)
    traits = traits_def(SymbolOpInterface())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$sym_name attr-dict"

    def __init__(self, name: str, shape: Sequence[int]) -> None:
        super().__init__(properties=attributes(sym_name=name, shape=shape))


def _resident(op: IRDLOperation, symbol: SymbolRefAttr, given: StreamType) -> None:
    target = declared(op, symbol, ResidentOp)
    if target is None:
        raise VerifyException(f"buffer must name a mapped.resident, not @{symbol.string_value()}")
    expected = StreamType.make(Kind.VECTOR, target.shape.get_values())
    if given != expected:
        raise VerifyException(f"@{symbol.string_value()} holds vector {dims_text(expected.dims)}")


@irdl_op_definition
class KeepOp(IRDLOperation):
    """Bufferize into a resident buffer, for a later turn or launch, in the turns of ``when``."""

    name = "mapped.keep"

    value = operand_def(StreamType)
    buffer = prop_def(SymbolRefAttr)
    when = opt_prop_def(WHEN)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value `in` $buffer attr-dict `:` type($value)"

    def __init__(self, value: SSAValue, buffer: ResidentOp, *, when: When | None = None) -> None:
        super().__init__(operands=[value], properties=attributes(buffer=SymbolRefAttr(buffer.sym_name), when=when))

    def verify_(self) -> None:
        _resident(self, self.buffer, stream(self.value))


@irdl_op_definition
class RecallOp(IRDLOperation):
    """Streamify of what an earlier turn or launch kept, once, after a token; the buffer is then empty."""

    name = "mapped.recall"

    trigger = operand_def(StreamType)
    buffer = prop_def(SymbolRefAttr)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$buffer `for` $trigger attr-dict `:` functional-type(operands, results)"

    def __init__(self, buffer: ResidentOp, trigger: SSAValue) -> None:
        result = StreamType.make(Kind.VECTOR, buffer.shape.get_values())
        properties = {"buffer": SymbolRefAttr(buffer.sym_name)}
        super().__init__(operands=[trigger], result_types=[result], properties=properties)

    def verify_(self) -> None:
        trigger = stream(self.trigger)
        if trigger.kind is not Kind.CONTROL or trigger.rank:
            raise VerifyException("trigger must be a single token, control []")
        _resident(self, self.buffer, self.result.type)
