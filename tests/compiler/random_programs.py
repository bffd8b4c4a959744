"""Random programs of the `step` language: well typed, with data for them, over all operations of the language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import prod

import numpy as np
from choices import Choices
from numpy.typing import NDArray
from random_data import RandomData
from random_walks import Sizes, walk_over, walk_text, walked_tensor

from weft.compiler.step.dims import Dim, dims_text
from weft.compiler.step.map import Function
from weft.compiler.step.types import Element
from weft.compiler.step.walk import Walk

__all__ = ["RandomProgram", "random_program"]

F32, BF16, I32 = Element.F32, Element.BF16, Element.I32
MOST_RANK = 4
REDUCTIONS = ("add", "max", "min")
FLOATS = (F32, BF16)


@dataclass(frozen=True)
class RandomProgram:
    """A program, and a launch of it."""

    text: str
    inputs: dict[str, NDArray[np.generic]]
    sizes: dict[str, int]

    def __str__(self) -> str:
        sizes = "".join(f" {name} = {size}" for name, size in self.sizes.items())
        return f"{self.text}// launched with{sizes or ' nothing'}"


@dataclass(frozen=True)
class _Value:
    name: str
    element: Element
    dims: tuple[Dim, ...]

    @property
    def kind(self) -> str:
        return f"!step.stream<{self.element.value}, {dims_text(self.dims)}>"

    @property
    def rank(self) -> int:
        return len(self.dims)


def random_program(choices: Choices, lanes: int) -> RandomProgram:
    """A program with sizes around ``lanes``, and arrays for its inputs."""
    return _Builder(choices, lanes).build()


@dataclass
class _Builder:
    choices: Choices
    lanes: int
    declarations: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    pool: list[_Value] = field(default_factory=list)
    made: list[_Value] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    inputs: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    sizes: Sizes = field(default_factory=lambda: Sizes({}, {}))
    iterations: int = 1
    looped: bool = False
    loaded: list[tuple[str, Element, tuple[int, ...]]] = field(default_factory=list)
    """Tensors that a load has read, all of them inputs or iota."""

    # -- the whole ----------------------------------------------------------------------------------------

    def build(self) -> RandomProgram:
        choices = self.choices
        operations = choices.weighted(((1, 2), (2, 3), (3, 3), (4, 2), (6, 1), (9, 1)))
        self.most_elements = choices.weighted(((512, 4), (2048, 2), (8192, 1)))
        self.data = RandomData.of(choices)
        self.names = (f"v{number}" for number in count())
        lanes = self.lanes
        all_sizes = (3, 2, 1, 5, lanes, lanes + 1, lanes - 1, 2 * lanes, 3 * lanes + 1, 7, 40, 100, 0)
        weights = (4, 4, 2, 3, 3, 3, 2, 3, 2, 2, 1, 1, 1)
        options = tuple(zip(all_sizes, weights, strict=True))
        self.base = [Dim.of(choices.weighted(options)) for _ in range(3)]
        if choices.once_in(4):
            for name in ("n", "m")[: choices.pick((1, 2))]:
                most = choices.pick((5, lanes, 2 * lanes + 1, 40))
                self.sizes.most[name] = most
                self.sizes.now[name] = choices.pick((min(3, most), 1, most, 0, most - 1))
                self.declarations.append(f"step.dimension @{name} <= {most}")
                self.base.append(Dim.of(name))
            first = Dim.of("n")
            self.base += choices.weighted((([], 4), ([first + 1], 1), ([first * 2], 1), ([first + self.base[-1]], 1)))
        if choices.once_in(8):
            self.looped, self.iterations = True, choices.pick((2, 3, 1, 5))
            self.declarations.append(f"step.loop {self.iterations}")
        self.pool.append(self.load(self.new_dims(), self.element()))
        for _ in range(choices.pick((0, 1, 2)) if self.looped else 0):
            self.state()
        made = 0
        for _ in range(4 * operations):
            made += choices.weighted(_STEPS)(self)
            if made >= operations:
                break
        self.store_all()
        text = "\n".join((*self.declarations, *self.lines)) + "\n"
        return RandomProgram(text, self.inputs, dict(self.sizes.now))

    # -- parts --------------------------------------------------------------------------------------------

    def element(self) -> Element:
        return self.choices.weighted(((F32, 5), (BF16, 2), (I32, 2)))

    def size(self) -> Dim:
        return self.choices.pick(self.base)

    def new_dims(self) -> tuple[Dim, ...]:
        rank = self.choices.weighted(((2, 4), (1, 2), (3, 3), (4, 1)))
        dims: tuple[Dim, ...] = ()
        for _ in range(rank):
            dims = self.kept_small((*dims, self.size()))
        return dims

    def kept_small(self, dims: tuple[Dim, ...]) -> tuple[Dim, ...]:
        """The same, or a small last size where there would be too many elements."""
        return dims if self.fits(dims) else (*dims[:-1], Dim.of(2))

    def fits(self, dims: Sequence[Dim]) -> bool:
        return len(dims) <= MOST_RANK and prod(max(1, dim.at(self.sizes.most)) for dim in dims) <= self.most_elements

    def line(self, text: str, element: Element, dims: Sequence[Dim], *operands: _Value) -> _Value:
        """An operation that gives a stream."""
        value = _Value(next(self.names), element, (*dims,))
        self.used.update(operand.name for operand in operands)
        self.made.append(value)
        self.lines.append(f"%{value.name} = step.{text} : {value.kind}")
        return value

    def give(self, text: str, element: Element, dims: Sequence[Dim], *operands: _Value) -> bool:
        self.pool.append(self.line(text, element, dims, *operands))
        return True

    def any(self, good: Callable[[_Value], bool] = lambda value: True) -> _Value | None:
        """A value of the pool, rather one of the last."""
        found = [value for value in reversed(self.pool) if good(value)]
        if not found:
            return None
        return found[0] if not self.choices.once_in(3) else self.choices.pick(found)

    # -- tensors ------------------------------------------------------------------------------------------

    def tensor(self, element: Element, shape: Sequence[int], role: str, data: NDArray[np.generic] | None = None) -> str:
        each = self.looped and element not in (Element.INT8, Element.MXFP4) and data is None and self.choices.once_in(2)
        name = f"t{len(self.declarations)}"
        self.declarations.append(f"step.tensor @{name} : {element.value} {list(shape)} {role}{' each' if each else ''}")
        if role in ("input", "weight", "cache"):
            full = (self.iterations, *shape) if each else (*shape,)
            self.inputs[name] = self.data.array(element, full) if data is None else data
        return name

    def load(self, dims: tuple[Dim, ...], element: Element) -> _Value:
        """A load of a new tensor that gives such a stream."""
        walk, shape = walked_tensor(self.choices, dims, self.sizes)
        roles = (("input", 6), ("weight", 1), ("iota", 0 if element is BF16 else 1))
        name = self.tensor(element, shape, self.choices.weighted(roles))
        self.loaded.append((name, element, shape))
        return self.line(f"load @{name}{walk_text(walk)}", element, dims)

    def load_again(self) -> bool:
        """Another walk over a tensor that is loaded already."""
        name, element, shape = self.choices.pick(self.loaded)
        return self.load_whole(name, element, shape, "")

    def load_whole(self, name: str, element: Element, shape: tuple[int, ...], after: str) -> bool:
        """A walk over a tensor, or entries of it by index."""
        if after and shape[0] and self.choices.once_in(3):
            index = self.index(shape[0], (self.size(),))
            dims = (*index.dims, *(Dim.of(size) for size in shape[1:]))
            if self.fits(dims):
                return self.give(f"random_load %{index.name} of @{name}{after}", element, dims, index)
            self.store(index)
        if 0 in shape:
            return False
        walk, dims = walk_over(self.choices, [Dim.of(size) for size in shape], MOST_RANK)
        if not dims or not self.fits(dims):
            return False
        return self.give(f"load @{name}{walk_text(walk)}{after}", element, dims)

    def store_all(self) -> None:
        """Store what nothing takes, and now and then what something takes, too."""
        wanted = [value for value in self.made if value.name not in self.used]
        wanted += [value for value in self.pool if value.name in self.used and self.choices.once_in(8)]
        for value in wanted:
            self.store(value)

    def stored_to(self) -> str:
        """The role of a tensor that is stored to: what a cache holds beside that must stay."""
        return "cache" if self.choices.once_in(40) else "output"

    def store(self, value: _Value) -> bool:
        walk, shape = walked_tensor(self.choices, value.dims, self.sizes, store=True)
        wider = value.element is BF16 and self.choices.once_in(2)
        element = F32 if wider else value.element
        name = self.tensor(element, shape, self.stored_to())
        self.used.add(value.name)
        text = f"step.store %{value.name} in @{name}{walk_text(walk)}"
        if self.looped or not self.choices.once_in(8):
            self.lines.append(text)
            return True
        token = next(self.names)
        self.lines.append(f"%{token} = {text} -> !step.token")
        if self.choices.once_in(2) and self.load_whole(name, element, shape, f" after %{token}"):
            return self.store(self.pool[-1])
        again = self.line(f"load @{name}{walk_text(walk)} after %{token}", element, value.dims)
        self.pool.append(again)
        self.store(again)
        return True

    def store_parts(self) -> bool:
        """Two streams in one tensor, one behind the other."""
        one = self.any(lambda each: each.rank > 1 and all(dim.number for dim in each.dims))
        if one is None:
            return False
        two = self.any(lambda each: each.dims[1:] == one.dims[1:] and each.element is one.element)
        if two is None or not two.dims[0].number:
            return False
        rows = [each.dims[0].number or 0 for each in (one, two)]
        columns = [dim.number or 0 for dim in one.dims[1:]]
        name = self.tensor(one.element, (sum(rows), *columns), "output")
        self.lines.append(f"step.store %{one.name} in @{name}")
        self.lines.append(f"step.store %{two.name} in @{name} from {[rows[0], *(0 for _ in columns)]}")
        self.used |= {one.name, two.name}
        return True

    def state(self) -> None:
        value = self.pool[0]
        if value.element is I32 or any(not dim.number for dim in value.dims):
            return
        name = f"s{len(self.declarations)}"
        self.declarations.append(f"step.state @{name} : {F32.value} {dims_text(value.dims)}")
        start = self.tensor(F32, tuple(dim.number or 0 for dim in value.dims), "input")
        initial = self.line(f"load @{start}", F32, value.dims)
        before = self.line(f"recall @{name} initial %{initial.name}", F32, value.dims, initial)
        combined = self.choices.pick(("add", "max", "sub"))
        after = self.line(f"map {combined} %{before.name}, %{value.name}", F32, value.dims, before, value)
        if value.rank and self.choices.once_in(3):
            axis = self.choices.below(value.rank)
            after = self.line(f"scan add %{after.name} over [{axis}]", F32, value.dims, after)
        self.lines.append(f"step.keep %{after.name} in @{name}")
        self.pool += [before, after]

    # -- operations: each says whether it has done anything --------------------------------------------------

    def alike(self, value: _Value, floats: bool) -> _Value:
        """A stream of the same sizes: of the pool, an expanded one, or a new one."""
        choices = self.choices
        same = [
            each
            for each in reversed(self.pool)
            if each.dims == value.dims and (each.element in FLOATS) == floats and each.name != value.name
        ]
        how = choices.weighted((("pool", 4 if same else 0), ("load", 2), ("expand", 4), ("itself", 1)))
        if how == "pool":
            return choices.pick(same)
        if how == "expand" and value.rank:
            found = self.expandable(value.dims, floats)
            if found is not None:
                return found
        if (how == "itself" or not value.rank) and (value.element in FLOATS) == floats:
            return value
        return self.load(value.dims, choices.pick(FLOATS) if floats else I32)

    def expandable(self, dims: tuple[Dim, ...], floats: bool) -> _Value | None:
        """A stream with some of these dimensions, repeated along the others."""
        found: list[tuple[_Value, tuple[int, ...]]] = []
        for each in self.pool:
            if (each.element in FLOATS) != floats or not each.rank < len(dims):
                continue
            for mask in range(1 << len(dims)):
                along = tuple(axis for axis in range(len(dims)) if mask >> axis & 1)
                if tuple(dim for axis, dim in enumerate(dims) if axis not in along) == each.dims:
                    found.append((each, along))
        if not found or self.choices.once_in(3):
            kept = [axis for axis in range(len(dims)) if not self.choices.once_in(2)] or [0]
            along = tuple(axis for axis in range(len(dims)) if axis not in kept)
            if not along:
                return None
            part = self.load(tuple(dims[axis] for axis in kept), F32 if floats else I32)
            found = [(part, along)]
        part, along = self.choices.pick(found[::-1])
        return self.line(f"expand %{part.name} along {list(along)}", part.element, dims, part)

    def map(self) -> bool:
        value = self.any()
        if value is None:
            return False
        if value.element is I32:
            return self.map_integers(value)
        functions = tuple(function for function in Function if function is not Function.SELECT)
        function = self.choices.weighted((*((each, 1) for each in functions), (Function.SELECT, 2)))
        operands: list[_Value | float] = [value]
        constant = function.operands > 1 and self.choices.once_in(3)
        while len(operands) + constant < function.operands:
            operands.append(self.alike(value, floats=True))
        if constant:
            place = self.choices.below(function.operands)
            place += place == 0 and function is Function.SELECT
            operands.insert(place, self.choices.pick((2.0, 0.5, -1.0, 0.0, 3.25)))
        elif self.choices.once_in(3):
            operands.append(operands.pop(0))
        return self.mapped(function, operands, F32, value.dims)

    def chain(self) -> bool:
        """Functions one after the other, which can share a unit."""
        return all([self.map() for _ in range(self.choices.pick((2, 3, 4)))])

    def map_integers(self, value: _Value) -> bool:
        functions = [function for function in Function if function.takes_integers]
        function = self.choices.pick(functions)
        operands: list[_Value | float] = []
        if function is Function.SELECT:
            if not value.rank:
                return False
            operands.append(self.alike(value, floats=True))
        operands.append(value)
        if self.choices.once_in(3):
            place = len(operands) - self.choices.below(2)
            operands.insert(place, self.choices.pick((1, 0, 2, -3)))
        else:
            operands.append(self.alike(value, floats=False))
        return self.mapped(function, operands, F32 if function.compares else I32, value.dims)

    def mapped(
        self, function: Function, operands: Sequence[_Value | float], element: Element, dims: tuple[Dim, ...]
    ) -> bool:
        text = ", ".join(f"%{each.name}" if isinstance(each, _Value) else str(each) for each in operands)
        values = [each for each in operands if isinstance(each, _Value)]
        return self.give(f"map {function.value} {text}", element, dims, *values)

    def convert(self) -> bool:
        value = self.any()
        if value is None:
            return False
        others = [each for each in (F32, BF16, I32) if each is not value.element]
        element = F32 if value.element is I32 else self.choices.pick(others)
        return self.give(f"convert %{value.name}", element, value.dims, value)

    def accum(self) -> bool:
        value = self.any(lambda each: each.rank > 0)
        if value is None:
            return False
        over = [axis for axis in range(value.rank) if self.choices.once_in(2)] or [self.choices.below(value.rank)]
        dims = [dim for axis, dim in enumerate(value.dims) if axis not in over]
        element = I32 if value.element is I32 else F32
        text = f"accum {self.choices.pick(REDUCTIONS)} %{value.name} over {over}{self.begin(element)}"
        return self.give(text, element, dims, value)

    def begin(self, element: Element) -> str:
        if element is I32 or not self.choices.once_in(4):
            return ""
        return f" from {self.choices.pick((0.5, 1.0, -2.0))}"

    def scan(self) -> bool:
        value = self.any(lambda each: each.rank > 0)
        if value is None:
            return False
        element = I32 if value.element is I32 else F32
        axis = self.choices.below(value.rank)
        text = f"scan {self.choices.pick(REDUCTIONS)} %{value.name} over [{axis}]{self.begin(element)}"
        return self.give(text, element, value.dims, value)

    def prefix(self) -> bool:
        value = self.any(lambda each: each.rank > 0)
        if value is None:
            return False
        element = I32 if value.element is I32 else F32
        row = value.dims[-1].number
        multiplies = element is F32 and row is not None and row <= self.lanes
        function = self.choices.pick((*REDUCTIONS, "mul") if multiplies else REDUCTIONS)
        return self.give(f"prefix {function} %{value.name}", element, value.dims, value)

    def expand(self) -> bool:
        value = self.any(lambda each: each.rank < MOST_RANK)
        if value is None:
            return False
        dims, along = list(value.dims), []
        for _ in range(self.choices.weighted(((1, 3), (2, 1)))):
            place = self.choices.below(len(dims) + 1)
            dims.insert(place, self.size())
            along = sorted([*(axis + (axis >= place) for axis in along), place])
        if not self.fits(dims):
            return False
        return self.give(f"expand %{value.name} along {along}", value.element, dims, value)

    def matmul(self) -> bool:
        value = self.any(lambda each: each.rank > 0 and each.element in FLOATS)
        if value is None:
            return False
        choices = self.choices
        row = value.rank == 1 or choices.once_in(4)
        outer = value.dims[:-1] if row else value.dims[:-2]
        if len(outer) > 2:
            return False
        k, columns = value.dims[-1], self.size()
        dims = (*outer, k, columns)
        if not self.fits((*outer, *(() if row else value.dims[-2:-1]), k, columns)):
            return False
        small = len(dims) <= 3 and all(dim.number for dim in dims) and choices.once_in(3)
        if small:
            element = choices.pick((Element.INT8, Element.MXFP4))
            name = self.tensor(element, tuple(dim.number or 0 for dim in dims), choices.pick(("weight", "input")))
            weights = self.line(f"load @{name}", element, dims)
        else:
            found = self.any(lambda each: each.dims == dims and each.element in FLOATS)
            weights = found if found is not None else self.load(dims, choices.pick((BF16, F32)))
        result = (*value.dims[:-1], columns)
        return self.give(f"matmul %{value.name}, %{weights.name}", F32, result, value, weights)

    def flatten(self) -> bool:
        value = self.any(lambda each: each.rank > 1)
        if value is None:
            return False
        first = self.choices.below(value.rank - 1)
        last = first + 1 + self.choices.below(value.rank - first - 1)
        merged = Dim.product(value.dims[first : last + 1])
        dims = (*value.dims[:first], merged, *value.dims[last + 1 :])
        return self.give(f"flatten %{value.name} over {list(range(first, last + 1))}", value.element, dims, value)

    def promote(self) -> bool:
        value = self.any(lambda each: each.rank < MOST_RANK)
        if value is None:
            return False
        return self.give(f"promote %{value.name}", value.element, (Dim.of(1), *value.dims), value)

    def reshape(self) -> bool:
        value = self.any()
        if value is None:
            return False
        dims = [*value.dims]
        for _ in range(self.choices.pick((1, 2))):
            places = [axis for axis, dim in enumerate(dims) if (dim.number or 0) > 1]
            if len(dims) > 1 and self.choices.once_in(2):  # join two
                at = self.choices.below(len(dims) - 1)
                dims[at : at + 2] = [dims[at] * dims[at + 1]]
            elif places and len(dims) < MOST_RANK and not self.choices.once_in(4):  # cut one
                at = self.choices.pick(places)
                number = dims[at].number or 0
                part = self.choices.pick([each for each in range(2, number + 1) if number % each == 0])
                dims[at : at + 1] = [Dim.of(number // part), Dim.of(part)]
            elif len(dims) < MOST_RANK:
                dims.insert(self.choices.below(len(dims) + 1), Dim.of(1))
        return self.give(f"reshape %{value.name}", value.element, dims, value)

    def streamify(self) -> bool:
        value = self.any(lambda each: each.rank > 0)
        if value is None:
            return False
        rank = 1 + self.choices.below(value.rank)
        outer, inner = value.dims[: value.rank - rank], value.dims[value.rank - rank :]
        walk, sizes = walk_over(self.choices, inner, MOST_RANK + 1 - len(outer), backwards=True)
        dims = (*outer, *sizes)
        if len(dims) > MOST_RANK + 1 or prod(max(1, dim.at(self.sizes.most)) for dim in dims) > self.most_elements:
            return False
        buffer = next(self.names)
        kind = f"!step.buffer<{value.element.value}, {dims_text(outer)} of {dims_text(inner)}>"
        self.lines.append(f"%{buffer} = step.bufferize %{value.name} rank {rank} : {kind}")
        return self.give(f"streamify %{buffer}{walk_text(walk)}", value.element, dims, value)

    def slice(self) -> bool:
        value = self.any(lambda each: each.rank > 0)
        if value is None:
            return False
        dims, start = [*value.dims], [Dim.of(0)] * value.rank
        for _ in range(self.choices.pick((1, 2))):
            axis = self.choices.below(value.rank)
            number = value.dims[axis].number
            if number:
                begin = self.choices.below(number)
                start[axis] = Dim.of(begin)
                dims[axis] = Dim.of(1 + self.choices.below(number - begin))
        return self.give(f"slice %{value.name} from {dims_text(start)}", value.element, dims, value)

    def concat(self) -> bool:
        value = self.any(lambda each: each.rank > 0)
        if value is None:
            return False
        axis = self.choices.below(value.rank)
        parts = [value]
        for _ in range(self.choices.weighted(((1, 3), (2, 1)))):

            def fits(each: _Value) -> bool:
                return (
                    each.element is value.element
                    and each.rank == value.rank
                    and all(a == b for at, (a, b) in enumerate(zip(each.dims, value.dims, strict=True)) if at != axis)
                )

            if not self.choices.once_in(2):
                dims = (*value.dims[:axis], self.size(), *value.dims[axis + 1 :])
                parts.append(self.load(dims, value.element))
            else:
                parts.append(self.any(fits) or value)
        total = parts[0].dims[axis]
        for part in parts[1:]:
            total = total + part.dims[axis]
        dims = (*value.dims[:axis], total, *value.dims[axis + 1 :])
        if not self.fits(dims):
            return False
        text = ", ".join(f"%{part.name}" for part in parts)
        return self.give(f"concat {text} over {axis}", value.element, dims, *parts)

    def merge(self) -> bool:
        value = self.any(lambda each: each.rank > 0)
        if value is None:
            return False
        other = self.any(lambda each: each.dims == value.dims and each.element is value.element)
        if other is None or not self.choices.once_in(2):
            other = self.load((Dim.of(self.choices.pick((2, 1, 5))), *value.dims[1:]), value.element)
        total = value.dims[0] + other.dims[0]
        dims = (total, *value.dims[1:])
        if not self.fits(dims):
            return False
        which = np.repeat([0, 1], [each.dims[0].at(self.sizes.now) for each in (value, other)])
        self.data.random.shuffle(which)
        which = np.concatenate([which, np.zeros(total.at(self.sizes.most) - len(which), which.dtype)])
        name = self.tensor(I32, which.shape, "input", which)
        selector = self.line(f"load @{name}", I32, dims[:1])
        text = f"merge %{selector.name} of %{value.name}, %{other.name}"
        return self.give(text, value.element, dims, selector, value, other)

    def index(self, rows: int, dims: tuple[Dim, ...]) -> _Value:
        """A stream of indices below ``rows``."""
        shape = tuple(dim.at(self.sizes.most) for dim in dims)
        if not self.choices.once_in(4):
            name = self.tensor(I32, shape, "input", self.data.random.integers(0, rows, shape))
            return self.line(f"load @{name}", I32, dims)
        table = self.tensor(I32, (7,), "input", self.data.random.integers(0, rows, 7))
        places = self.index(7, dims)
        return self.line(f"random_load %{places.name} of @{table}", I32, dims, places)

    def random_load(self) -> bool:
        rows = 1 + self.choices.below(6)
        dims = (self.size(), self.size())[: self.choices.weighted(((1, 3), (2, 1)))]
        entry = tuple(dim for dim in self.new_dims() if dim.number is not None)[: MOST_RANK - len(dims)]
        if self.choices.once_in(5):
            entry = ()
        if not self.fits((*dims, *entry)):
            return False
        element = self.element()
        name = self.tensor(element, (rows, *(dim.number or 0 for dim in entry)), "input")
        index = self.index(rows, dims)
        return self.give(f"random_load %{index.name} of @{name}", element, (*dims, *entry), index)

    def random_store(self) -> bool:
        value = self.any(lambda each: each.rank > 0)
        if value is None:
            return False
        split = 1 + self.choices.below(min(2, value.rank))
        entry = value.dims[split:]
        if any(not dim.number for dim in entry):
            return False
        rows = 1 + self.choices.below(6)
        name = self.tensor(value.element, (rows, *(dim.number or 0 for dim in entry)), self.stored_to())
        index = self.index(rows, value.dims[:split])
        self.used |= {value.name, index.name}
        text = f"step.random_store %{value.name} at %{index.name} in @{name}"
        if self.looped or not self.choices.once_in(4):
            self.lines.append(text)
            return True
        token = next(self.names)
        self.lines.append(f"%{token} = {text} -> !step.token")
        shape = (rows, *(dim.number or 0 for dim in entry))
        if not self.load_whole(name, value.element, shape, f" after %{token}"):
            walk = walk_text(Walk.whole(len(shape)))
            self.give(f"load @{name}{walk} after %{token}", value.element, [Dim.of(size) for size in shape])
        return True

    def size_of(self) -> bool:
        if not self.sizes.most:
            return False
        symbol = self.choices.pick(sorted(self.sizes.most))
        number = self.line(f"size @{symbol}", I32, ())
        return self.give(f"convert %{number.name}", F32, (), number)


_STEPS: tuple[tuple[Callable[[_Builder], bool], int], ...] = (
    (_Builder.map, 5),
    (_Builder.chain, 3),
    (_Builder.accum, 5),
    (_Builder.expand, 3),
    (_Builder.scan, 2),
    (_Builder.convert, 2),
    (_Builder.matmul, 3),
    (_Builder.flatten, 2),
    (_Builder.promote, 1),
    (_Builder.reshape, 2),
    (_Builder.streamify, 3),
    (_Builder.slice, 2),
    (_Builder.concat, 2),
    (_Builder.merge, 1),
    (_Builder.random_load, 2),
    (_Builder.random_store, 1),
    (_Builder.size_of, 1),
    (_Builder.load_again, 1),
    (_Builder.store_parts, 1),
    (_Builder.prefix, 2),
)
