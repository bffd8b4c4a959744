"""From AXI4-Lite to plain register accesses."""

from __future__ import annotations

from amaranth.hdl import Module, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.stream.queue import Queue

from .axi import RESP_OKAY, RESP_SLVERR, AxiLite

__all__ = ["HostPort"]


class HostPort(wiring.Component):
    """Takes reads and writes of whole 32-bit words from an AXI4-Lite manager.

    A write a cycle, a read every other cycle. A write of less than a whole word is answered with an error and not done.

    Parameters
    ----------
    address_bits
        Bits of the byte addresses.

    Members
    -------
    axi : In(AxiLite)
        The manager. All outputs from registers.
    write : Out(1), write_address : Out(address_bits), write_data : Out(32)
        A word is written in this cycle.
    read_address : Out(address_bits)
        Address of the word that is read.
    read_data : In(32)
        The word, in the same cycle.
    """

    def __init__(self, *, address_bits: int = 16) -> None:
        self._address_bits = address_bits
        super().__init__(
            {
                "axi": In(AxiLite(address_bits=address_bits)),
                "write": Out(1),
                "write_address": Out(address_bits),
                "write_data": Out(32),
                "read_address": Out(address_bits),
                "read_data": In(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        axi = self.axi
        word = data.StructLayout({"data": unsigned(32), "strobe": unsigned(4)})
        m.submodules.aw = aw = Queue(layout=unsigned(self._address_bits), depth=2)
        m.submodules.w = w = Queue(layout=word, depth=2)
        m.submodules.ar = ar = Queue(layout=unsigned(self._address_bits), depth=2)
        m.d.comb += [
            aw.i.valid.eq(axi.awvalid),
            aw.i.payload.eq(axi.awaddr),
            axi.awready.eq(aw.i.ready),
            w.i.valid.eq(axi.wvalid),
            w.i.payload.data.eq(axi.wdata),
            w.i.payload.strobe.eq(axi.wstrb),
            axi.wready.eq(w.i.ready),
            ar.i.valid.eq(axi.arvalid),
            ar.i.payload.eq(axi.araddr),
            axi.arready.eq(ar.i.ready),
        ]

        accepts = aw.o.valid & w.o.valid & (~axi.bvalid | axi.bready)
        is_whole = w.o.payload.strobe.all()
        m.d.comb += [
            aw.o.ready.eq(accepts),
            w.o.ready.eq(accepts),
            self.write.eq(accepts & is_whole),
            self.write_address.eq(aw.o.payload),
            self.write_data.eq(w.o.payload.data),
        ]
        with m.If(axi.bready):
            m.d.sync += axi.bvalid.eq(0)
        with m.If(accepts):
            m.d.sync += [axi.bvalid.eq(1), axi.bresp.eq(RESP_SLVERR)]
            with m.If(is_whole):
                m.d.sync += axi.bresp.eq(RESP_OKAY)

        reads = ar.o.valid & ~axi.rvalid
        m.d.comb += [ar.o.ready.eq(reads), self.read_address.eq(ar.o.payload)]
        with m.If(axi.rready):
            m.d.sync += axi.rvalid.eq(0)
        with m.If(reads):
            m.d.sync += [axi.rvalid.eq(1), axi.rdata.eq(self.read_data)]
        return m
