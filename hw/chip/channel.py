"""A memory channel: the AGCUs that share it, and its AXI4 port."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.agcu.ports import memory_signature, request_layout
from weft.hw.spec import FabricSpec

from .arbiter import Arbiter
from .axi import BURST_INCR, ID_BITS, Axi4

__all__ = ["Channel"]

_MODIFIABLE_BUFFERABLE = 0b0011


class Channel(wiring.Component):
    """Lets the bursts of several AGCUs into one AXI4 port.

    Reads and writes are chosen independently, each a burst a cycle at best, one cycle from an AGCU to the port and one
    back. An AGCU in an earlier turn of the launch goes first, for one in a later turn only fetches ahead. Within a turn
    a lower priority number goes first, and equals one after the other. The AXI ID is the number of the AGCU on this
    channel. Bursts of writes are not interleaved. The port is always ready for read data and for responses, because
    every AGCU asks only for what it has room for. A write burst may be chosen in the cycle in which the last beat of
    the one before is sent, so the data channel does not rest between bursts.

    No burst is read ahead while ``channel_window`` beats are under way: what memory has not begun to answer still waits
    here, where priorities count. Otherwise loads that are in no hurry would fill memory's queue, and one that is would
    wait at its end. The window should be about as many beats as memory's latency has cycles.

    Parameters
    ----------
    spec
        Width of the channel.
    ports
        AGCUs on it.

    Members
    -------
    port : In(memory_signature).array(ports)
        Roads of the AGCUs.
    axi : Out(Axi4)
        The channel. All outputs from registers.
    clear : In(1)
        The counters begin at 0 again.
    read_beats, written_beats : Out(32)
        Data beats since then.

    Raises
    ------
    ValueError
        ``ports`` is not in 1 to 256.
    """

    def __init__(self, *, spec: FabricSpec, ports: int) -> None:
        if not 1 <= ports <= 1 << ID_BITS:
            raise ValueError(f"ports must be 1 to {1 << ID_BITS}, not {ports}")
        self._spec = spec
        self._ports = ports
        super().__init__(
            {
                "port": In(memory_signature(spec)).array(ports),
                "axi": Out(Axi4(data_bits=spec.channel_bits)),
                "clear": In(1),
                "read_beats": Out(32),
                "written_beats": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        axi, ports = self.axi, [self.port[number] for number in range(self._ports)]
        size = self._spec.channel_bytes.bit_length() - 1
        for prefix in ("ar", "aw"):
            m.d.comb += [
                getattr(axi, prefix + "size").eq(size),
                getattr(axi, prefix + "burst").eq(BURST_INCR),
                getattr(axi, prefix + "cache").eq(_MODIFIABLE_BUFFERABLE),
            ]
        m.d.comb += [axi.rready.eq(1), axi.bready.eq(1)]

        # Where the data of the burst under way comes from, and how much is left.
        source = Signal(range(max(2, self._ports)))
        left = Signal(9)
        moves = Signal()

        # Beats asked for that have not come.
        under_way = Signal(range(self._spec.channel_window + (1 << len(axi.arlen))))

        grants = []
        for prefix, write in (("ar", 0), ("aw", 1)):
            valid, ready = getattr(axi, prefix + "valid"), getattr(axi, prefix + "ready")
            m.submodules[f"{prefix}_arbiter"] = arbiter = Arbiter(count=self._ports)
            chosen = Signal(request_layout(), name=f"{prefix}_chosen")
            grant = Signal(name=f"{prefix}_grant")
            free = ~valid | ready
            if write:
                free &= (left == 0) | ((left == 1) & moves)
            else:
                free &= under_way < self._spec.channel_window
            m.d.comb += [
                arbiter.requests.eq(Cat(port.request.valid & (port.request.payload.write == write) for port in ports)),
                arbiter.turns.eq(Cat(port.request.payload.turn for port in ports)),
                arbiter.priorities.eq(Cat(port.request.payload.priority for port in ports)),
                grant.eq(arbiter.any & free),
                arbiter.taken.eq(grant),
                chosen.eq(Array(port.request.payload.as_value() for port in ports)[arbiter.chosen]),
            ]
            with m.If(ready):
                m.d.sync += valid.eq(0)
            with m.If(grant):
                m.d.sync += [
                    valid.eq(1),
                    getattr(axi, prefix + "id").eq(arbiter.chosen),
                    getattr(axi, prefix + "addr").eq(chosen.address),
                    getattr(axi, prefix + "len").eq(chosen.beats),
                ]
            grants.append((arbiter, grant, chosen))
        (ar_arbiter, ar_grant, ar_chosen), (aw_arbiter, aw_grant, aw_chosen) = grants
        m.d.sync += under_way.eq(under_way + Mux(ar_grant, ar_chosen.beats + 1, 0) - axi.rvalid)

        for number, port in enumerate(ports):
            m.d.comb += [
                port.request.ready.eq(
                    (ar_grant & (ar_arbiter.chosen == number) & ~port.request.payload.write)
                    | (aw_grant & (aw_arbiter.chosen == number) & port.request.payload.write)
                ),
                port.write_data.ready.eq(moves & (source == number)),
            ]

        # Write data, in the order of bursts.
        m.d.comb += moves.eq(
            (left != 0) & (~axi.wvalid | axi.wready) & Array(port.write_data.valid for port in ports)[source]
        )
        with m.If(axi.wready):
            m.d.sync += axi.wvalid.eq(0)
        with m.If(moves):
            m.d.sync += [
                axi.wvalid.eq(1),
                axi.wdata.eq(Array(port.write_data.payload for port in ports)[source]),
                axi.wlast.eq(left == 1),
                left.eq(left - 1),
            ]
        m.d.comb += axi.wstrb.eq(~0)
        with m.If(aw_grant):
            m.d.sync += [source.eq(aw_arbiter.chosen), left.eq(aw_chosen.beats + 1)]

        # What comes back, a register later.
        data = Signal(self._spec.channel_bits)
        m.d.sync += data.eq(axi.rdata)
        for number, port in enumerate(ports):
            read, written = axi.rvalid & (axi.rid == number), axi.bvalid & (axi.bid == number)
            m.d.comb += port.read_data.payload.eq(data)
            m.d.sync += [
                port.read_data.valid.eq(read),
                port.written.eq(written),
                port.error.eq((read & axi.rresp[1]) | (written & axi.bresp[1])),
            ]

        m.d.sync += [
            self.read_beats.eq(self.read_beats + axi.rvalid),
            self.written_beats.eq(self.written_beats + (axi.wvalid & axi.wready)),
        ]
        with m.If(self.clear):
            m.d.sync += [self.read_beats.eq(0), self.written_beats.eq(0)]
        return m
