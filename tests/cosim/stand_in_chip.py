"""A chip that is no fabric: host registers, and one copying engine with a memory channel, to prove the harness with."""

from __future__ import annotations

from amaranth.back import verilog
from amaranth.hdl import Assert, Cat, ClockSignal, Const, Format, Instance, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.address_map import IMAGE_MAGIC, HostRegister, Status
from weft.hw.chip.axi import Axi4, AxiLite
from weft.hw.spec import FabricSpec

__all__ = ["StandIn", "stand_in_files"]


class StandIn(wiring.Component):
    """Copies ``argument 3`` beats from address ``argument 1`` to ``argument 2``, one at a time.

    Each is reported by the tap of tile 1. With ``argument 4`` it only counts cycles that may move. Context 1 hangs.

    An image of words whose second is not 1 is refused.
    """

    def __init__(self, spec: FabricSpec) -> None:
        self._spec = spec
        super().__init__(
            {
                "host": In(AxiLite()),
                "channel": Out(Axi4(data_bits=spec.channel_bits)).array(1),
                "interrupt": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        host, axi = self.host, self.channel[0]
        beat = self._spec.channel_bytes
        address_bits = (beat - 1).bit_length()
        arguments = [Signal(32, name=f"argument_{i}") for i in range(5)]
        words, cycles, left, read, written = Signal(32), Signal(32), Signal(32), Signal(32), Signal(32)
        running, done, failed, refused, hang, go = Signal(), Signal(), Signal(), Signal(), Signal(), Signal()
        source, target, data = Signal(32), Signal(32), Signal(self._spec.channel_bits)
        read_address = Signal(32)

        # Host registers: a write when both halves are there, a read answered a cycle later.
        write = Signal()
        m.d.comb += [
            write.eq(host.awvalid & host.wvalid & ~host.bvalid),
            host.awready.eq(write),
            host.wready.eq(write),
            host.arready.eq(~host.rvalid),
            self.interrupt.eq(done),
        ]
        with m.If(host.bvalid & host.bready):
            m.d.sync += host.bvalid.eq(0)
        with m.If(host.rvalid & host.rready):
            m.d.sync += host.rvalid.eq(0)
        with m.If(write):
            m.d.sync += host.bvalid.eq(1)
            with m.Switch(host.awaddr):
                with m.Case(HostRegister.COMMAND):
                    with m.If(host.wdata[0]):
                        m.d.sync += [
                            *(running.eq(1), done.eq(0), failed.eq(0), cycles.eq(0), hang.eq(host.wdata[8])),
                            *(source.eq(arguments[1]), target.eq(arguments[2])),
                            left.eq(Mux(arguments[4] != 0, arguments[4], arguments[3])),
                        ]
                    with m.If(host.wdata[1]):
                        m.d.sync += [read.eq(0), written.eq(0)]
                    with m.If(host.wdata[2]):
                        m.d.sync += [words.eq(0), refused.eq(0)]
                with m.Case(HostRegister.IMAGE):
                    m.d.sync += words.eq(words + 1)
                    with m.If((words == 1) & (host.wdata != 1)):
                        m.d.sync += refused.eq(1)
                with m.Case(HostRegister.READ_ADDRESS):
                    m.d.sync += read_address.eq(host.wdata)
                for i in range(1, 5):
                    with m.Case(HostRegister.ARGUMENT + 4 * i):
                        m.d.sync += arguments[i].eq(host.wdata)
        status = Signal(32)
        m.d.comb += [
            status[Status.BUSY].eq(running),
            status[Status.DONE].eq(done),
            status[Status.FAILED].eq(failed),
            status[Status.IMAGE_REFUSED].eq(refused),
        ]
        with m.If(host.arvalid & host.arready):
            m.d.sync += [host.rvalid.eq(1), host.rdata.eq(0)]
            values = {
                HostRegister.ID: Const(IMAGE_MAGIC, 32),
                HostRegister.VERSION: Const(1),
                HostRegister.HASH_LOW: Const(int(self._spec.hash, 16) & 0xFFFFFFFF, 32),
                HostRegister.HASH_HIGH: Const(int(self._spec.hash, 16) >> 32, 32),
                HostRegister.STATUS: status,
                HostRegister.CYCLES: cycles,
                # A counter is its own address, but STATUS: tile 1 waits for vector input 0 while the chip hangs.
                HostRegister.READ_DATA: Mux(read_address[:8] == 4, hang & (read_address[8:] == 1), read_address),
                HostRegister.CHANNEL_BEATS: read,
                HostRegister.CHANNEL_BEATS + 4: written,
            }
            with m.Switch(host.araddr):
                for address, value in values.items():
                    with m.Case(int(address)):
                        m.d.sync += host.rdata.eq(value)

        # The engine: a beat at a time.
        m.d.comb += [
            *(axi.arburst.eq(1), axi.awburst.eq(1), axi.arsize.eq(address_bits), axi.awsize.eq(address_bits)),
            *(axi.araddr.eq(source), axi.awaddr.eq(target), axi.wdata.eq(data), axi.wlast.eq(1)),
            *(axi.wstrb.eq((1 << beat) - 1), axi.rready.eq(1), axi.bready.eq(1)),
        ]
        with m.If(running):
            m.d.sync += cycles.eq(cycles + 1)
            m.d.sync += Assert(source != 0xDEAD0000, Format("a source must not be {:x}", source))
        with m.FSM():
            with m.State("IDLE"), m.If(running & ~hang):
                with m.If(left == 0):
                    m.d.sync += [running.eq(0), done.eq(1)]
                with m.Elif(arguments[4] != 0):
                    m.d.sync += left.eq(left - go)
                with m.Else():
                    m.d.sync += axi.arvalid.eq(1)
                    m.next = "READ"
            with m.State("READ"):
                with m.If(axi.arready):
                    m.d.sync += axi.arvalid.eq(0)
                with m.If(axi.rvalid):
                    m.d.sync += [data.eq(axi.rdata), read.eq(read + 1), axi.awvalid.eq(1), axi.wvalid.eq(1)]
                    with m.If(axi.rresp != 0):
                        m.d.sync += failed.eq(1)
                    m.next = "WRITE"
            with m.State("WRITE"):
                with m.If(axi.awready):
                    m.d.sync += axi.awvalid.eq(0)
                with m.If(axi.wready & axi.wvalid):
                    m.d.sync += [axi.wvalid.eq(0), written.eq(written + 1)]
                with m.If(axi.bvalid):
                    m.d.sync += [source.eq(source + beat), target.eq(target + beat), left.eq(left - 1)]
                    m.next = "IDLE"
        m.submodules.tile = Instance(
            "weft_tile_tap",
            i_clk=ClockSignal(),
            i_enable=axi.wvalid & axi.wready,
            i_last=left == 1,
            o_go=go,
            i_data=Cat(data, Const(0, 32 * self._spec.lanes))[: 32 * self._spec.lanes],
        )
        return m


class _Tile(wiring.Component):
    """What taps do in a tile, in a block of its own."""

    def __init__(self, spec: FabricSpec) -> None:
        self._spec = spec
        super().__init__({"enable": In(1), "last": In(1), "data": In(32 * spec.lanes), "go": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.tap = Instance(
            "weft_tap",
            p_LANES=self._spec.lanes,
            i_clk=ClockSignal(),
            i_enable=self.enable,
            i_tile=Const(1, 16),
            i_data=self.data,
            i_stop=Cat(self.last, Const(0, 7)),
            i_void=self.data[:32] == 0,
        )
        m.submodules.stall = Instance(
            "weft_stall",
            i_clk=ClockSignal(),
            i_tile=Const(1, 16),
            i_port=Const(3, 8),
            i_offer=Const(1, 1),
            i_hold=Const(0, 1),
            o_go=self.go,
        )
        return m


def stand_in_files(spec: FabricSpec) -> dict[str, str]:
    """Verilog of the stand-in."""
    options = {"emit_src": False, "strip_internal_attrs": True}
    return {
        "weft_chip.v": verilog.convert(StandIn(spec), name="weft_chip", **options),
        "weft_tile_tap.v": verilog.convert(_Tile(spec), name="weft_tile_tap", **options),
    }
