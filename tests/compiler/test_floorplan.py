"""The floor plan is well-formed and shows every tile, unit and net."""

import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest
from netlists import PROGRAMS, random_netlist

from weft.compiler.backend.fit import fit
from weft.compiler.backend.mapping import Mapping
from weft.compiler.drawings.floorplan import floorplan_svg
from weft.compiler.drawings.heat import BLOCKED, BUSY, SCALE, STARVED, Shares, heat_colour, heat_top, text_colour
from weft.compiler.netlist.netlist import Netlist, Unit
from weft.hw.presets import PRESETS
from weft.hw.topology import TileKind

DEMO = PRESETS["demo"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    return fit(random_netlist(1, DEMO), DEMO)


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def test_every_tile_unit_and_net_is_there(mapping: Mapping) -> None:
    root = parsed(floorplan_svg(mapping))
    titles = [each.text or "" for each in root.iter(f"{SVG}title")]
    assert len(titles) == 90 + len(mapping.routes)
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert "fabric demo, 10 x 9 tiles" in texts
    assert {"PCU", "PMU", "AGCU", "vector", "scalar", "control"} <= set(texts)
    for name, tile in mapping.tiles.items():
        assert name in texts
        kind = mapping.netlist.units[name].kind.value.upper()
        assert f"{kind} {tile}: {name}" in titles
    assert sum(title.endswith(": unused") for title in titles) == 90 - len(mapping.tiles)
    for route in mapping.routes:
        net = route.net
        assert f"{net.network.value}: {net.source.unit} to {', '.join(pin.unit for pin in net.targets)}" in titles


def links(root: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    """The straight pieces of at least the length of a link, each with its smaller end first."""
    found: list[tuple[float, float, float, float]] = []
    for path in root.iter(f"{SVG}path"):
        for piece in path.get("d", "").split("M")[1:]:
            if "L" not in piece:
                continue
            points = [tuple(map(float, point.split())) for point in piece.split("L")]
            for (ax, ay), (bx, by) in pairwise(points):
                if max(abs(ax - bx), abs(ay - by)) > 55:
                    found.append((min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)))
    return found


def test_links_are_straight_inside_the_drawing_and_never_on_each_other(mapping: Mapping) -> None:
    root = parsed(floorplan_svg(mapping))
    drawn = links(root)
    assert drawn
    assert all(ax == bx or ay == by for ax, ay, bx, by in drawn)
    assert len(set(drawn)) == len(drawn)
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    assert all(ax >= 0 and ay >= 0 and bx <= width and by <= height for ax, ay, bx, by in drawn)


def test_heat_is_shown_as_shares(mapping: Mapping) -> None:
    name, tile = next(iter(mapping.tiles.items()))
    kind = mapping.netlist.units[name].kind.value.upper()
    root = parsed(floorplan_svg(mapping, {tile: Shares(0.374, 0.25, 0.125)}, title="a & b"))
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert {"37 %", "busy 0 to 50 %", "starved", "blocked", "a & b"} <= set(texts)
    group = next(each for each in root.iter(f"{SVG}g") if each.findtext(f"{SVG}title", "").startswith(f"{kind} {tile}"))
    assert group.findtext(f"{SVG}title") == f"{kind} {tile}: {name}; busy 37.4 %, starved 25.0 %, blocked 12.5 %"
    fills = [each.get("fill") for each in group.iter(f"{SVG}rect")]
    assert fills[0] == heat_colour(0.374 / 0.5)
    widths = {each.get("fill"): float(each.get("width", 0)) for each in group.iter(f"{SVG}rect")}
    assert widths[STARVED] == pytest.approx(2 * widths[BLOCKED], abs=0.11)
    assert widths[BUSY] == pytest.approx(0.374 * widths["#ffffff"], abs=0.06)
    assert not any("%" in (each.text or "") for each in parsed(floorplan_svg(mapping)).iter(f"{SVG}text"))


@pytest.mark.parametrize(
    ("busy", "top"), [((), 1), ((0.0,), 0.01), ((0.1, 0.2), 0.2), ((0.201,), 0.5), ((0.51, 0.1), 1), ((1.0,), 1)]
)
def test_the_scale_fits_the_busiest(busy: tuple[float, ...], top: float) -> None:
    assert heat_top(map(Shares, busy)) == top


def test_colours_get_darker_and_can_be_written_on() -> None:
    def light(colour: str) -> float:
        red, green, blue = bytes.fromhex(colour[1:])
        return 0.299 * red + 0.587 * green + 0.114 * blue

    colours = [heat_colour(step / 60) for step in range(61)]
    assert (colours[0], colours[-1]) == (SCALE[0], SCALE[-1])
    assert all(light(before) > light(after) for before, after in pairwise(colours))
    assert all(abs(light(colour) - light(text_colour(colour))) > 75 for colour in colours)


@pytest.mark.parametrize("fabric", ["tiny", "demo"])
def test_the_legend_lies_inside_the_drawing(fabric: str) -> None:
    netlist = Netlist({"rows": Unit("rows", PROGRAMS[TileKind.PMU])})
    plan = fit(netlist, PRESETS[fabric])
    root = parsed(floorplan_svg(plan, {plan.tiles["rows"]: Shares(0.5)}))
    below = 58 + PRESETS[fabric].rows * 100
    texts = {text.text: text for text in root.iter(f"{SVG}text") if float(text.get("y", 0)) > below}
    assert {"PCU", "control", "busy 0 to 50 %", "idle"} <= set(texts)
    for words, text in texts.items():
        assert float(text.get("x", 0)) + 7 * len(words or "") < float(root.get("width", 0))
        assert float(text.get("y", 0)) < float(root.get("height", 0))


def test_names_lie_inside_their_tiles(mapping: Mapping) -> None:
    for group in parsed(floorplan_svg(mapping, {tile: Shares(0.5) for tile in mapping.units})).iter(f"{SVG}g"):
        box = group.find(f"{SVG}rect")
        for text in group.iter(f"{SVG}text"):
            assert box is not None
            if text.get("text-anchor") == "middle":
                assert abs(float(text.get("x", 0)) - float(box.get("x", 0)) - float(box.get("width", 0)) / 2) < 0.1
                # A bold letter of a wide face is about 0.65 of its size.
                assert 0.65 * float(text.get("font-size", 0)) * len(text.text or "") < float(box.get("width", 0))
            assert float(box.get("y", 0)) < float(text.get("y", 0)) < float(box.get("y", 0)) + 50


def test_names_are_escaped_and_long_ones_folded() -> None:
    name = 'a<b>&"layer.attention_scores_of_heads'
    netlist = Netlist({name: Unit(name, PROGRAMS[TileKind.PMU])})
    root = parsed(floorplan_svg(fit(netlist, PRESETS["tiny"])))
    assert any(name in (each.text or "") for each in root.iter(f"{SVG}title"))
    assert 'a<b>&"layer.' in [each.text for each in root.iter(f"{SVG}text")]


def test_drawing_is_deterministic(mapping: Mapping) -> None:
    assert floorplan_svg(mapping) == floorplan_svg(Mapping.from_json(mapping.to_json()))


@pytest.mark.parametrize("shares", [(-0.1,), (1.01,), (float("nan"),), (0.0, 0.0, -0.1), (0.5, 0.4, 0.2)])
def test_shares_out_of_range_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"shares of cycles must be between 0 and 1, .* not \("):
        Shares(*shares)
