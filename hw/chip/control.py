"""The chip's registers, and what they set going."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.address_map import IMAGE_MAGIC, IMAGE_VERSION, HostRegister, Status
from weft.hw.agcu.ports import argument_signature
from weft.hw.spec import FabricSpec
from weft.hw.tile.config import GROUP, ConfigBus, bus_groups
from weft.hw.topology import TileKind, Topology

from .axi import AxiLite
from .host_port import HostPort
from .launcher import Launcher
from .loader import Loader, hash_words

__all__ = ["Control"]

_LAUNCH, _CLEAR, _BEGIN = 0, 1, 2  # bits of COMMAND


class Control(wiring.Component):
    """Everything of a chip but its fabric and its channels: registers: :class:`weft.hw.address_map.HostRegister`.

    Parameters
    ----------
    spec
        Of the fabric.

    Members
    -------
    host : In(AxiLite)
        The host.
    interrupt : Out(1)
        A launch has ended, well or not; cleared by the next one.
    bus : Out(ConfigBus(groups=bus_groups(spec)))
        Configuration words and counters; from registers.
    read_data : In(32)
        What the fabric answers to the bus; the host must ask no sooner than that.
    argument : Out
        Launch arguments, see :func:`weft.hw.agcu.ports.argument_signature`.
    context, launch, running : Out
        See :class:`weft.hw.chip.launcher.Launcher`.
    done, violation : In
        Of each AGCU.
    read_beats, written_beats : In(32).array(channels)
        Of each channel.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._spec = spec
        count = len(Topology(spec).of_kind(TileKind.AGCU))
        beats = data.ArrayLayout(unsigned(32), spec.channels)
        super().__init__(
            {
                "host": In(AxiLite()),
                "interrupt": Out(1),
                "bus": Out(ConfigBus(groups=bus_groups(spec))),
                "read_data": In(32),
                "argument": Out(argument_signature(spec)),
                "context": Out(range(max(2, spec.contexts))),
                "launch": Out(1),
                "running": Out(1),
                "done": In(count),
                "violation": In(count),
                "read_beats": In(beats),
                "written_beats": In(beats),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self._spec
        m.submodules.port = port = HostPort()
        m.submodules.loader = loader = Loader(spec=spec)
        m.submodules.launcher = launcher = Launcher(spec=spec)
        wiring.connect(m, manager=wiring.flipped(self.host), subordinate=port.axi)

        command = Signal()
        m.d.comb += [
            command.eq(port.write & (port.write_address == HostRegister.COMMAND)),
            loader.begin.eq(command & port.write_data[_BEGIN]),
            loader.valid.eq(port.write & (port.write_address == HostRegister.IMAGE)),
            loader.word.eq(port.write_data),
            loader.locked.eq(launcher.busy),
            loader.locked_context.eq(launcher.context),
            launcher.command.eq(command & port.write_data[_LAUNCH]),
            launcher.command_context.eq(port.write_data[8:16]),
            launcher.contexts.eq(loader.contexts),
            launcher.done.eq(self.done),
            launcher.violation.eq(self.violation),
            *(valid.eq(loader.write & (loader.address[8:24] // GROUP == n)) for n, valid in enumerate(self.bus.valid)),
            self.bus.payload.address.eq(loader.address),
            self.bus.payload.data.eq(loader.data),
            self.context.eq(launcher.context),
            self.launch.eq(launcher.launch),
            self.running.eq(launcher.running),
            self.interrupt.eq(launcher.finished),
        ]
        asks = port.write & (port.write_address == HostRegister.READ_ADDRESS)
        m.d.sync += [self.bus.clear.eq(command & port.write_data[_CLEAR]), self.bus.read.eq(asks)]
        with m.If(asks):
            m.d.sync += self.bus.read_address.eq(port.write_data)

        index = (port.write_address - HostRegister.ARGUMENT)[2:]
        is_argument = (port.write_address >= HostRegister.ARGUMENT) & (index <= spec.arguments)
        m.d.sync += [
            self.argument.valid.eq(port.write & is_argument),
            self.argument.index.eq(index),
            self.argument.data.eq(port.write_data),
        ]

        status = {
            Status.BUSY: launcher.busy,
            Status.DONE: launcher.finished,
            Status.FAILED: launcher.failed,
            Status.IMAGE_REFUSED: loader.refused,
        }
        low, high = hash_words(spec)
        registers = {
            HostRegister.ID: IMAGE_MAGIC,
            HostRegister.VERSION: IMAGE_VERSION,
            HostRegister.HASH_LOW: low,
            HostRegister.HASH_HIGH: high,
            HostRegister.STATUS: Cat(status[bit] for bit in Status),
            HostRegister.CYCLES: launcher.cycles,
            HostRegister.READ_ADDRESS: self.bus.read_address,
            HostRegister.READ_DATA: self.read_data,
            HostRegister.VIOLATION: launcher.violator,
        }
        for channel in range(spec.channels):
            registers[HostRegister.CHANNEL_BEATS + 8 * channel] = self.read_beats[channel]
            registers[HostRegister.CHANNEL_BEATS + 8 * channel + 4] = self.written_beats[channel]
        with m.Switch(port.read_address):
            for address, value in registers.items():
                with m.Case(int(address)):
                    m.d.comb += port.read_data.eq(value)
        return m
