"""Images come back as they were written, and nothing else is accepted."""

import dataclasses
import struct
import zlib
from random import Random

import pytest
from netlists import random_netlist

from weft.compiler.backend.fit import fit
from weft.compiler.backend.image import ImageError, describe, read_image, write_image
from weft.compiler.backend.mapping import Mapping
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.hw.address_map import IMAGE_VERSION, AddressMap
from weft.hw.numerics.ops import Op, Reduction, Special
from weft.hw.presets import PRESETS
from weft.hw.program import Accumulate, Input, InputMode, Pcu, Pmu, PmuLevel, Port, Source, Stage, Trigger, WriteLevel
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, TileKind, Topology

TINY, DEMO = PRESETS["tiny"], PRESETS["demo"]


@pytest.fixture(scope="module")
def tiny() -> tuple[Mapping, bytes]:
    mapping = fit(random_netlist(2, TINY, fill=1.0), TINY)
    return mapping, write_image(mapping, 1, spec=TINY)


def forged(data: bytes, changes: dict[int, int]) -> bytes:
    """The image with some words changed and a CRC that is right again."""
    words = list(struct.unpack(f"<{len(data) // 4}I", data))
    for index, word in changes.items():
        words[index] = word
    packed = [struct.pack("<I", word) for word in words]
    packed[6] = struct.pack("<I", zlib.crc32(b"".join(packed[:6] + packed[7:])))
    return b"".join(packed)


@pytest.mark.parametrize("spec", [TINY, DEMO, PRESETS["plasticine"]], ids=lambda spec: spec.name)
@pytest.mark.parametrize("seed", range(2))
def test_an_image_read_is_the_mapping_written(spec: FabricSpec, seed: int) -> None:
    mapping = fit(random_netlist(seed, spec), spec)
    data = write_image(mapping, seed, spec=spec)
    decoded = read_image(data, spec)
    assert decoded.context == seed
    assert decoded.switches == {
        tile: type(decoded.switches[tile])(**vars(switch)) for tile, switch in mapping.switches.items()
    }
    assert set(decoded.programs) == set(mapping.tiles.values())
    names = {name: f"{mapping.netlist.units[name].kind.value}({t.row},{t.column})" for name, t in mapping.tiles.items()}

    def named(net: Net) -> tuple[Network, Pin, frozenset[Pin]]:
        source, *targets = (Pin(names.get(pin.unit, pin.unit), pin.port) for pin in (net.source, *net.targets))
        return net.network, source, frozenset(targets)

    assert {named(net) for net in decoded.netlist.nets} == {named(net) for net in mapping.netlist.nets}
    assert write_image(decoded.mapping, seed, spec=spec) == data


def test_an_image_holds_every_word_of_every_tile_once(tiny: tuple[Mapping, bytes]) -> None:
    _, data = tiny
    words = struct.unpack(f"<{len(data) // 4}I", data)
    addresses, topology = AddressMap(TINY), Topology(TINY)
    expected = [
        1 << 24 | number << 8 | word
        for number, kind in enumerate(topology.tiles.values())
        for word in range(addresses.words(kind))
    ]
    assert list(words[8::2]) == expected
    assert words[5] == len(expected)


def test_an_unused_tile_is_all_zero() -> None:
    netlist = Netlist({"m": Unit("m", Pmu(write=Port.VECTOR, read=Port.VECTOR))})
    mapping = fit(netlist, TINY)
    image = write_image(mapping, 0, spec=TINY)
    words = struct.unpack(f"<{len(image) // 4}I", image)
    number = Topology(TINY).number(mapping.tiles["m"])
    for address, word in zip(words[8::2], words[9::2], strict=True):
        if address >> 8 != number:
            assert word == 0


