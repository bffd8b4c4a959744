// The special functions of a PCU's tail, all lanes in one call; only for simulation. Latency 8 as the real units'.
module weft_native_specials #(
    parameter int LANES = 1
) (
    input logic clk,
    input logic valid,
    input logic [2:0] op,
    input logic [LANES*32-1:0] x,
    output logic [LANES*32-1:0] r
);
  import "DPI-C" function void weft_native_special(
    input int lanes,
    input byte unsigned op,
    input bit [LANES*32-1:0] x,
    output bit [LANES*32-1:0] r
  );

  localparam int LATENCY = 8;
  logic [LANES*32-1:0] results[LATENCY];
  bit [LANES*32-1:0] computed;
  always @(posedge clk) begin
    if (valid) begin
      weft_native_special(LANES, {5'b0, op}, x, computed);
      results[0] <= computed;
    end
    for (int age = 1; age < LATENCY; age++) results[age] <= results[age-1];
  end
  assign r = results[LATENCY-1];
endmodule
