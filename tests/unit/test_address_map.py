"""The address map: words of tiles do not overlap, and what has no room is refused."""

import pytest

from weft.hw.address_map import AddressMap, Counter, HostRegister
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec, SpecError
from weft.hw.topology import TileKind, Topology


@pytest.fixture(params=PRESETS.values(), ids=list(PRESETS))
def spec(request: pytest.FixtureRequest) -> FabricSpec:
    return request.param


def test_every_word_has_an_address_of_its_own(spec: FabricSpec) -> None:
    addresses, topology = AddressMap(spec), Topology(spec)
    seen = {
        addresses.address(context, topology.number(tile), word)
        for context in range(spec.contexts)
        for tile, kind in topology.tiles.items()
        for word in range(addresses.words(kind))
    }
    words = sum(addresses.words(kind) for kind in topology.tiles.values())
    assert len(seen) == spec.contexts * words
    assert all(0 <= address < 1 << 32 for address in seen)


def test_words_of_a_tile_are_those_of_unit_and_switch(spec: FabricSpec) -> None:
    addresses = AddressMap(spec)
    for kind in TileKind:
        unit, switch = addresses.unit(kind), addresses.switch(kind)
        assert addresses.words(kind) == unit.words + switch.words <= 256
        assert unit.words == (unit.bits + 31) // 32
    total = sum(
        len(Topology(spec).of_kind(kind)) * (addresses.unit(kind).bits + addresses.switch(kind).bits)
        for kind in TileKind
    )
    assert addresses.bits == total


def test_an_address_is_context_tile_word() -> None:
    assert AddressMap.address(2, 0x1234, 0x56) == 0x02123456


def test_the_largest_tile_still_fits() -> None:
    AddressMap(FabricSpec.make(rows=64, columns=64, stages=8, scalar_inputs=8, vector_inputs=4, vector_tracks=8,
                               scalar_tracks=8, control_tracks=8, stop_ranks=15))  # fmt: skip


def test_registers_of_the_host_do_not_overlap() -> None:
    registers = sorted(HostRegister)
    assert len(registers) == len(HostRegister.__members__)
    assert all(register % 4 == 0 for register in registers)
    assert HostRegister.CHANNEL_BEATS + 8 * 32 <= HostRegister.ARGUMENT
    assert max(r for r in registers if r < HostRegister.CHANNEL_BEATS) + 4 <= HostRegister.CHANNEL_BEATS
    assert sorted(Counter) == list(range(len(Counter)))


def test_a_tile_with_too_many_words_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No spec within its ranges is that large: the rule is tried on a layout that pretends to be."""
    monkeypatch.setattr("weft.hw.fields.Layout.__init__", _large_layout)
    with pytest.raises(SpecError, match="configuration of a pcu tile must fit 256 words, not 400; use fewer stages"):
        AddressMap(PRESETS["tiny"])


def _large_layout(self: object, program: type, spec: FabricSpec) -> None:
    self.__dict__.update(program=program, spec=spec, places=(), bits=6400, words=200)