def test_values_of_a_program_survive() -> None:
    """Negative strides, constants and enumerations, and what the words say about them."""
    scale = struct.unpack("<I", struct.pack("<f", -0.125))[0]
    pcu = Pcu(
        vector=(Input(InputMode.EACH), Input(InputMode.HOLD, 3), Input()),
        scalar=(Input(), Input()),
        stages=(
            Stage(Op.MULADD, Source.REG0, Source.REG1, Source.ACC, 0, 0),
            Stage(Op.MUL, Source.REG0, Source.CONST, dst=2, const=scale),
        ),
        accumulate=Accumulate.REDUCE,
        acc_rank=2,
        reduction=Reduction.SUM,
        special=Special.EXP,
        stop_rank=2,
        stop_sub=1,
        scalar_out=True,
    )
    levels = (PmuLevel(4, -3, 1), PmuLevel(2, 5, 2), *[PmuLevel()] * 3)
    pmu = Pmu(
        write=Port.SCALAR, read=Port.VECTOR, offset=-7, levels=levels, block_lines=3, blocks=2, trigger=Trigger.LENGTH,
        write_levels=(WriteLevel(3, -2), WriteLevel()), write_stride=-5, transposed=True,
    )  # fmt: skip
    netlist = Netlist(
        {"p": Unit("p", pcu), "m": Unit("m", pmu)},
        (Net(Network.SCALAR, Pin("p"), (Pin("m"),)), Net(Network.VECTOR, Pin("m"), (Pin("p", 0), Pin("p", 1)))),
    )
    mapping = fit(netlist, TINY)
    decoded = read_image(write_image(mapping, 0, spec=TINY), TINY)
    assert decoded.programs == {mapping.tiles["p"]: pcu, mapping.tiles["m"]: pmu}
    text = describe(decoded)
    for line in (
        "image for fabric 'tiny'",
        "vector input 1: HOLD to hold_rank=3",
        "stage 0: REG0 := MULADD(a=REG0, b=REG1, c=ACC), first const=0",
        "stage 1: REG2 := MUL(a=REG0, b=-0.125)",
        "accumulate REDUCE acc_row=0 acc_rank=2",
        "tail: reduction SUM, special EXP, stop >= 2: - 1 + 0, lane 0 to scalar output",
        "write=SCALAR block_lines=3 blocks=2 read=VECTOR trigger=LENGTH offset=-7 write_stride=-5 transposed=true",
        "write_level 0: bound=3 stride=-2",
        "level 0: bound=4 stride=-3 rank=1",
        f"vector input 1 <- pmu{mapping.tiles['m']}.0",
        f"scalar output 0 -> pmu{mapping.tiles['m']}.0",
    ):
        assert line in text


def test_a_flipped_bit_is_always_refused(tiny: tuple[Mapping, bytes]) -> None:
    _, data = tiny
    random = Random()
    for bit in random.sample(range(8 * len(data)), 600):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ImageError):
            read_image(bytes(damaged), TINY)


def test_a_flipped_bit_in_a_record_is_called_damage(tiny: tuple[Mapping, bytes]) -> None:
    damaged = bytearray(tiny[1])
    damaged[100] ^= 4
    with pytest.raises(ImageError, match=r"^image is damaged: its CRC must be 0x\w{8}, not 0x\w{8}$"):
        read_image(bytes(damaged), TINY)


@pytest.mark.parametrize("length", [0, 3, 31, 32, 100, -8, -1])
def test_a_truncated_image_is_refused(tiny: tuple[Mapping, bytes], length: int) -> None:
    with pytest.raises(ImageError, match=r"^image is truncated: it has"):
        read_image(tiny[1][:length], TINY)


def test_an_image_with_a_tail_is_refused(tiny: tuple[Mapping, bytes]) -> None:
    with pytest.raises(ImageError, match=r"^image is too long"):
        read_image(tiny[1] + bytes(8), TINY)


