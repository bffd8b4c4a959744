"""Configuration fields come back from their words as they were, on every fabric."""

import dataclasses
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.hw.fields import SIGNED_FIELDS, Layout, bits, rows
from weft.hw.presets import PRESETS
from weft.hw.program import Agcu, AgcuLevel, Pcu, Pmu, PmuLevel, Stage, switch_program
from weft.hw.spec import ADDRESS_BITS, FabricSpec
from weft.hw.topology import TileKind

PROGRAMS = [Pcu, Pmu, Agcu]
TINY = PRESETS["tiny"]


class Colour(IntEnum):
    RED = 0
    BLUE = 2


@dataclasses.dataclass(frozen=True)
class Row:
    stride: int = bits(5, "signed")
    colour: Colour = bits(2, "an enumeration", Colour.RED, kind=Colour)


@dataclasses.dataclass(frozen=True)
class Small:
    first: int = bits(3, "at bit 0")
    lines: tuple[Row, ...] = rows(Row, lambda spec: spec.stages, "a row a stage")
    wide: int = bits(32, "crosses a word")
    flag: bool = bits(1, "last", False, kind=bool)


def values(program: type[Any], spec: FabricSpec) -> st.SearchStrategy[Any]:
    """Programs whose every field is anything that fits, complete rows."""
    strategies: dict[str, st.SearchStrategy[Any]] = {}
    for field in dataclasses.fields(program):
        meta = field.metadata

        def resolve(width: Any) -> int:
            return width if isinstance(width, int) else width(spec)

        if "rows" in meta:
            count = resolve(meta["count"])
            strategies[field.name] = st.tuples(*[values(meta["rows"], spec)] * count)
        elif meta["kind"] is bool:
            strategies[field.name] = st.booleans()
        elif meta["kind"] is int:
            width = resolve(meta["width"])
            signed = field.name in SIGNED_FIELDS
            low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
            grain = resolve(meta["grain"])
            strategies[field.name] = st.integers(low, high).map(lambda number, grain=grain: number * grain)
        else:
            strategies[field.name] = st.sampled_from(list(meta["kind"]))
    return st.builds(program, **strategies)


@pytest.mark.parametrize("spec", PRESETS.values(), ids=list(PRESETS))
@pytest.mark.parametrize("program", PROGRAMS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_program_comes_back_from_its_words(program: type[Any], spec: FabricSpec, data: st.DataObject) -> None:
    layout = Layout(program, spec)
    value = data.draw(values(program, spec))
    words = layout.pack(value)
    assert len(words) == layout.words
    assert all(0 <= word < 1 << 32 for word in words)
    again = layout.unpack(words)
    assert again == value
    for field in dataclasses.fields(again):
        assert type(getattr(again, field.name)) is type(getattr(value, field.name))


@pytest.mark.parametrize("kind", TileKind)
@given(data=st.data())
def test_switch_settings_come_back(kind: TileKind, data: st.DataObject) -> None:
    program = switch_program(TINY, kind)
    value = data.draw(values(program, TINY))
    layout = Layout(program, TINY)
    assert layout.unpack(layout.pack(value)) == value


def test_fields_follow_each_other_without_gaps() -> None:
    layout = Layout(Small, TINY)
    assert [(place.path, place.offset, place.width) for place in layout.places] == [
        ("first", 0, 3),
        ("lines.0.stride", 3, 5),
        ("lines.0.colour", 8, 2),
        ("lines.1.stride", 10, 5),
        ("lines.1.colour", 15, 2),
        ("wide", 17, 32),
        ("flag", 49, 1),
    ]
    assert (layout.bits, layout.words) == (50, 2)
    for program in PROGRAMS:
        end = 0
        for place in Layout(program, PRESETS["demo"]).places:
            assert place.offset == end
            end += place.width


def test_bits_lie_where_the_layout_says() -> None:
    program = Small(first=5, lines=(Row(-1), Row(3, Colour.BLUE)), wide=0x80000001, flag=True)
    total = 5 | 31 << 3 | 3 << 10 | 2 << 15 | 0x80000001 << 17 | 1 << 49
    assert Layout(Small, TINY).pack(program) == [total & 0xFFFFFFFF, total >> 32]


def test_missing_rows_are_their_defaults() -> None:
    short = Small(lines=(Row(-16),))
    layout = Layout(Small, TINY)
    assert layout.pack(short) == layout.pack(Small(lines=(Row(-16), Row())))
    assert layout.unpack(layout.pack(short)).lines == (Row(-16), Row())


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        (Small(first=8), "first must fit 3 bits, not 8"),
        (Small(first=-5), "first must fit 3 bits, not -5"),
        (Small(first=-1), "first must fit 3 bits, not -1"),
        (Small(lines=(Row(), Row(16))), "lines.1.stride must fit 5 bits, not 16"),
        (Small(lines=(Row(), Row(-17))), "lines.1.stride must fit 5 bits, not -17"),
        (Small(lines=(Row(),) * 3), "lines must have at most 2 entries on this fabric, not 3"),
        (Small(wide=1 << 32), "wide must fit 32 bits, not 4294967296"),
    ],
)
def test_what_does_not_fit_is_refused(program: Small, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        Layout(Small, TINY).pack(program)


def test_a_field_with_a_grain_holds_which_multiple_of_it() -> None:
    layout = Layout(Agcu, TINY)
    base = next(place for place in layout.places if place.path == "base")
    assert (base.width, base.grain) == (ADDRESS_BITS - 4, TINY.beat_bytes)
    last = (1 << ADDRESS_BITS) - TINY.beat_bytes
    assert layout.unpack(layout.pack(Agcu(base=last, segment_size=1 << ADDRESS_BITS))).base == last
    with pytest.raises(ValueError, match=r"^base must be a multiple of 16, not 72$"):
        layout.pack(Agcu(base=72))
    with pytest.raises(ValueError, match=r"^base must fit 36 bits, not 1099511627776$"):
        layout.pack(Agcu(base=1 << ADDRESS_BITS))


def test_an_unknown_value_of_an_enumeration_is_refused() -> None:
    with pytest.raises(ValueError, match="1 is not a valid Colour"):
        Layout(Small, TINY).unpack([1 << 8, 0])


def test_widths_follow_the_spec() -> None:
    def width(program: type[Any], path: str, spec: FabricSpec) -> int:
        return next(place.width for place in Layout(program, spec).places if place.path == path)

    for spec in PRESETS.values():
        assert 1 << width(Pcu, "acc_rank", spec) > spec.stop_ranks
        assert 1 << width(Pmu, "block_lines", spec) > spec.pmu_words
        assert 1 << width(Agcu, "arg_a", spec) > spec.arguments
        assert 1 << width(Pcu, "drain_stages", spec) > spec.stages
        Layout(Pmu, spec).pack(Pmu(block_lines=spec.pmu_words, levels=(PmuLevel(stride=-spec.pmu_words),)))
        Layout(Agcu, spec).pack(Agcu(levels=(AgcuLevel(stride=-(1 << ADDRESS_BITS - 1)),)))
        Layout(Pcu, spec).pack(Pcu(stages=(Stage(const=0xFFFFFFFF),)))
