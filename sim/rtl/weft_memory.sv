// AXI4 slave in front of the memory model of memory.cpp: one channel.
module weft_memory #(
    parameter int CHANNEL = 0,
    parameter int DATA = 64
) (
    input logic clk,
    input logic rst,
    input logic awvalid,
    output logic awready,
    input logic [31:0] awid,
    input logic [63:0] awaddr,
    input logic [7:0] awlen,
    input logic [2:0] awsize,
    input logic [1:0] awburst,
    input logic wvalid,
    output logic wready,
    input logic [DATA-1:0] wdata,
    input logic [DATA/8-1:0] wstrb,
    input logic wlast,
    output logic bvalid,
    input logic bready,
    output logic [31:0] bid,
    output logic [1:0] bresp,
    input logic arvalid,
    output logic arready,
    input logic [31:0] arid,
    input logic [63:0] araddr,
    input logic [7:0] arlen,
    input logic [2:0] arsize,
    input logic [1:0] arburst,
    output logic rvalid,
    input logic rready,
    output logic [31:0] rid,
    output logic [DATA-1:0] rdata,
    output logic [1:0] rresp,
    output logic rlast
);
  import "DPI-C" function void weft_memory_cycle(
    input int channel,
    input int bytes,
    input bit rst,
    input bit awvalid,
    input int awid,
    input longint awaddr,
    input int awlen,
    input int awsize,
    input int awburst,
    input bit wvalid,
    input bit [DATA-1:0] wdata,
    input bit [DATA/8-1:0] wstrb,
    input bit wlast,
    input bit bready,
    input bit arvalid,
    input int arid,
    input longint araddr,
    input int arlen,
    input int arsize,
    input int arburst,
    input bit rready,
    output int flags,
    output int out_bid,
    output int out_bresp,
    output int out_rid,
    output int out_rresp,
    output bit [DATA-1:0] out_rdata
  );

  int flags, out_bid, out_bresp, out_rid, out_rresp;
  bit [DATA-1:0] out_rdata;

  always @(posedge clk) begin
    weft_memory_cycle(CHANNEL, DATA / 8, rst, awvalid, awid, awaddr, {24'b0, awlen}, {29'b0, awsize}, {30'b0, awburst},
                      wvalid, wdata, wstrb, wlast, bready, arvalid, arid, araddr, {24'b0, arlen}, {29'b0, arsize},
                      {30'b0, arburst}, rready, flags, out_bid, out_bresp, out_rid, out_rresp, out_rdata);
    {rlast, rvalid, arready, bvalid, wready, awready} <= flags[5:0];
    bid <= out_bid;
    bresp <= out_bresp[1:0];
    rid <= out_rid;
    rresp <= out_rresp[1:0];
    rdata <= out_rdata;
  end
endmodule
