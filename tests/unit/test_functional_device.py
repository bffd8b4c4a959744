"""The functional device against plain NumPy, on netlists written by hand."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from weft.compiler.backend.fit import fit
from weft.compiler.backend.image import DecodedImage, read_image, write_image
from weft.compiler.backend.mapping import Mapping
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Program, Unit
from weft.hw.numerics.ops import Op
from weft.hw.presets import PRESETS
from weft.hw.program import (
    Accumulate,
    Agcu,
    AgcuKind,
    AgcuLevel,
    Input,
    InputMode,
    Pcu,
    Pmu,
    PmuLevel,
    Port,
    Source,
    Stage,
    Trigger,
    When,
)
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, Tile, TileKind, Topology
from weft.sim.device import GIVEN_UP, DeviceError, HangError
from weft.sim.functional import device as device_module
from weft.sim.functional.device import IMAGES_KEPT, FunctionalDevice

TINY, DEMO = PRESETS["tiny"], PRESETS["demo"]
BYTES = 1 << 14
EACH = Input(InputMode.EACH)
TWO = 0x40000000
DOUBLE = Pcu(vector=(EACH,), stages=(Stage(Op.MUL, a=Source.REG0, b=Source.CONST, const=TWO),), vector_out=True)
ADD = Pcu(vector=(EACH, EACH), stages=(Stage(Op.ADD, a=Source.REG0, c=Source.REG1),), vector_out=True)
V, S, C = Network.VECTOR, Network.SCALAR, Network.CONTROL


def agcu(kind: AgcuKind, base: int, *beats: int, spec: FabricSpec = TINY, **more: Any) -> Agcu:
    """Dense loops over this many beats, innermost first; a stop of rank 1 ends the innermost."""
    levels, stride = [], spec.beat_bytes
    for rank, count in enumerate(beats, start=1):
        levels.append(AgcuLevel(bound=count, stride=stride, rank=rank))
        stride *= count
    settings: dict[str, Any] = {"end_rank": len(beats), "segment_size": BYTES} | more
    return Agcu(kind, base=base, levels=tuple(levels), **settings)


def load(base: int, *beats: int, **more: Any) -> Agcu:
    return agcu(AgcuKind.LOAD, base, *beats, **more)


def store(base: int, *beats: int, **more: Any) -> Agcu:
    return agcu(AgcuKind.STORE, base, *beats, **more)


def mapped(
    units: dict[str, Program], nets: Sequence[tuple[Network, str, str]], spec: FabricSpec = TINY, **tiles: Tile
) -> Mapping:
    """``nets`` are (network, source, "target.port other.port")."""
    made = []
    for network, source, targets in nets:
        pins = [(name, int(port or 0)) for name, _, port in (target.partition(".") for target in targets.split())]
        made.append(Net(network, Pin(source), tuple(Pin(*pin) for pin in pins)))
    netlist = Netlist({name: Unit(name, program, tiles.get(name)) for name, program in units.items()}, tuple(made))
    return fit(netlist, spec)


def device(*mappings: Mapping) -> FunctionalDevice:
    """A device with each mapping in the context of its place."""
    made = FunctionalDevice(mappings[0].spec, memory_bytes=BYTES)
    for context, mapping in enumerate(mappings):
        made.load(write_image(mapping, context, spec=mapping.spec))
    return made


def floats(made: FunctionalDevice, base: int, count: int) -> NDArray[np.float32]:
    return made.memory[base : base + 4 * count].view(np.float32)


def name_of(mapping: Mapping, unit: str) -> str:
    return f"{mapping.netlist.units[unit].kind.value}{mapping.tiles[unit]}"


COPY = {"in": load(0, 6), "double": DOUBLE, "out": store(1024, 6)}
COPY_NETS = [(V, "in", "double"), (V, "double", "out")]


@pytest.mark.parametrize("spec", [TINY, DEMO], ids=lambda spec: spec.name)
def test_a_map_from_memory_to_memory(spec: FabricSpec) -> None:
    units = {"in": load(0, 6, spec=spec), "double": DOUBLE, "out": store(1024, 6, spec=spec)}
    mapping = mapped(units, COPY_NETS, spec)
    chip = device(mapping)
    given = np.arange(6 * spec.lanes, dtype=np.float32)
    floats(chip, 0, len(given))[:] = given
    launch = chip.launch(0, {})
    assert floats(chip, 1024, len(given)).tolist() == (given * 2).tolist()
    assert not chip.memory[1024 + 4 * len(given) :].any()
    beats = launch.buffers[mapping.tiles["out"]]
    assert list(launch.buffers) == [mapping.tiles["out"]]
    assert beats.data.tolist() == (given * 2).reshape(6, spec.lanes).tolist()
    assert beats.stop.tolist() == [0, 0, 0, 0, 0, 1]
    assert not beats.void.any()
    moved = 6 * spec.beat_bytes
    assert launch.bytes_by_tile == {mapping.tiles["in"]: (moved, 0), mapping.tiles["out"]: (0, moved)}


def test_matvec_with_scalars_from_a_pmu() -> None:
    rows, blocks = 8, 3
    units: dict[str, Program] = {
        "x": load(0, rows // TINY.lanes),
        "scalars": Pmu(
            write=Port.VECTOR,
            write_rank=1,
            block_lines=2,
            read=Port.SCALAR,
            levels=(PmuLevel(rows, 1, 1), PmuLevel(blocks, 0, 2)),
            read_rank=2,
        ),
        "w": load(1024, rows, blocks),
        "mac": Pcu(
            vector=(EACH,),
            scalar=(EACH,),
            stages=(Stage(Op.MULADD, a=Source.REG0, b=Source.SCALAR0, c=Source.ACC),),
            accumulate=Accumulate.REDUCE,
            acc_rank=1,
            stop_rank=1,
            stop_sub=1,
            vector_out=True,
        ),
        "y": store(2048, blocks, end_rank=1),
    }
    mapping = mapped(units, [(V, "x", "scalars"), (S, "scalars", "mac"), (V, "w", "mac"), (V, "mac", "y")])
    chip = device(mapping)
    random = np.random.default_rng(1)
    x = random.standard_normal(rows).astype(np.float32)
    w = random.standard_normal((blocks, rows, TINY.lanes)).astype(np.float32)
    floats(chip, 0, rows)[:] = x
    floats(chip, 1024, w.size)[:] = w.ravel()
    launch = chip.launch(0, {})
    y = np.zeros((blocks, TINY.lanes), np.float32)
    for k in range(rows):
        y = w[:, k] * x[k] + y
    assert floats(chip, 2048, y.size).tolist() == y.ravel().tolist()
    assert launch.buffers[mapping.tiles["scalars"]].data.ravel().tolist() == x.tolist()
    assert launch.bytes_by_tile[mapping.tiles["w"]] == (w.nbytes, 0)


RESIDENT = Pmu(
    write=Port.VECTOR,
    write_rank=1,
    block_lines=4,
    blocks=1,
    read=Port.VECTOR,
    trigger=Trigger.CONTROL,
    levels=(PmuLevel(4, 1, 1),),
    read_rank=1,
)


def resident() -> tuple[Mapping, Mapping]:
    """Context 0 fills a buffer; context 1 adds to it what it loads, and stores the sum."""
    tile = Topology(TINY).of_kind(TileKind.PMU)[1]
    fill = mapped({"in": load(0, 4), "kept": RESIDENT}, [(V, "in", "kept")], kept=tile)
    units: dict[str, Program] = {
        "x": load(256, 4, done_token=True),
        "kept": RESIDENT,
        "add": ADD,
        "out": store(1024, 4),
    }
    nets = [(C, "x", "kept"), (V, "kept", "add.0"), (V, "x", "add.1"), (V, "add", "kept out")]
    return fill, mapped(units, nets, kept=tile)


def test_a_buffer_goes_from_launch_to_launch_and_from_context_to_context() -> None:
    chip = device(*resident())
    given = np.arange(16, dtype=np.float32)
    floats(chip, 0, 16)[:] = given
    chip.launch(0, {})
    expected = given
    for step in (1.0, 10.0, 100.0):
        floats(chip, 256, 16)[:] = step
        launch = chip.launch(1, {})
        expected = expected + np.float32(step)
        assert floats(chip, 1024, 16).tolist() == expected.tolist()
    assert len(launch.buffers) == 2
    assert all(beats.data.ravel().tolist() == expected.tolist() for beats in launch.buffers.values())


def test_a_buffer_read_before_it_was_ever_written_hangs() -> None:
    _, step = mappings = resident()
    with pytest.raises(DeviceError, match="launch hangs") as error:
        device(*mappings).launch(1, {})
    lines = str(error.value).removeprefix("launch hangs: ").split(";\n")
    kept, add, out = (name_of(step, unit) for unit in ("kept", "add", "out"))
    assert sorted(lines) == sorted(
        [
            f"{kept} waits for a beat at vector input 0, from {add}",
            f"{add} waits for a beat at vector input 0, from {kept}",
            f"{out} waits for a beat at vector input 0, from {add}",
        ]
    )


def test_a_buffer_filled_twice_has_no_room() -> None:
    chip = device(*resident())
    chip.launch(0, {})
    with pytest.raises(DeviceError, match=r"launch hangs: pmu.* has room for 1 blocks but is left with 2"):
        chip.launch(0, {})


def test_images_are_decoded_once_while_they_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []

    def counted(image: bytes, spec: FabricSpec) -> DecodedImage:
        decoded.append(image)
        return read_image(image, spec)

    monkeypatch.setattr(device_module, "read_image", counted)
    device_module._decoded.cache_clear()  # of what other tests have loaded
    mapping = mapped(COPY, COPY_NETS)
    images = []
    for number in range(IMAGES_KEPT + 1):
        units = {**mapping.netlist.units, "out": Unit("out", store(1024 + TINY.beat_bytes * number, 6))}
        images.append(write_image(replace(mapping, netlist=replace(mapping.netlist, units=units)), 0, spec=TINY))
    chip = FunctionalDevice(TINY, memory_bytes=BYTES)
    floats(chip, 0, 1)[:] = 3
    for image in images[:-1] * 3:
        chip.load(image)
    assert decoded == images[:-1]
    for image in images[-1], images[0]:  # one more than are kept, so that the first is decoded again
        chip.load(image)
    assert decoded == [*images, images[0]]
    chip.launch(0, {})
    assert floats(chip, 1024, 1) == 6


@pytest.mark.parametrize("swapped", [False, True])
def test_of_two_buffers_in_a_circle_the_one_with_contents_begins(swapped: bool) -> None:
    """kept -> again -> add -> kept, where `again` holds nothing between launches, whatever their places."""
    first, second = Topology(TINY).of_kind(TileKind.PMU)[:: -1 if swapped else 1]
    fill = mapped({"in": load(0, 4), "kept": RESIDENT}, [(V, "in", "kept")], kept=first)
    units: dict[str, Program] = {
        "x": load(256, 4, done_token=True),
        "kept": RESIDENT,
        "again": RESIDENT,
        "add": ADD,
        "out": store(1024, 4),
    }
    nets = [
        (C, "x", "kept again"),
        (V, "kept", "again"),
        (V, "again", "add.0"),
        (V, "x", "add.1"),
        (V, "add", "kept out"),
    ]
    chip = device(fill, mapped(units, nets, kept=first, again=second))
    floats(chip, 0, 16)[:] = np.arange(16)
    floats(chip, 256, 16)[:] = 1
    chip.launch(0, {})
    for launch in (1, 2):
        chip.launch(1, {})
        assert floats(chip, 1024, 16).tolist() == (np.arange(16) + launch).tolist()


def copies(*, wait: bool) -> Mapping:
    """Memory at 0 is copied to 1024, then that to 2048; the second load stands before the first in every order."""
    units: dict[str, Program] = {
        "read_back": load(1024, 4, wait_token=wait),
        "final": store(2048, 4),
        "first": load(0, 4),
        "middle": store(1024, 4, done_token=True),
    }
    nets = [(V, "first", "middle"), (V, "read_back", "final"), (C, "middle", "read_back")]
    west, east = Tile(0, 0), Tile(1, 0)
    return mapped(units, nets, read_back=west, first=east)


def test_a_token_orders_a_load_after_a_store() -> None:
    chip = device(copies(wait=True))
    floats(chip, 0, 16)[:] = np.arange(16)
    chip.launch(0, {})
    assert floats(chip, 2048, 16).tolist() == list(range(16))


def test_a_token_that_nobody_takes_hangs() -> None:
    with pytest.raises(DeviceError, match=r"launch hangs: agcu\(0,0\) has taken 0 of 1 beats at control input 0, from"):
        device(copies(wait=False)).launch(0, {})


def test_a_token_that_never_comes_hangs() -> None:
    first = load(0, 2, done_token=True, tells=When.LATER)
    units: dict[str, Program] = {"in": first, "next": load(0, 2, wait_token=True)}
    units |= {"out": store(1024, 2), "out_2": store(2048, 2)}
    mapping = mapped(units, [(V, "in", "out"), (C, "in", "next"), (V, "next", "out_2")])
    with pytest.raises(DeviceError) as error:
        device(mapping).launch(0, {})
    names = {unit: name_of(mapping, unit) for unit in units}
    assert str(error.value) == (
        f"launch hangs: {names['next']} waits for a beat at control input 0, from {names['in']};\n"
        f"{names['out_2']} waits for a beat at vector input 0, from {names['next']}"
    )


def test_after_a_hang_the_device_must_be_closed() -> None:
    mapping = mapped(COPY | {"in": load(0, 3, 2)}, COPY_NETS)
    chip = device(mapping)
    with pytest.raises(HangError):
        chip.launch(0, {})
    with pytest.raises(DeviceError, match=f"^{GIVEN_UP}$"):
        chip.launch(0, {})
    with pytest.raises(DeviceError, match=f"^{GIVEN_UP}$"):
        chip.load(write_image(mapping, 0, spec=TINY))


def test_an_indexed_load_takes_its_indices_from_the_network() -> None:
    indices = [5, 0, 3, 3]
    units: dict[str, Program] = {
        "indices": load(0, 1),
        "words": Pmu(write=Port.VECTOR, write_rank=1, read=Port.SCALAR, levels=(PmuLevel(4, 1, 1),), read_rank=1),
        "rows": load(256, 2, end_rank=1, indexed=True, index_stride=2 * TINY.beat_bytes, nest_rank=1),
        "out": store(1024, 8, end_rank=2),
    }
    mapping = mapped(units, [(V, "indices", "words"), (S, "words", "rows"), (V, "rows", "out")])
    chip = device(mapping)
    chip.memory[:16].view(np.int32)[:] = indices
    table = np.arange(48, dtype=np.float32).reshape(6, 8)
    floats(chip, 256, 48)[:] = table.ravel()
    launch = chip.launch(0, {})
    assert floats(chip, 1024, 32).tolist() == table[indices].ravel().tolist()
    assert launch.buffers[mapping.tiles["out"]].stop.tolist() == [0, 1, 0, 1, 0, 1, 0, 2]


def test_a_buffer_is_read_as_often_as_the_network_says() -> None:
    lengths = [2, 4, 1, 3]
    units: dict[str, Program] = {
        "lengths": load(0, 1),
        "words": Pmu(write=Port.VECTOR, write_rank=1, read=Port.SCALAR, levels=(PmuLevel(4, 1, 1),), read_rank=1),
        "rows": load(256, 4),
        "kept": replace(RESIDENT, trigger=Trigger.LENGTH, free_rank=1, levels=(PmuLevel(1, 1, 1),)),
        "out": store(1024, sum(lengths), end_rank=2),
    }
    nets = [(V, "lengths", "words"), (S, "words", "kept.1"), (V, "rows", "kept"), (V, "kept", "out")]
    mapping = mapped(units, nets)
    chip = device(mapping)
    chip.memory[:16].view(np.int32)[:] = lengths
    table = np.arange(16, dtype=np.float32).reshape(4, 4)
    floats(chip, 256, 16)[:] = table.ravel()
    launch = chip.launch(0, {})
    expected = np.concatenate([table[:length] for length in lengths])
    assert floats(chip, 1024, expected.size).tolist() == expected.ravel().tolist()
    assert launch.buffers[mapping.tiles["out"]].stop.tolist() == [0, 1, 0, 0, 0, 1, 1, 0, 0, 2]


def test_inputs_of_unequal_length_hang() -> None:
    units: dict[str, Program] = {"a": load(0, 5), "b": load(0, 3), "add": ADD, "out": store(1024, 5)}
    mapping = mapped(units, [(V, "a", "add.0"), (V, "b", "add.1"), (V, "add", "out")])
    with pytest.raises(DeviceError) as error:
        device(mapping).launch(0, {})
    a, b, add, out = (name_of(mapping, unit) for unit in units)
    assert str(error.value) == (
        f"launch hangs: {add} has taken 3 of 5 beats at vector input 0, from {a};\n"
        f"{add} waits for a beat at vector input 1, from {b};\n"
        f"{out} waits for a beat at vector input 0, from {add}"
    )


def test_beats_after_the_end_of_a_store_hang() -> None:
    mapping = mapped(COPY | {"in": load(0, 3, 2)}, COPY_NETS)
    with pytest.raises(DeviceError, match=r"^launch hangs: agcu.* has taken 3 of 6 beats at vector input 0, from pcu"):
        device(mapping).launch(0, {})


def test_an_output_that_leads_nowhere_hangs() -> None:
    mapping = mapped({"in": load(0, 3)}, [])
    with pytest.raises(DeviceError, match=r"^launch hangs: agcu.* sends 3 vector beats to nobody$"):
        device(mapping).launch(0, {})


def test_an_access_outside_the_segment_fails_after_the_rest_is_done() -> None:
    mapping = mapped(COPY | {"in": load(0, 6, segment_size=4 * TINY.beat_bytes)}, COPY_NETS)
    chip = device(mapping)
    floats(chip, 0, 24)[:] = 1
    with pytest.raises(DeviceError, match=r"agcu.* was refused an access outside its segment") as error:
        chip.launch(0, {})
    assert name_of(mapping, "in") in str(error.value)
    assert name_of(mapping, "out") not in str(error.value)
    assert floats(chip, 1024, 24).tolist() == [2.0] * 16 + [0.0] * 8


def test_a_rule_broken_by_a_unit_names_the_unit() -> None:
    small = Pmu(write=Port.VECTOR, write_rank=1, block_lines=2, read=Port.VECTOR, levels=(PmuLevel(2, 1),))
    mapping = mapped(
        {"in": load(0, 3), "small": small, "out": store(1024, 2)}, [(V, "in", "small"), (V, "small", "out")]
    )
    with pytest.raises(DeviceError, match=r"^pmu\(.*\): a block of a PMU must fit its 2 lines, not 3"):
        device(mapping).launch(0, {})
    scan = Pcu(
        vector=(EACH,),
        stages=(Stage(Op.ADD, c=Source.ACC),),
        accumulate=Accumulate.SCAN,
        acc_row=1,
        acc_rank=1,
        vector_out=True,
    )
    units: dict[str, Program] = {"in": load(0, 9), "scan": scan, "out": store(1024, 9)}
    mapping = mapped(units, [(V, "in", "scan"), (V, "scan", "out")])
    with pytest.raises(DeviceError, match=r"^pcu\(.*\): a row must have at most acc_depth = 8 beats, not 9"):
        device(mapping).launch(0, {})


def test_a_circle_through_a_buffer_that_no_token_reads_is_refused_when_loaded() -> None:
    fifo = Pmu(write=Port.VECTOR, write_rank=1, block_lines=2, read=Port.VECTOR, levels=(PmuLevel(2, 1),))
    units: dict[str, Program] = {"add": ADD, "fifo": fifo, "in": load(0, 2)}
    mapping = mapped(units, [(V, "in", "add.0"), (V, "add", "fifo"), (V, "fifo", "add.1")])
    with pytest.raises(DeviceError, match=r"units pcu.*, pmu.* wait for each other in a circle"):
        device(mapping)


def test_a_circle_without_a_buffer_is_refused_when_loaded() -> None:
    units: dict[str, Program] = {"add": ADD, "double": DOUBLE, "in": load(0, 2)}
    mapping = mapped(units, [(V, "in", "add.0"), (V, "add", "double"), (V, "double", "add.1")])
    with pytest.raises(DeviceError, match="wait for each other in a circle") as error:
        device(mapping)
    assert name_of(mapping, "add") in str(error.value)
    assert name_of(mapping, "in") not in str(error.value)


def test_what_a_device_refuses() -> None:
    chip = FunctionalDevice(TINY, memory_bytes=BYTES)
    with pytest.raises(DeviceError, match="must hold an image before a launch, but 1 has none"):
        chip.launch(1, {})
    image = write_image(mapped(COPY, COPY_NETS), 0, spec=TINY)
    with pytest.raises(DeviceError, match="image is damaged"):
        chip.load(image[:-1] + bytes([image[-1] ^ 1]))
    with pytest.raises(DeviceError, match="image must be for fabric 'demo'"):
        FunctionalDevice(DEMO, memory_bytes=BYTES).load(image)
    chip.load(image)
    with pytest.raises(DeviceError, match=f"numbered 1 to {TINY.arguments}, not {TINY.arguments + 1}"):
        chip.launch(0, {TINY.arguments + 1: 0})
