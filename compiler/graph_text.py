"""The text form of a graph: a line a weight, then a line a node; it parses back.

weight lm_head.weight [256, 64]
hidden [64] = embed token using model.embed_tokens.weight
layers.0.normed [64] = rms_norm hidden using model.layers.0.input_layernorm.weight with eps=1e-05
"""

import re

from compiler.errors import WeftError
from compiler.graph import Graph, Node, Op, Shape, str_shape

NODE = re.compile(
    r"(?P<name>\S+) \[(?P<shape>[^\]]*)\] = (?P<op>\w+) (?P<inputs>\S+(, \S+)*?)"
    r"( using (?P<weights>\S+(, \S+)*?))?( with (?P<attributes>\S+=\S+(, \S+=\S+)*?))?"
)
WEIGHT = re.compile(r"weight (?P<name>\S+) \[(?P<shape>[^\]]*)\]")


def graph_to_text(graph: Graph) -> str:
    """One line each, numbers so that they read back exactly."""
    weights = [f"weight {name} {str_shape(shape)}" for name, shape in graph.weights]
    return "\n".join([*weights, *map(_node_to_text, graph.nodes)]) + "\n"


def graph_from_text(text: str) -> Graph:
    """The graph that `graph_to_text` printed.

    Raises:
        WeftError: a line is neither weight nor node, an operation is unknown, or the graph is not sound.
    """
    weights: list[tuple[str, Shape]] = []
    nodes: list[Node] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if match := WEIGHT.fullmatch(line):
            weights.append((match["name"], _shape(match["shape"])))
        elif (match := NODE.fullmatch(line)) and match["op"] in list(Op):
            pairs = [pair.split("=") for pair in _list(match["attributes"])]
            attributes = tuple((name, float(value)) for name, value in pairs)
            inputs, used = _list(match["inputs"]), _list(match["weights"])
            nodes.append(Node(match["name"], _shape(match["shape"]), Op(match["op"]), inputs, used, attributes))
        else:
            raise WeftError(f"line {number} of the graph must be a weight or a node, not {line!r}")
    return Graph(tuple(weights), tuple(nodes))


def _node_to_text(node: Node) -> str:
    text = f"{node.name} {str_shape(node.shape)} = {node.op} {', '.join(node.inputs)}"
    if node.weights:
        text += f" using {', '.join(node.weights)}"
    if node.attributes:
        text += f" with {', '.join(f'{name}={value!r}' for name, value in node.attributes)}"
    return text


def _list(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(", ")) if text else ()


def _shape(text: str) -> Shape:
    return tuple(int(part) if part.isdigit() else part for part in _list(text))
