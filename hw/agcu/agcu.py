"""The address generation and coalescing unit."""

from __future__ import annotations

from amaranth.hdl import Assert, Cat, ClockSignal, Const, Format, Instance, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from weft.hw.program import AgcuKind
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_layout
from weft.hw.stream.connect import connect_streams
from weft.hw.stream.monitor import watch_stream
from weft.hw.stream.queue import Queue
from weft.hw.tile.unit import unit_members
from weft.hw.topology import Network, TileKind

from .buffer import Buffer
from .coalescer import Coalescer
from .jobs import Jobs
from .nest import Nest
from .ports import agcu_members
from .segment import SegmentCheck
from .sequencer import Sequencer
from .store_input import StoreInput
from .width import Narrow, Widen

__all__ = ["Agcu"]


class Agcu(wiring.Component):
    """Loads streams from memory, stores streams to memory, or sinks them, as :mod:`weft.hw.program.agcu` says.

    One channel beat a cycle is sustained both ways: the nest makes the address of a vector beat every cycle,
    neighbours become bursts (:class:`weft.hw.agcu.coalescer.Coalescer`), and as many bursts are under way as the buffer
    has room for. The first request of a load leaves ``agcu_levels + 10`` cycles after ``launch``, one later with
    rounds; a vector beat leaves three cycles after its last channel beat came. All outputs come from registers:
    there is no combinational path from an input.

    The buffer of ``agcu_buffer`` vector beats lies behind memory for a load, before it for a store. The order in which
    addresses were made is kept beside it (``order``), with the stops, so that refused and void beats find their place.

    Parameters
    ----------
    spec
        Of the fabric.
    checks
        Assert in simulation that the buffer always has the room that was reserved.
    tap
        Report every beat taken from the vector input to the simulation's ``weft_tap``.

    Members
    -------
    program, launch, vector_in, ... : see :func:`weft.hw.tile.unit.unit_members`
        ``waits`` has two bits more: 3, memory has not answered; 19, a request is not taken.
    memory, argument, done, violation : see :func:`weft.hw.agcu.ports.agcu_members`
    tile_id : In(16)
        Only with ``tap``: the number to report under.
    """

    def __init__(self, *, spec: FabricSpec, checks: bool = False, tap: bool = False) -> None:
        self._spec = spec
        self._checks = checks
        self._tap = tap
        tap_members = {"tile_id": In(16)} if tap else {}
        super().__init__({**unit_members(spec, TileKind.AGCU), **agcu_members(spec), **tap_members})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, program = self._spec, self.program
        vector_bits = 32 * spec.lanes
        vector_out, memory = self.vector_out[0], self.memory

        m.submodules.sequencer = sequencer = Sequencer(spec=spec)
        m.submodules.jobs = jobs = Jobs(spec=spec)
        m.submodules.nest = nest = Nest(spec=spec)
        m.submodules.segment = segment = SegmentCheck(spec=spec)
        m.submodules.store_input = store_input = StoreInput(spec=spec)
        m.submodules.coalescer = coalescer = Coalescer(spec=spec)
        m.submodules.widen = widen = Widen(narrow=spec.channel_bits, wide=vector_bits)
        m.submodules.narrow = narrow = Narrow(wide=vector_bits, narrow=spec.channel_bits)
        m.submodules.buffer = buffer = Buffer(layout=unsigned(vector_bits), depth=spec.agcu_buffer)
        order_layout = data.StructLayout({"stop": unsigned(spec.stop_bits), "void": unsigned(1), "skip": unsigned(1)})
        m.submodules.order = order = Queue(layout=order_layout, depth=spec.agcu_buffer)
        inputs = {network: Queue(layout=beat_layout(spec, network), depth=spec.fifo_depth) for network in Network}
        for network, queue in inputs.items():
            m.submodules[f"{network.value}_queue"] = queue
            connect_streams(m, producer=getattr(self, f"{network.value}_in")[0], consumer=queue.i)

        connect_streams(m, producer=inputs[Network.CONTROL].o, consumer=sequencer.token)
        connect_streams(m, producer=inputs[Network.SCALAR].o, consumer=jobs.index)
        connect_streams(m, producer=inputs[Network.VECTOR].o, consumer=store_input.beat)
        connect_streams(m, producer=sequencer.emitted, consumer=self.scalar_out[0])
        connect_streams(m, producer=sequencer.done_token, consumer=self.control_out[0])
        connect_streams(m, producer=jobs.job, consumer=nest.job)
        connect_streams(m, producer=nest.item, consumer=segment.item)
        connect_streams(m, producer=coalescer.request, consumer=memory.request)
        connect_streams(m, producer=narrow.narrow, consumer=memory.write_data)
        connect_streams(m, producer=memory.read_data, consumer=widen.narrow)

        load, store = Signal(), Signal()
        running, working, admitted = Signal(), Signal(), Signal()
        m.d.comb += [
            load.eq(program.kind == AgcuKind.LOAD.value),
            store.eq(program.kind == AgcuKind.STORE.value),
            running.eq(sequencer.running),
            working.eq(~sequencer.idle),
            sequencer.program.eq(program),
            sequencer.launch.eq(self.launch),
            sequencer.argument.valid.eq(self.argument.valid),
            sequencer.argument.index.eq(self.argument.index),
            sequencer.argument.data.eq(self.argument.data),
            jobs.program.eq(program),
            jobs.base.eq(sequencer.base),
            jobs.begin.eq(sequencer.begin),
            jobs.running.eq(running),
            jobs.empty.eq(nest.empty),
            nest.program.eq(program),
            nest.bounds.eq(sequencer.bounds),
            nest.clear.eq(~running | store_input.ended),
            segment.base.eq(program.segment_base),
            segment.size.eq(program.segment_size),
            segment.clear.eq(nest.clear),
            segment.checked.ready.eq(admitted),
            store_input.program.eq(program),
            store_input.begin.eq(sequencer.begin),
            store_input.running.eq(running),
        ]

        # Admission: the access into the coalescer, a load's stop into the order, a store's data into the buffer.
        words, checked = store_input.words, segment.checked.payload
        skip, addresses_are_over = Signal(), Signal()
        m.d.comb += [
            skip.eq(checked.refused | checked.void),
            coalescer.access.valid.eq(segment.checked.valid & Mux(store, words.valid & buffer.i.ready, order.i.ready)),
            coalescer.access.payload.address.eq(checked.address),
            coalescer.access.payload.skip.eq(skip),
            coalescer.write.eq(store),
            coalescer.turn.eq(sequencer.turns_over),
            coalescer.priority.eq(program.priority),
            coalescer.finish.eq(store_input.ended),
            admitted.eq(coalescer.access.valid & coalescer.access.ready),
            addresses_are_over.eq(jobs.over & ~nest.item.valid & ~segment.checked.valid),
            words.ready.eq(store & (admitted | addresses_are_over)),
            order.i.valid.eq(admitted & load),
            order.i.payload.stop.eq(checked.stop),
            order.i.payload.void.eq(checked.void),
            order.i.payload.skip.eq(skip),
            widen.wide.ready.eq(1),
            buffer.i.valid.eq(Mux(store, admitted & ~skip, widen.wide.valid)),
            buffer.i.payload.eq(Mux(store, words.payload, widen.wide.payload)),
        ]

        # A load's beats leave in the order of their addresses; a store's go to the channel.
        sends = Signal()
        m.d.comb += [
            sends.eq(order.o.valid & (order.o.payload.skip | buffer.o.valid) & (~vector_out.valid | vector_out.ready)),
            order.o.ready.eq(sends),
            narrow.wide.valid.eq(buffer.o.valid & store),
            narrow.wide.payload.eq(buffer.o.payload),
            buffer.o.ready.eq(Mux(store, narrow.wide.ready, sends & ~order.o.payload.skip)),
            coalescer.freed.eq(Mux(store, buffer.o.valid & narrow.wide.ready, sends)),
        ]
        with m.If(vector_out.ready):
            m.d.sync += vector_out.valid.eq(0)
        with m.If(sends):
            m.d.sync += [
                vector_out.valid.eq(1),
                vector_out.payload.data.eq(Mux(order.o.payload.skip, Const(0), buffer.o.payload)),
                vector_out.payload.stop.eq(order.o.payload.stop),
                vector_out.payload.void.eq(order.o.payload.void),
            ]

        # Write bursts that memory has not acknowledged.
        unwritten = Signal(16)
        m.d.sync += unwritten.eq(unwritten + (coalescer.issued & store) - memory.written)

        load_is_over = addresses_are_over & ~coalescer.used.any() & ~vector_out.valid
        store_is_over = store_input.ended & ~coalescer.opened & ~unwritten.any() & (~program.indexed | jobs.over)
        m.d.comb += [
            sequencer.finished.eq(Mux(load, load_is_over, Mux(store, store_is_over, store_input.ended))),
            self.done.eq(sequencer.idle),
        ]
        with m.If(self.launch):
            m.d.sync += self.violation.eq(0)
        with m.Elif((admitted & checked.refused) | (memory.error & working)):
            m.d.sync += self.violation.eq(1)

        self._observe(m, sequencer, jobs, store_input, coalescer, unwritten.any(), load, working)
        if self._checks:
            for name, stream in (("vector_out", vector_out), ("request", memory.request), ("words", words)):
                watch_stream(m, stream, label=f"agcu {name}")
            with m.If(widen.wide.valid):
                m.d.sync += Assert(load & buffer.i.ready, Format("data from memory found no room in the buffer"))
        if self._tap:
            beat = store_input.beat.payload
            m.submodules.tap = Instance(
                "weft_tap",
                p_LANES=spec.lanes,
                i_clk=ClockSignal(),
                i_enable=store_input.taken,
                i_tile=self.tile_id,
                i_data=beat.data,
                i_stop=Cat(beat.stop, Const(0, 8 - len(beat.stop))),
                i_void=beat.void,
            )
        return m

    def _observe(
        self,
        m: Module,
        sequencer: Sequencer,
        jobs: Jobs,
        store_input: StoreInput,
        coalescer: Coalescer,
        unwritten: object,
        load: Signal,
        working: Signal,
    ) -> None:
        """What the unit tells of itself, a cycle late."""
        out = self.vector_out[0]
        memory_owes = (load & coalescer.used.any() & ~out.valid) | unwritten
        sends = out.valid & out.ready
        offered = store_input.beat.valid & ~store_input.taken
        m.d.sync += [
            self.busy.eq(working & (sends | store_input.taken)),
            self.blocked.eq(working & Mux(load, out.valid & ~out.ready, offered & ~store_input.ended)),
            self.starved.eq(working & Mux(load, ~out.valid, ~store_input.beat.valid)),
        ]
        inputs = Cat(store_input.starving, jobs.starving, sequencer.waiting & ~sequencer.token.valid, memory_owes)
        streams = (out, self.scalar_out[0], self.control_out[0], self.memory.request)
        outputs = Cat(each.valid & ~each.ready for each in streams)
        m.d.sync += self.waits.eq(Mux(working, Cat(inputs, Const(0, 12), outputs), 0))