def test_an_image_for_another_fabric_is_refused(tiny: tuple[Mapping, bytes]) -> None:
    other = TINY.replace(fifo_depth=8)
    sentence = f"image must be for fabric 'tiny' ({other.hash}), not for {TINY.hash}"
    with pytest.raises(ImageError) as caught:
        read_image(tiny[1], other)
    assert str(caught.value) == sentence
    assert read_image(tiny[1], TINY.replace(name="renamed")).context == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({0: 5}, "image must begin with the word 0x54464557, not 0x00000005"),
        ({1: 9}, f"image must be of version {IMAGE_VERSION}, not 9"),
        ({4: 2}, "image must be for a context below 2, not 2"),
        ({4: 0}, "image must have its records in order: 0x00000000, not 0x01000000"),
        ({7: 1}, "image is damaged"),
    ],
)
def test_a_wrong_header_is_refused(tiny: tuple[Mapping, bytes], changes: dict[int, int], sentence: str) -> None:
    with pytest.raises(ImageError, match=sentence):
        read_image(forged(tiny[1], changes), TINY)


def settings(**fields: dict[str, int]) -> bytes:
    """An image of no unit, with some switch fields set: tile as ``t0_1`` to fields."""
    topology = Topology(TINY)
    mapping = Mapping(TINY, Netlist(), {}, ())
    for tile in topology.tiles:
        chosen = fields.get(f"t{tile.row}_{tile.column}")
        if chosen:
            mapping.switches[tile] = dataclasses.replace(mapping.switches[tile], **chosen)  # type: ignore[type-var]
    return write_image(mapping, 0, spec=TINY)


BROKEN: list[tuple[dict[str, dict[str, int]], str]] = [
    # tile (0,0) sends its unit's output east, where no output takes it
    ({"t0_0": {"vector_2": 9}}, r"a vector stream leads to tile \(0,1\), which does not send it on"),
    # tile (0,1) sends west, to its own unit, what (0,0) does not send
    ({"t0_1": {"vector_8": 7}}, r"a vector stream comes from tile \(0,0\), which does not send it"),
    # a ring of four tiles: east, south, west, north
    (
        {
            "t0_0": {"control_1": 3},
            "t0_1": {"control_2": 4},
            "t1_1": {"control_3": 1},
            "t1_0": {"control_0": 2},
        },
        "a control stream runs in a circle through tile",
    ),
    ({"t0_0": {"scalar_0": 9}}, r"scalar output 0 of the switch in tile \(0,0\) must not be set, because it leads off"),
    ({"t0_0": {"vector_2": 3}}, r"must not send input 2, which comes from the same neighbour"),
    ({"t0_0": {"vector_2": 15}}, r"vector output 2 of the switch in tile \(0,0\) must send one of 9 inputs"),
    ({"t0_0": {"vector_2": 9}, "t0_1": {"vector_8": 7}}, r"begins or ends at agcu\(0,0\), whose unit is off"),
]


@pytest.mark.parametrize(("fields", "sentence"), BROKEN, ids=[sentence for _, sentence in BROKEN])
def test_switch_settings_that_make_no_net_are_refused(fields: dict[str, dict[str, int]], sentence: str) -> None:
    with pytest.raises(ImageError, match=sentence):
        read_image(settings(**fields), TINY)


def test_bits_behind_the_last_field_must_be_zero(tiny: tuple[Mapping, bytes]) -> None:
    words = AddressMap(TINY).unit(TileKind.AGCU)
    assert words.bits % 32
    with pytest.raises(ImageError, match=r"the bits behind its last field must be zero"):
        read_image(forged(tiny[1], {8 + 2 * words.words - 1: 1 << 31}), TINY)


def test_what_cannot_be_written_is_refused(tiny: tuple[Mapping, bytes]) -> None:
    mapping, _ = tiny
    with pytest.raises(ImageError, match="context must be below 2, not 2"):
        write_image(mapping, 2, spec=TINY)
    with pytest.raises(ImageError, match="mapping must be for fabric"):
        write_image(mapping, 0, spec=DEMO)
    large = fit(Netlist({"x": Unit("x", Pmu(read_rank=8))}), TINY)
    with pytest.raises(ImageError, match="unit 'x': read_rank must fit 3 bits, not 8"):
        write_image(large, 0, spec=TINY)
    twice = dataclasses.replace(mapping, routes=(*mapping.routes, mapping.routes[0]))
    with pytest.raises(ValueError, match="is set by two routes"):
        write_image(twice, 0, spec=TINY)
