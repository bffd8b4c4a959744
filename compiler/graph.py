"""A tensor graph: what one token's step of a model computes, before anything is known of a fabric."""

from dataclasses import dataclass
from enum import StrEnum
from math import prod

from compiler.errors import WeftError

POSITIONS = "positions"
"""The dimension that is as long as the context so far, this token included."""

Shape = tuple[int | str, ...]


class Op(StrEnum):
    """What a node computes from its inputs and weights; shapes in brackets."""

    EMBED = "embed"
    """Row `token` [] of a weight [v, h]: [h]."""
    RMS_NORM = "rms_norm"
    """`weight * x / sqrt(mean(x*x) + eps)`, x [h], weight [h]: [h]."""
    PROJECT = "project"
    """`weight @ x`, plus a second weight if there is one; weight [out, in], x of `in` elements: `out` elements."""
    ROTATE = "rotate"
    """Rotary embedding at this token's position, x [heads, d], d even: [heads, d]."""
    APPEND = "append"
    """Puts x [kv, d] behind what earlier tokens appended to this node: [positions, kv, d]."""
    SCORES = "scores"
    """`scale * q . k`, q [heads, d], k [positions, kv, d], head h uses `h // (heads/kv)`: [heads, positions]."""
    SOFTMAX = "softmax"
    """Over the last dimension of [heads, positions]."""
    MIX = "mix"
    """Weighted sum of rows, shares [heads, positions], values [positions, kv, d]: [heads, d]."""
    SILU = "silu"
    """`x / (1 + exp(-x))`."""
    MULTIPLY = "multiply"
    """Two inputs of one shape, by element."""
    ADD = "add"
    """Two inputs of one shape, by element."""


ARITY = dict.fromkeys(Op, 1) | dict.fromkeys((Op.SCORES, Op.MIX, Op.MULTIPLY, Op.ADD), 2)


@dataclass(frozen=True)
class Node:
    """One operation; `name` is also the name of its result."""

    name: str
    shape: Shape
    op: Op
    inputs: tuple[str, ...]
    weights: tuple[str, ...] = ()
    attributes: tuple[tuple[str, float], ...] = ()
    """Numbers that the operation needs, such as `eps`."""

    def attribute(self, name: str) -> float:
        return dict(self.attributes)[name]


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which they can run; the last one is the result. The one input is `token`, shape [].

    Raises:
        WeftError: a name is used twice, or before it is defined, or a weight is not declared.
        WeftError: a node has the wrong number of inputs, or shapes that its operation does not allow.
    """

    weights: tuple[tuple[str, Shape], ...]
    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        weights, shapes = dict(self.weights), {"token": Shape()}
        for node in self.nodes:
            if node.name in shapes:
                raise WeftError(f"node {node.name!r} must have a name of its own, which is used before it")
            for kind, names, known in (("input", node.inputs, shapes), ("weight", node.weights, weights)):
                for name in names:
                    if name not in known:
                        raise WeftError(f"node {node.name!r} must not use {kind} {name!r} before it is defined")
            if len(node.inputs) != ARITY[node.op]:
                raise WeftError(f"node {node.name!r}: {node.op} takes {ARITY[node.op]} inputs, not {len(node.inputs)}")
            inputs = [shapes[name] for name in node.inputs]
            if not allows(node.op, inputs, [weights[name] for name in node.weights], node.shape):
                given = ", ".join(map(str_shape, inputs)) + " to " + str_shape(node.shape)
                raise WeftError(f"node {node.name!r}: {node.op} does not take {given}")
            shapes[node.name] = node.shape


def allows(op: Op, inputs: list[Shape], weights: list[Shape], result: Shape) -> bool:
    """Whether `op` takes these shapes to `result`; the number of inputs is right already."""
    match op, inputs, weights:
        case Op.EMBED, [()], [(_, columns)]:
            return result == (columns,)
        case Op.RMS_NORM, [x], [weight]:
            return x == weight == result and len(x) == 1
        case Op.PROJECT, [x], [(rows, columns), *bias]:
            return size(x) == columns and size(result) == rows and bias in ([], [(rows,)])
        case Op.ROTATE, [(_, int(width)) as x], []:
            return x == result and width % 2 == 0
        case Op.APPEND, [(heads, width)], []:
            return result == (POSITIONS, heads, width)
        case Op.SCORES, [(int(heads), width), (length, int(kv), key_width)], []:
            return width == key_width and heads % kv == 0 and result == (heads, length)
        case Op.SOFTMAX, [x], []:
            return x == result and len(x) == 2
        case Op.MIX, [(int(heads), share_length), (length, int(kv), width)], []:
            return share_length == length and heads % kv == 0 and result == (heads, width)
        case Op.SILU, [x], []:
            return x == result
        case ((Op.MULTIPLY | Op.ADD), [x, y], []):
            return x == y == result
        case _:
            return False


def size(shape: Shape) -> int | None:
    """Elements of a shape, None if it depends on the context."""
    numbers = [length for length in shape if isinstance(length, int)]
    return prod(numbers) if len(numbers) == len(shape) else None


def str_shape(shape: Shape) -> str:
    """`[4, positions]`."""
    return f"[{', '.join(map(str, shape))}]"
