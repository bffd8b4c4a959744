"""The pattern memory unit."""

from __future__ import annotations

from amaranth.hdl import Assert, Cat, ClockSignal, Const, Format, Instance, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from weft.hw.program import Port, Trigger
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_layout
from weft.hw.stream.connect import connect_streams
from weft.hw.stream.monitor import watch_stream
from weft.hw.stream.queue import Queue
from weft.hw.tile.unit import unit_members
from weft.hw.topology import Network, TileKind

from .block import BlockQueue
from .nest import Nest
from .read import ReadSide
from .scratchpad import Scratchpad
from .trigger import RunStart
from .write import WriteSide

__all__ = ["Pmu"]


class Pmu(wiring.Component):
    """Keeps blocks of a stream in a ring of buffers and reads them in another order, see :mod:`weft.hw.program.pmu`.

    One write and one read beat a cycle at once, also with blocks of one beat and from one run to the next. A block's
    first beat leaves 6 cycles after the block's last one came, or 4 after its trigger. A beat that fills a buffer is
    followed by the next one of the same buffer 4 cycles later at the earliest, so a FIFO of single beats needs 4
    ``blocks`` for the full rate. All outputs come from registers or a queue: there is no combinational path from an
    input stream.

    Buffers are counted, not addressed, between the two sides: a block that has ended is a token in
    :class:`weft.hw.pmu.block.BlockQueue`, and the last read of it is the credit for another (Plasticine, ISCA 2017).
    Both sides go round the whole scratchpad, whose size is a power of two, a buffer at a time: with no more than
    ``blocks`` buffers in use no line is used twice, so neither side has to know where the ring ends.

    Parameters
    ----------
    spec
        Of the fabric.
    checks
        Assert in simulation that streams keep their protocol and blocks fit their buffers.
    tap
        Report every beat taken by the write side to the simulation's ``weft_tap``.

    Members
    -------
    program, launch, vector_in, ... : see :func:`weft.hw.tile.unit.unit_members`
        ``launch`` only makes the count of blocks begin anew: what the unit holds stays for the next launch. No run may
        be under way when ``read``, ``transposed`` or ``levels`` change, and no block begun when those of the write side
        do. ``busy``, ``starved``, ``blocked`` and ``waits`` are a cycle late.
    tile_id : In(16)
        Only with ``tap``: the number to report under.
    """

    def __init__(self, *, spec: FabricSpec, checks: bool = False, tap: bool = False) -> None:
        self._spec = spec
        self._checks = checks
        self._tap = tap
        super().__init__({**unit_members(spec, TileKind.PMU), **({"tile_id": In(16)} if tap else {})})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, program = self._spec, self.program

        def input_queue(network: Network) -> Queue:
            return Queue(layout=beat_layout(spec, network), depth=spec.fifo_depth)

        m.submodules.vector_queue = vector = input_queue(Network.VECTOR)
        m.submodules.scalar_queue = scalar = input_queue(Network.SCALAR)
        m.submodules.address_queue = address = input_queue(Network.SCALAR)
        m.submodules.control_queue = control = input_queue(Network.CONTROL)
        m.submodules.token_queue = token = Queue(layout=beat_layout(spec, Network.CONTROL), depth=2)
        m.submodules.scratchpad = scratchpad = Scratchpad(spec=spec)
        m.submodules.write_side = write_side = WriteSide(spec=spec, checks=self._checks)
        m.submodules.blocks = blocks = BlockQueue(spec=spec)
        m.submodules.run_start = run_start = RunStart(spec=spec)
        m.submodules.nest = nest = Nest(spec=spec)
        m.submodules.read_side = read_side = ReadSide(spec=spec, checks=self._checks)

        for producer, consumer in (
            (self.vector_in[0], vector.i),
            (self.scalar_in[0], scalar.i),
            (self.scalar_in[1], address.i),
            (self.control_in[0], control.i),
            (vector.o, write_side.vector),
            (scalar.o, write_side.scalar),
            (blocks.o, run_start.block),
            (control.o, run_start.control),
            (address.o, run_start.address),
            (run_start.run, nest.run),
            (run_start.token, token.i),
            (nest.item, read_side.item),
            (read_side.vector, self.vector_out[0]),
            (read_side.scalar, self.scalar_out[0]),
            (token.o, self.control_out[0]),
        ):
            connect_streams(m, producer=producer, consumer=consumer)

        # Buffers that are filled and not yet read for the last time.
        resident = Signal.like(program.blocks)
        given_back = Signal()
        m.d.comb += given_back.eq(nest.item.valid & nest.item.ready & nest.item.payload.frees)
        m.d.sync += resident.eq(resident + write_side.block.valid - given_back)

        m.d.comb += [
            write_side.program.eq(program),
            write_side.launch.eq(self.launch),
            write_side.free.eq(resident < program.blocks),
            blocks.i.valid.eq(write_side.block.valid),
            blocks.i.payload.eq(write_side.block.payload),
            run_start.program.eq(program),
            nest.levels.eq(program.levels),
            read_side.port.eq(program.read),
            read_side.transposed.eq(program.transposed),
            read_side.read_data.eq(scratchpad.read_data),
            scratchpad.write_line.eq(write_side.write_line),
            scratchpad.write_data.eq(write_side.write_data),
            scratchpad.write_lanes.eq(write_side.write_lanes),
            scratchpad.read.eq(read_side.read),
            scratchpad.read_line.eq(read_side.read_line),
            scratchpad.read_word.eq(read_side.read_word),
            scratchpad.read_across.eq(read_side.read_across),
        ]

        # What it tells of itself.
        works, no_room, active = Signal(), Signal(), Signal()
        lacks_vector, lacks_scalar, lacks_token_room = Signal(), Signal(), Signal()
        m.d.comb += [
            works.eq(write_side.taken | read_side.item.ready & read_side.item.valid),
            lacks_vector.eq((program.write == Port.VECTOR.value) & write_side.free & ~vector.o.valid),
            lacks_scalar.eq((program.write == Port.SCALAR.value) & write_side.free & ~scalar.o.valid),
            lacks_token_room.eq(program.control_out & ~token.i.ready),
            no_room.eq((nest.item.valid & read_side.full) | (blocks.o.valid & lacks_token_room)),
            active.eq((program.write != Port.OFF.value) | (program.read != Port.OFF.value)),
        ]
        by_scalar = Signal()
        m.d.comb += by_scalar.eq((program.trigger == Trigger.ADDRESS.value) | (program.trigger == Trigger.LENGTH.value))
        waits_for = Cat(
            lacks_vector,
            lacks_scalar,
            run_start.lacks_trigger & by_scalar,
            run_start.lacks_trigger & ~by_scalar,
        )
        waits_to = Cat(
            read_side.full & (program.read == Port.VECTOR.value),
            read_side.full & (program.read == Port.SCALAR.value),
            lacks_token_room,
        )
        m.d.sync += [
            self.busy.eq(works),
            self.blocked.eq(~works & no_room),
            self.starved.eq(~works & ~no_room & active),
            self.waits.eq(Mux(active, Cat(waits_for, Const(0, 12), waits_to), 0)),
        ]

        if self._tap:
            is_scalar = program.write == Port.SCALAR.value
            beat = {
                name: Mux(is_scalar, Value.cast(scalar.o.payload[name]), Value.cast(vector.o.payload[name]))
                for name in ("data", "stop", "void")
            }
            m.submodules.tap = Instance(
                "weft_tap",
                p_LANES=spec.lanes,
                i_clk=ClockSignal(),
                i_enable=write_side.taken,
                i_tile=self.tile_id,
                i_data=beat["data"],
                i_stop=Cat(beat["stop"], Const(0, 8 - spec.stop_bits)),
                i_void=beat["void"],
            )
        if self._checks:
            watch_stream(m, self.vector_out[0], label="vector_out")
            watch_stream(m, self.scalar_out[0], label="scalar_out")
            watch_stream(m, self.control_out[0], label="control_out")
            with m.If(blocks.i.valid):
                m.d.sync += Assert(blocks.i.ready, Format("a block finds no room among the blocks"))
        return m
