// Reports every enabled beat of a tile to the simulator's side. Only in simulation, under `checks`.
module weft_tap #(
    parameter int LANES = 1
) (
    input logic clk,
    input logic enable,
    input logic [15:0] tile,
    input logic [LANES*32-1:0] data,
    input logic [7:0] stop,
    input logic \void
);
  import "DPI-C" function void weft_tap_record(
    input int tile,
    input int lanes,
    input bit [LANES*32-1:0] data,
    input int stop,
    input bit is_void
  );

  always @(posedge clk) if (enable) weft_tap_record({16'b0, tile}, LANES, data, {24'b0, stop}, \void );
endmodule
