// Says in which cycles a stream may move, at random by the seed of the simulation; always without one. Put between a
// producer and a consumer under `checks`:
//   consumer.valid = producer.valid & go;  producer.ready = consumer.ready & go;  hold = consumer.valid & ~consumer.ready
// `offer` is producer.valid. `hold` keeps an offer that was made and not yet taken. Chance goes on only with an offer that
// is not held, so that a port without one, or in front of a full one, costs the simulation nothing.
module weft_stall (
    input logic clk,
    input logic [15:0] tile,
    input logic [7:0] port,
    input logic offer,
    input logic hold,
    output logic go
);
  import "DPI-C" function int weft_stall_seed();

  logic [31:0] seed;
  logic [31:0] state;
  initial begin
    seed = weft_stall_seed();
    state = 0;
    go = 1;
  end

  // Xorshift. Three of four cycles may move on average, but a port may also be slow for a while: bits 30..28 say which.
  function automatic logic [31:0] next(input logic [31:0] old);
    next = old ^ (old << 13);
    next = next ^ (next >> 17);
    next = next ^ (next << 5);
  endfunction

  always @(posedge clk)
    if (seed != 0 && offer && !hold) begin
      if (state == 0) state <= (seed * 32'h9e3779b9) ^ {tile, port, 8'h55};
      else state <= next(state);
      go <= state[3:0] >= (state[30:28] == 0 ? 4'd14 : 4'd4);
    end
endmodule
