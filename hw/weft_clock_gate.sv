// Clock gate for simulation: one pulse on o_gated for every pulse on i_clk that begins while i_enable is high.
// The enable is sampled at the falling edge, so that o_gated rises together with i_clk and never twice.
module weft_clock_gate (
    input  wire i_clk,
    input  wire i_enable,
    output wire o_gated
);
    reg enable = 1'b0;
    always @(negedge i_clk) enable <= i_enable;
    assign o_gated = i_clk & enable;
endmodule
