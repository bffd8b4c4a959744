"""A module that only joins instances, read from its Verilog: what is simulated is the netlist, whoever wrote it.

Nothing here knows what the instances are. Understood are ports and wires, instances whose pins are at a net, a constant
or open, registers that take the disjunction of nets and have a reset, and output ports assigned from such a register.
Anything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from weft.sim.verilator.block import BlockPort

__all__ = [
    "Connections",
    "Instance",
    "OrRegister",
    "Structure",
    "StructureError",
    "connections",
    "lone",
    "read_structure",
]

_NAME = r"[A-Za-z_]\w*"
_WIDTH = r"(?:\[(\d+):0\] *)?"
_NOISE = re.compile(r"//[^\n]*|^`default_nettype \w+$", re.MULTILINE)
_SPACE = re.compile(r"\s*")
_HEADER = re.compile(rf"module ({_NAME}) \((.*?)\);", re.DOTALL)
_PORT = re.compile(rf"\s*(input|output) wire {_WIDTH}({_NAME})\s*")
_WIRE = re.compile(rf"wire {_WIDTH}({_NAME});")
_REGISTER = re.compile(
    rf"reg {_WIDTH}({_NAME}) = \d+'h0;\s*always @\(posedge clk\)\s*"
    rf"if \(({_NAME})\) \2 <= \d+'h0;\s*else \2 <=([\w\s|()]+);"
)
_ASSIGN = re.compile(rf"assign ({_NAME}) = ({_NAME});")
_INSTANCE = re.compile(rf"({_NAME}) ({_NAME}) \((.*?)\);", re.DOTALL)
_PIN = re.compile(rf"\s*\.({_NAME})\(([^()]*)\)\s*")
_CONSTANT = re.compile(r"\d+'([hd])([0-9a-fA-F]+)")


class StructureError(ValueError):
    """A module that does more than join instances, or a net that is not driven once or has the wrong width."""


@dataclass(frozen=True)
class Instance:
    """An instance of a module; what stands at its pins is the name of a net, a constant, or nothing."""

    module: str
    name: str
    pins: Mapping[str, str]


@dataclass(frozen=True)
class OrRegister:
    """A register of 32 bits: after an edge the disjunction of nets, or 0 if ``reset`` was set."""

    name: str
    reset: str
    terms: tuple[str, ...]


@dataclass(frozen=True)
class Structure:
    """A module: its ports without the clock, the width of every net, what is joined, and outputs called otherwise."""

    module: str
    ports: tuple[BlockPort, ...]
    widths: Mapping[str, int]
    instances: tuple[Instance, ...]
    registers: tuple[OrRegister, ...] = ()
    assigned: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Connections:
    """Ports by number: of the outside (0), then of the instances, then of the registers.

    ``joins`` are source, its output, target and its input; ``ties`` are target, input and value. The outside's outputs
    are what comes in. A register's first input is its reset. ``streams`` are target, payload and valid: inputs of an
    instance whose names differ only in the ends ``__payload`` and ``__valid``.
    """

    joins: tuple[tuple[int, int, int, int], ...]
    ties: tuple[tuple[int, int, int], ...]
    streams: tuple[tuple[int, int, int], ...] = ()


def lone(module: str, ports: tuple[BlockPort, ...]) -> Structure:
    """A structure of one instance without a name, the ports of which are those of the structure."""
    pins = {port.name: port.name for port in ports} | {"clk": "clk"}
    return Structure(module, ports, {port.name: port.width for port in ports}, (Instance(module, "", pins),))


def read_structure(text: str) -> Structure:
    """The structure in the Verilog of one module.

    Raises
    ------
    StructureError
        The text holds what is not understood, a pin twice, or a net that is not declared once.
    """
    text = _NOISE.sub("", text)
    at = _skip(text, 0)
    header = _HEADER.match(text, at)
    if header is None:
        raise StructureError(f"a structure must begin with its module's header, not {_line(text, at)!r}")
    widths: dict[str, int] = {}
    ports = []
    for each in header[2].split(","):
        found = _PORT.fullmatch(each)
        if found is None:
            raise StructureError(f"a port must be a wire in or out, not {each.strip()!r}")
        _declare(widths, found[3], found[2])
        ports.append(BlockPort(found[3], found[3], widths[found[3]], found[1] == "output"))
    instances: list[Instance] = []
    registers: list[OrRegister] = []
    assigned: dict[str, str] = {}
    at = _skip(text, header.end())
    while not re.compile(r"endmodule\b").match(text, at):
        if found := _WIRE.match(text, at):
            _declare(widths, found[2], found[1])
        elif found := _REGISTER.match(text, at):
            _declare(widths, found[2], found[1])
            registers.append(OrRegister(found[2], found[3], tuple(re.findall(_NAME, found[4]))))
        elif found := _ASSIGN.match(text, at):
            assigned[found[1]] = found[2]
        elif found := _INSTANCE.match(text, at):
            instances.append(Instance(found[1], found[2], _pins(found[2], found[3])))
        else:
            raise StructureError(f"a structure must hold only wires, registers and instances, not {_line(text, at)!r}")
        at = _skip(text, found.end())
    named = {name for each in instances for name in each.pins.values() if re.fullmatch(_NAME, name)}
    named |= {name for each in registers for name in (each.reset, *each.terms)} | {*assigned, *assigned.values()}
    if unknown := sorted(named - widths.keys()):
        raise StructureError(f"a net must be declared, not only used: {unknown[0]}")
    inside = tuple(port for port in ports if port.name != "clk")
    return Structure(header[1], inside, widths, tuple(instances), tuple(registers), assigned)


def connections(structure: Structure, ports: Mapping[str, tuple[BlockPort, ...]]) -> Connections:
    """Who drives whom, given the ports of the instances' modules: inputs first, the clock left out.

    Raises
    ------
    StructureError
        A pin or a net that does not fit: of another width, open where it must not be, driven never or twice.
    """
    drivers: dict[str, tuple[int, int]] = {}
    readers: list[tuple[int, int, str]] = []
    ties: list[tuple[int, int, int]] = []
    streams: list[tuple[int, int, int]] = []

    def drive(net: str, part: int, output: int) -> None:
        if net in drivers:
            raise StructureError(f"a net must be driven once, not twice: {net}")
        drivers[net] = (part, output)

    inward = [port for port in structure.ports if not port.output]
    outward = [port for port in structure.ports if port.output]
    for number, port in enumerate(inward):
        drive(port.name, 0, number)
    assigned = structure.assigned or {}
    readers += [(0, number, assigned.get(port.name, port.name)) for number, port in enumerate(outward)]
    for part, instance in enumerate(structure.instances, 1):
        _check_pins(structure, instance, ports[instance.module])
        streams += [(part, *stream) for stream in _streams(ports[instance.module])]
        numbers = [0, 0]
        for port in ports[instance.module]:
            number, expression = numbers[port.output], instance.pins[port.name]
            numbers[port.output] += 1
            if port.output:
                if expression:
                    drive(expression, part, number)
            elif constant := _CONSTANT.fullmatch(expression):
                ties.append((part, number, int(constant[2], {"h": 16, "d": 10}[constant[1]])))
            else:
                readers.append((part, number, expression))
    for part, register in enumerate(structure.registers, 1 + len(structure.instances)):
        drive(register.name, part, 0)
        for number, net in enumerate((register.reset, *register.terms)):
            if structure.widths[net] != (32 if number else 1):
                raise StructureError(f"a register must be of 32 bits and its reset of one, not as {net}")
            readers.append((part, number, net))
    if twice := sorted(drivers.keys() & assigned.keys()):
        raise StructureError(f"a net must be driven once, not twice: {twice[0]}")
    for _, _, net in readers:
        if net not in drivers:
            raise StructureError(f"a net must be driven once, not never: {net}")
    joins = tuple((*drivers[net], part, number) for part, number, net in readers)
    return Connections(joins, tuple(ties), tuple(streams))


def _streams(ports: tuple[BlockPort, ...]) -> list[tuple[int, int]]:
    """Payload and valid of the streams that come in, by their numbers among the inputs."""
    numbers = {port.name: number for number, port in enumerate(port for port in ports if not port.output)}
    found = [
        (number, numbers.get(name.removesuffix("payload") + "valid"))
        for name, number in numbers.items()
        if name.endswith("__payload")
    ]
    return [(payload, valid) for payload, valid in found if valid is not None]


def _check_pins(structure: Structure, instance: Instance, ports: tuple[BlockPort, ...]) -> None:
    names = {port.name for port in ports} | {"clk"}
    if names != instance.pins.keys():
        wrong = sorted(names ^ instance.pins.keys())[0]
        raise StructureError(f"{instance.name} must have the pins of {instance.module}, which differ in {wrong}")
    if instance.pins["clk"] != "clk":
        raise StructureError(f"{instance.name}.clk must be at clk, not at {instance.pins['clk']!r}")
    for port in ports:
        expression = instance.pins[port.name]
        constant = bool(_CONSTANT.fullmatch(expression))
        if constant if port.output else not expression:
            raise StructureError(f"{instance.name}.{port.name} must be at a net, not at {expression!r}")
        if not constant and expression and structure.widths[expression] != port.width:
            width = structure.widths[expression]
            raise StructureError(f"{instance.name}.{port.name} must be of {port.width} bits, not {width}: {expression}")


def _pins(instance: str, text: str) -> dict[str, str]:
    pins: dict[str, str] = {}
    for each in text.split(","):
        found = _PIN.fullmatch(each)
        if found is None or found[1] in pins:
            raise StructureError(f"a pin of {instance} must be named, once, not {each.strip()!r}")
        expression = found[2].strip()
        if expression and not re.fullmatch(_NAME, expression) and not _CONSTANT.fullmatch(expression):
            raise StructureError(f"{instance}.{found[1]} must be at a net or a constant, not at {expression!r}")
        pins[found[1]] = expression
    return pins


def _declare(widths: dict[str, int], name: str, high: str | None) -> None:
    if name in widths:
        raise StructureError(f"a net must be declared once, not twice: {name}")
    widths[name] = int(high or 0) + 1


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _line(text: str, at: int) -> str:
    return text[at:].partition("\n")[0]
