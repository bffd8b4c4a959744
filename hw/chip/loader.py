"""Takes images in: checks them, and writes what they hold on the configuration bus."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.address_map import HEADER_WORDS, IMAGE_MAGIC, IMAGE_VERSION
from weft.hw.spec import FabricSpec

from .crc import CRC_INITIAL, next_crc

__all__ = ["Loader", "hash_words"]

_MAGIC, _VERSION, _HASH_LOW, _HASH_HIGH, _CONTEXT, _RECORDS, _CRC = range(7)
_CONTEXT_SHIFT = 24


def hash_words(spec: FabricSpec) -> tuple[int, int]:
    """The fabric's hash as an image carries it: low word, high word."""
    number = int(spec.hash, 16)
    return number & 0xFFFF_FFFF, number >> 32


class _State(enum.Enum, shape=2):
    IDLE = 0
    HEADER = 1
    ADDRESS = 2
    WORD = 3


class Loader(wiring.Component):
    """Reads an image word by word, as :data:`weft.hw.address_map.HEADER_WORDS` describes it. A word every cycle.

    A record is on the bus one cycle after its second word. A context is invalid from the end of a good header until the
    CRC over the whole image has proved right. An image with a wrong header writes nothing.

    Parameters
    ----------
    spec
        Whose hash an image must carry.

    Members
    -------
    begin : In(1)
        The next word is the first of an image.
    valid, word : In
        The next word.
    locked, locked_context : In
        A context that must not be loaded now, because it runs.
    write, address, data : Out
        The configuration bus; the header's context replaces the one of the record.
    contexts : Out
        Which contexts hold a good image.
    refused : Out(1)
        The image begun last was refused.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._spec = spec
        super().__init__(
            {
                "begin": In(1),
                "valid": In(1),
                "word": In(32),
                "locked": In(1),
                "locked_context": In(range(max(2, spec.contexts))),
                "write": Out(1),
                "address": Out(32),
                "data": Out(32),
                "contexts": Out(spec.contexts),
                "refused": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        state = Signal(_State)
        number = Signal(range(HEADER_WORDS))
        context = Signal(8)
        records = Signal(32)
        crc, expected_crc = Signal(32), Signal(32)
        following_crc = next_crc(crc, self.word)

        low, high = hash_words(self._spec)
        wanted = {_MAGIC: IMAGE_MAGIC, _VERSION: IMAGE_VERSION, _HASH_LOW: low, _HASH_HIGH: high}
        refuse, ends = Signal(), Signal()
        m.d.sync += self.write.eq(0)
        with m.If(self.valid & (state != _State.IDLE)):
            with m.If(~((state == _State.HEADER) & (number == _CRC))):
                m.d.sync += crc.eq(following_crc)

            with m.Switch(state):
                with m.Case(_State.HEADER):
                    m.d.sync += number.eq(number + 1)
                    with m.Switch(number):
                        for place, value in wanted.items():
                            with m.Case(place):
                                m.d.comb += refuse.eq(self.word != value)
                        with m.Case(_CONTEXT):
                            m.d.comb += refuse.eq(self.word >= self._spec.contexts)
                            m.d.sync += context.eq(self.word)
                        with m.Case(_RECORDS):
                            m.d.sync += records.eq(self.word)
                        with m.Case(_CRC):
                            m.d.sync += expected_crc.eq(self.word)
                        with m.Default():
                            m.d.comb += refuse.eq(self.locked & (context == self.locked_context))
                            with m.If(~refuse):
                                m.d.sync += self.contexts.bit_select(context, 1).eq(0)
                                m.d.comb += ends.eq(records == 0)
                            m.d.sync += state.eq(_State.ADDRESS)
                with m.Case(_State.ADDRESS):
                    m.d.sync += [
                        self.address.eq(Cat(self.word[:_CONTEXT_SHIFT], context)),
                        records.eq(records - 1),
                        state.eq(_State.WORD),
                    ]
                with m.Case(_State.WORD):
                    m.d.comb += ends.eq(records == 0)
                    m.d.sync += [self.write.eq(1), self.data.eq(self.word), state.eq(_State.ADDRESS)]

        with m.If(ends):
            m.d.sync += state.eq(_State.IDLE)
            with m.If(following_crc == ~expected_crc):
                m.d.sync += self.contexts.bit_select(context, 1).eq(1)
            with m.Else():
                m.d.sync += self.refused.eq(1)
        with m.If(refuse):
            m.d.sync += [state.eq(_State.IDLE), self.refused.eq(1)]
        with m.If(self.begin):
            m.d.sync += [
                state.eq(_State.HEADER),
                number.eq(0),
                crc.eq(Const(CRC_INITIAL, 32)),
                self.refused.eq(0),
            ]
        return m
