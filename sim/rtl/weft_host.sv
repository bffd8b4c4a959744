// AXI4-Lite master whose transactions come from host.cpp. `events` counts queues that were run to their end; a change
// of `request` starts one.
module weft_host (
    input logic clk,
    input logic rst,
    input logic [31:0] request,
    output logic [31:0] events,
    input logic interrupt,
    output logic awvalid,
    input logic awready,
    output logic [15:0] awaddr,
    output logic wvalid,
    input logic wready,
    output logic [31:0] wdata,
    output logic [3:0] wstrb,
    input logic bvalid,
    output logic bready,
    input logic [1:0] bresp,
    output logic arvalid,
    input logic arready,
    output logic [15:0] araddr,
    input logic rvalid,
    output logic rready,
    input logic [31:0] rdata,
    input logic [1:0] rresp
);
  import "DPI-C" function void weft_host_cycle(
    input bit rst,
    input int request,
    input bit awready,
    input bit wready,
    input bit bvalid,
    input int bresp,
    input bit arready,
    input bit rvalid,
    input int rdata,
    input int rresp,
    input bit raised,
    output int flags,
    output int out_awaddr,
    output int out_wdata,
    output int out_araddr,
    output int out_events
  );

  int flags, out_awaddr, out_wdata, out_araddr, out_events;

  always @(posedge clk) begin
    weft_host_cycle(rst, request, awready, wready, bvalid, {30'b0, bresp}, arready, rvalid, rdata, {30'b0, rresp},
                    interrupt, flags, out_awaddr, out_wdata, out_araddr, out_events);
    {arvalid, wvalid, awvalid} <= flags[2:0];
    awaddr <= out_awaddr[15:0];
    wdata <= out_wdata;
    araddr <= out_araddr[15:0];
    events <= out_events;
  end

  assign wstrb = 4'hf;
  assign bready = 1;
  assign rready = 1;
endmodule
