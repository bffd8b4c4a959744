"""What is read from the Verilog of a module that joins instances, and what is refused."""

from __future__ import annotations

import pytest

from weft.hw.fabric_verilog import fabric_verilog
from weft.hw.netgraph import read_netlist
from weft.hw.presets import PRESETS
from weft.hw.topology import Topology
from weft.sim.verilator.block import BlockPort
from weft.sim.verilator.structure import StructureError, connections, lone, read_structure

PORTS = {
    "stage": (
        BlockPort("rst", "rst", 1, False),
        BlockPort("number", "number", 4, False),
        BlockPort("left", "left", 40, False),
        BlockPort("read_data", "read_data", 32, True),
        BlockPort("right", "right", 40, True),
    )
}
PAIR = """
`default_nettype none
module pair (
  input wire clk,
  input wire rst,
  input wire [39:0] in, // from the left
  output wire [31:0] sum,
  output wire [39:0] out
);
  wire [39:0] between;
  wire [31:0] a__data;
  wire [31:0] b__data;

  stage a (
    .clk(clk),
    .rst(rst),
    .number(4'd10),
    .left(in),
    .read_data(a__data),
    .right(between)
  );
  stage b (.clk(clk), .rst(rst), .number(4'hb), .left(between), .read_data(b__data), .right(out));

  reg [31:0] answer = 32'h0;
  always @(posedge clk)
    if (rst) answer <= 32'h0;
    else answer <= (a__data) |
      (b__data);
  assign sum = answer;
endmodule
`default_nettype wire
"""


def joined(text: str):
    return connections(read_structure(text), PORTS)


def test_instances_are_joined_as_the_text_says():
    structure = read_structure(PAIR)
    assert structure.module == "pair"
    assert [(port.name, port.width, port.output) for port in structure.ports] == [
        ("rst", 1, False),
        ("in", 40, False),
        ("sum", 32, True),
        ("out", 40, True),
    ]
    assert [(each.module, each.name) for each in structure.instances] == [("stage", "a"), ("stage", "b")]
    found = connections(structure, PORTS)
    # Source, its output, target, its input: 0 is the outside, 1 and 2 are a and b, 3 is the register.
    assert sorted(found.joins) == sorted(
        [
            *((0, 0, part, 0) for part in (1, 2, 3)),
            *((0, 1, 1, 2), (1, 1, 2, 2), (2, 1, 0, 1)),
            *((1, 0, 3, 1), (2, 0, 3, 2), (3, 0, 0, 0)),
        ]
    )
    assert sorted(found.ties) == [(1, 1, 10), (2, 1, 11)]


def test_a_lone_block_passes_its_ports_outward():
    structure = lone("stage", PORTS["stage"])
    assert structure.instances[0].name == ""
    found = connections(structure, PORTS)
    assert sorted(found.joins) == [(0, 0, 1, 0), (0, 1, 1, 1), (0, 2, 1, 2), (1, 0, 0, 0), (1, 1, 0, 1)]
    assert found.ties == ()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("wire [39:0] between;", "", "a net must be declared, not only used: between"),
        ("wire [39:0] between;", "wire [38:0] between;", r"a.right must be of 40 bits, not 39: between"),
        ("wire [39:0] between;", "wire [39:0] between; wire between;", "declared once, not twice: between"),
        (".right(between)", ".right()", "driven once, not never: between"),
        (".right(out)", ".right(between)", "driven once, not twice: between"),
        (".right(out)", ".right()", "driven once, not never: out"),
        (".right(out)", ".right(40'h0)", 'b.right must be at a net, not at "40\'h0"'),
        (".left(between)", ".left()", "b.left must be at a net, not at ''"),
        (".left(between)", ".left(~between)", "b.left must be at a net or a constant, not at '~between'"),
        (".left(between)", ".left(between), .left(in)", "a pin of b must be named, once, not '.left"),
        (".left(between), ", "", "b must have the pins of stage, which differ in left"),
        ("b (.clk(clk)", "b (.clk(rst)", "b.clk must be at clk, not at 'rst'"),
        ("if (rst)", "if (in)", "a register must be of 32 bits and its reset of one, not as in"),
        ("<= (a__data)", "<= (between)", "a register must be of 32 bits and its reset of one, not as between"),
        ("(a__data) |", "(a__data) &", 'must hold only wires, registers and instances, not "reg'),
        ("assign sum = answer;", "assign sum = ~answer;", "must hold only .*, not 'assign sum = ~answer;'"),
        ("assign sum = answer;", "assign out = answer;", "driven once, not twice: out"),
        ("assign sum = answer;", "", "driven once, not never: sum"),
        ("wire [31:0] a__data;", "logic [31:0] a__data;", r"must hold only .*, not 'logic \[31:0\] a__data;'"),
        ("input wire rst", "inout wire rst", "a port must be a wire in or out, not 'inout wire rst'"),
        ("module pair", "macromodule pair", "must begin with its module's header, not 'macromodule pair"),
    ],
)
def test_what_is_not_understood_is_refused(old, new, sentence):
    assert old in PAIR
    with pytest.raises(StructureError, match=sentence):
        joined(PAIR.replace(old, new, 1))


@pytest.mark.parametrize("preset", ["tiny", "demo"])
def test_a_fabric_is_read_as_the_graph_that_it_is(preset):
    """The other reader, which knows tiles, sees the same instances, numbers and answers."""
    spec = PRESETS[preset]
    text = fabric_verilog(spec)
    structure, graph = read_structure(text), read_netlist(text)
    tiles = [f"tile_{tile.row}_{tile.column}" for tile in Topology(spec).tiles]
    assert [each.name for each in structure.instances] == tiles == [f"tile_{t.row}_{t.column}" for t in graph.tiles]
    (register,) = structure.registers
    assert sorted(register.terms) == sorted(f"{name}__read_data" for name in tiles)
    assert structure.assigned == {"read_data": register.name}
