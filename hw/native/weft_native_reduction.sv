// The reduction tree of a PCU's tail in one call; only for simulation. Latency as the real tree's, at least 1.
module weft_native_reduction #(
    parameter int LANES = 2,
    parameter int LATENCY = 2
) (
    input logic clk,
    input logic valid,
    input logic [1:0] op,
    input logic [LANES*32-1:0] x,
    output logic [31:0] r
);
  import "DPI-C" function void weft_native_reduce(
    input int lanes,
    input byte unsigned op,
    input bit [LANES*32-1:0] x,
    output bit [31:0] r
  );

  logic [31:0] results[LATENCY];
  bit [31:0] computed;
  always @(posedge clk) begin
    if (valid) begin
      weft_native_reduce(LANES, {6'b0, op}, x, computed);
      results[0] <= computed;
    end
    for (int age = 1; age < LATENCY; age++) results[age] <= results[age-1];
  end
  assign r = results[LATENCY-1];
endmodule
