// The function units of a PCU stage, all lanes in one call; only for simulation. Latency and bits are the real ones:
// 3 cycles from a and b, 2 from c and bypass. Nothing is computed for a step that is not valid, which no one looks at.
//
// The operands enter by an open array, which reaches C++ without a copy: rows a, b and c, filled up to whole groups of
// eight words. What only this process sees is assigned at once, newest last.
module weft_native_functions #(
    parameter int LANES = 1
) (
    input logic clk,
    input logic valid,  // with c
    input logic [3:0] op,
    input logic [LANES*32-1:0] a,
    input logic [LANES*32-1:0] b,
    input logic [LANES*32-1:0] c,
    input logic [LANES-1:0] bypass,
    output logic [LANES*32-1:0] r
);
  localparam int WORDS = (LANES + 7) / 8 * 8;
  import "DPI-C" function void weft_native_function(
    input int lanes,
    input byte unsigned op,
    input longint unsigned bypass,
    input bit [WORDS*32-1:0] operands[],
    output bit [31:0] r[]
  );

  bit [WORDS*32-1:0] operands[3];
  bit [31:0] result[WORDS];
  always @(posedge clk) begin
    for (int lane = 0; lane < LANES; lane++) r[32*lane+:32] <= result[lane];
    if (valid) begin
      operands[2] = c;
      weft_native_function(LANES, {4'b0, op}, 64'(bypass), operands, result);
    end
    operands[0] = a;
    operands[1] = b;
  end
endmodule
