// The conversions of a PCU's tail, all lanes in one call; only for simulation. Latency 1 as the real units'.
module weft_native_conversions #(
    parameter int LANES = 1
) (
    input logic clk,
    input logic valid,
    input logic [1:0] op,
    input logic [LANES*32-1:0] x,
    output logic [LANES*32-1:0] r
);
  import "DPI-C" function void weft_native_convert(
    input int lanes,
    input byte unsigned op,
    input bit [LANES*32-1:0] x,
    output bit [LANES*32-1:0] r
  );

  bit [LANES*32-1:0] computed;
  always @(posedge clk)
    if (valid && op == 0) r <= x;
    else if (valid) begin
      weft_native_convert(LANES, {6'b0, op}, x, computed);
      r <= computed;
    end
endmodule
