"""What does not fit is refused with one sentence, and the change it proposes is the smallest that fits."""

from itertools import pairwise

import pytest
from netlists import PROGRAMS, random_netlist
from routing_rules import check_mapping

from weft.compiler.backend.fit import FitError, check_fit, fit
from weft.compiler.backend.mapping import Mapping
from weft.compiler.errors import WeftError
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.hw.presets import PRESETS
from weft.hw.program import Pcu, Pmu, PmuLevel, Port, Stage
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, Tile, TileKind

TINY, DEMO = PRESETS["tiny"], PRESETS["demo"]


def chain(count: int, kind: TileKind) -> Netlist:
    units = {f"u{index}": Unit(f"u{index}", PROGRAMS[kind]) for index in range(count)}
    pins = [Pin(name) for name in units]
    return Netlist(units, tuple(Net(Network.VECTOR, a, (b,)) for a, b in pairwise(pins)))


def one(program: Pcu | Pmu, **where: object) -> Netlist:
    return Netlist({"x": Unit("x", program, **where)})  # type: ignore[arg-type]


def refused(netlist: Netlist, spec: FabricSpec) -> FitError:
    with pytest.raises(FitError) as caught:
        fit(netlist, spec)
    assert isinstance(caught.value, WeftError)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("seed", range(4))
def test_what_fits_is_mapped_by_the_rules_and_always_alike(seed: int) -> None:
    netlist = random_netlist(seed, DEMO)
    mapping = fit(netlist, DEMO)
    check_mapping(mapping)
    assert fit(netlist, DEMO) == mapping
    text = mapping.to_json()
    assert Mapping.from_json(text) == mapping
    assert Mapping.from_json(text).to_json() == text


def test_missing_tiles_are_named_and_the_proposal_fits() -> None:
    error = refused(chain(23, TileKind.PCU), TINY)
    assert str(error) == "needs 23 PCUs but fabric 'tiny' has 2: set columns=23"
    check_mapping(fit(chain(23, TileKind.PCU), TINY.replace(**error.changes)))


@pytest.mark.parametrize(("kind", "count"), [(TileKind.PMU, 5), (TileKind.PCU, 9), (TileKind.AGCU, 7)])
def test_no_smaller_array_has_enough_tiles(kind: TileKind, count: int) -> None:
    netlist = chain(count, kind)
    error = refused(netlist, TINY)
    larger = TINY.replace(**error.changes)
    check_fit(netlist, larger)
    size = larger.rows * (larger.columns + 2)
    for rows in range(TINY.rows, 12):
        for columns in range(TINY.columns, 12):
            if rows * (columns + 2) < size:
                with pytest.raises(FitError, match="needs"):
                    check_fit(netlist, TINY.replace(rows=rows, columns=columns))


def test_more_tiles_than_any_fabric_has() -> None:
    assert str(refused(chain(4097, TileKind.PCU), DEMO)) == "needs 4097 PCUs but fabric 'demo' has 35"


SENTENCES: list[tuple[Netlist, str]] = [
    (
        one(Pmu(write=Port.VECTOR, read=Port.VECTOR, block_lines=50, blocks=2)),
        "unit 'x' needs 400 PMU words but a PMU of fabric 'tiny' has 256: set pmu_lines=128",
    ),
    (one(Pcu(stages=(Stage(),) * 3)), "unit 'x' needs 3 stages of a PCU but fabric 'tiny' has 2: set stages=3"),
    (one(Pcu(stages=(Stage(),) * 9)), "unit 'x' needs 9 stages of a PCU but fabric 'tiny' has 2"),
    (one(Pmu(levels=(PmuLevel(),) * 6)), "unit 'x' needs 6 levels of a PMU but fabric 'tiny' has 5"),
    (one(Pmu(), tile=Tile(0, 1)), "unit 'x' needs a PMU, but its tile (0,1) holds a PCU"),
    (one(Pmu(), tile=Tile(7, 1)), "unit 'x' needs a PMU, but its tile (7,1) lies outside the array"),
    (
        Netlist({name: Unit(name, Pmu(), tile=Tile(0, 2)) for name in "ab"}),
        "units 'a' and 'b' are both pinned to tile (0,2)",
    ),
    (
        Netlist({"x": Unit("x", PROGRAMS[TileKind.AGCU], channel=2)}),
        "needs channel 2 but fabric 'tiny' has 1 channels: set channels=3",
    ),
    (
        Netlist({name: Unit(name, PROGRAMS[TileKind.AGCU], channel=0) for name in "abcde"}),
        "needs 5 AGCUs on channel 0 but fabric 'tiny' has 4: set rows=3",
    ),
    (
        Netlist(
            {"a": Unit("a", PROGRAMS[TileKind.PMU]), "x": Unit("x", Pcu())},
            (Net(Network.SCALAR, Pin("a"), (Pin("x", 3),)),),
        ),
        "unit 'x' needs 4 scalar inputs of a PCU but fabric 'tiny' has 2: set scalar_inputs=4",
    ),
    (
        Netlist(
            {"a": Unit("a", PROGRAMS[TileKind.PMU]), "x": Unit("x", Pcu())},
            (Net(Network.VECTOR, Pin("a"), (Pin("x", 3),)),),
        ),
        "unit 'x' needs 4 vector inputs of a PCU but fabric 'tiny' has 3: set vector_inputs=4",
    ),
]


@pytest.mark.parametrize(("netlist", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_what_is_missing_is_said_in_one_sentence(netlist: Netlist, sentence: str) -> None:
    error = refused(netlist, TINY)
    assert str(error) == sentence
    if error.changes:
        fit(netlist, TINY.replace(**error.changes))


def test_all_that_is_missing_is_in_the_proposal() -> None:
    """Too few tiles and too small a PMU: the proposal covers both, though the sentence begins with the first."""
    netlist = chain(5, TileKind.PMU)
    netlist = Netlist(netlist.units | {"x": Unit("x", Pmu(block_lines=65))}, netlist.nets)
    error = refused(netlist, TINY)
    assert {"pmu_lines"} < set(error.changes)
    fit(netlist, TINY.replace(**error.changes))


def test_missing_tracks_are_counted_after_several_placements() -> None:
    """A row of units with many crossing wires cannot be routed on one track, wherever they are placed."""
    spec = FabricSpec.make(name="row", rows=1, columns=12, pattern=("CM",), vector_tracks=1)
    netlist = random_netlist(4, spec, fill=1.0, nets=2.0, fan_out=4)
    error = refused(netlist, spec)
    assert "vector_tracks" in error.changes
    assert "vector tracks" in str(error)
    check_mapping(fit(netlist, spec.replace(**error.changes)))


def test_a_net_that_no_fabric_holds_is_refused() -> None:
    netlist = Netlist({"a": Unit("a", PROGRAMS[TileKind.PMU])}, (Net(Network.VECTOR, Pin("a"), (Pin("b"),)),))
    with pytest.raises(ValueError, match="names the unit 'b', which does not exist"):
        fit(netlist, TINY)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"fabric": {"rows": 0}, "units": [], "nets": []}'])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(WeftError, match="mapping must be JSON as Weft writes it"):
        Mapping.from_json(text)
