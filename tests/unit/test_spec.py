"""Fabric specs: every rule is one sentence, and TOML comes back equal."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.hw.presets import PRESETS, load_spec
from weft.hw.spec import FabricSpec, SpecError

SIZES = {
    name: (
        next(m.ge for m in field.metadata if hasattr(m, "ge")),
        next(m.le for m in field.metadata if hasattr(m, "le")),
    )
    for name, field in FabricSpec.model_fields.items()
    if field.metadata
}


def refused(**fields: Any) -> str:
    with pytest.raises(SpecError) as caught:
        FabricSpec.make(**fields)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_sizes_are_found() -> None:
    assert len(SIZES) == len(FabricSpec.model_fields) - 2  # all but name and pattern
    assert SIZES["rows"] == (1, 64)


@pytest.mark.parametrize("field", SIZES)
def test_a_size_out_of_its_range_is_refused(field: str) -> None:
    low, high = SIZES[field]
    assert refused(**{field: low - 1}) == f"{field} must be greater than or equal to {low}, not {low - 1}"
    assert refused(**{field: high + 1}) == f"{field} must be less than or equal to {high}, not {high + 1}"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"lanes": 12}, "lanes must be a power of two, not 12"),
        ({"channel_bits": 96, "lanes": 8}, "channel_bits must be a power of two, not 96"),
        ({"acc_depth": 3}, "acc_depth must be a power of two, not 3"),
        ({"pmu_lines": 100}, "pmu_lines must be a power of two, not 100"),
        ({"agcu_buffer": 10}, "agcu_buffer must be a power of two, not 10"),
        ({"fifo_depth": 3}, "fifo_depth must be a power of two, not 3"),
        ({"channel_bits": 256}, "channel_bits must be at most 32 * lanes = 128, not 256"),
        ({"burst_beats": 1}, "burst_beats must be at least 32 * lanes / channel_bits = 2, not 1"),
        ({"lanes": 64, "burst_beats": 31}, "burst_beats must be at least 32 * lanes / channel_bits = 32, not 31"),
        ({"lanes": 64, "burst_beats": 32, "pmu_lines": 32}, "pmu_lines must be at least lanes = 64, not 32"),
        ({"registers": 2}, "registers must be at least vector_inputs = 3, not 2"),
        ({"channels": 9}, "channels must be at most the AGCUs, 2 * rows = 8, not 9"),
        ({"pattern": []}, "pattern must be rows of the letters C and M, not []"),
        ({"pattern": ["CM", ""]}, "pattern must be rows of the letters C and M, not ['CM', '']"),
        ({"pattern": ["CX"]}, "pattern must be rows of the letters C and M, not ['CX']"),
        ({"pattern": ["CM", "M"]}, "pattern must have rows of one length, not ['CM', 'M']"),
        ({"row": 3}, "row is not a field of a fabric spec"),
        ({"rows": "8"}, "rows must be a valid integer, not '8'"),
        ({"rows": 2.5}, "rows must be a valid integer, not 2.5"),
        ({"name": 7}, "name must be a valid string, not 7"),
    ],
)
def test_a_broken_rule_is_one_sentence(fields: dict[str, Any], sentence: str) -> None:
    assert refused(**fields) == sentence


@st.composite
def specs(draw: st.DrawFn) -> FabricSpec:
    powers = {"lanes": 4, "acc_depth": 8, "pmu_lines": 10, "agcu_buffer": 7, "fifo_depth": 4}
    fields: dict[str, Any] = {name: 1 << draw(st.integers(1, top)) for name, top in powers.items()}
    fields["pmu_lines"] = max(fields["pmu_lines"], 16)
    fields["agcu_buffer"] = max(fields["agcu_buffer"], 4)
    fields |= {name: draw(st.integers(1, 8)) for name in ("rows", "columns", "stages", "vector_tracks")}
    fields["channels"] = draw(st.integers(1, 2 * fields["rows"]))
    fields["channel_bits"] = 32
    width = draw(st.integers(1, 3))
    fields["pattern"] = draw(st.lists(st.text("CM", min_size=width, max_size=width), min_size=1, max_size=3))
    return FabricSpec.make(name=draw(st.text(max_size=10)), **fields)


@given(spec=specs())
def test_toml_comes_back_equal(tmp_path_factory: pytest.TempPathFactory, spec: FabricSpec) -> None:
    path = tmp_path_factory.getbasetemp() / "fabric.toml"
    path.write_text(spec.to_toml(), encoding="utf-8", newline="")
    again = FabricSpec.from_toml(path)
    assert again == spec
    assert again.hash == spec.hash
    assert hash(again) == hash(spec)


@pytest.mark.parametrize("name", ["tiny", "demo", "ecp5", "plasticine"])
def test_presets_are_there_under_their_name(name: str, tmp_path: Path) -> None:
    spec = load_spec(name)
    assert spec is PRESETS[name]
    assert spec.name == name
    path = tmp_path / "own.toml"
    path.write_text(spec.to_toml())
    assert load_spec(str(path)) == spec


def test_plasticine_has_the_published_size() -> None:
    spec = PRESETS["plasticine"]
    assert (spec.rows * spec.columns, spec.lanes, spec.stages) == (128, 16, 6)
    assert 4 * spec.pmu_words == 16 * 16 * 1024


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("rows = ", "is not valid TOML"),
        ("rows = 0", "rows must be greater than or equal to 1, not 0"),
        ("rwos = 4", "rwos is not a field of a fabric spec"),
        ("[fabric]\nrows = 4", "fabric is not a field of a fabric spec"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(content)
    with pytest.raises(SpecError, match=rf"^fabric file \S*bad\.toml.*{sentence}"):
        load_spec(str(path))


def test_no_such_fabric(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"--fabric must be one of tiny, demo, ecp5, plasticine or a \.toml file, not 'x'"
    ):
        load_spec("x")
    with pytest.raises(SpecError, match=r"none\.toml cannot be read: No such file or directory"):
        load_spec(str(tmp_path / "none.toml"))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match="is not valid TOML"):
        load_spec(str(tmp_path / "binary.toml"))


def test_assignments_of_a_command_line() -> None:
    spec = PRESETS["demo"].set(["rows=16", 'name="big"', 'pattern=["CM"]', "vector_tracks=3"])
    assert spec == PRESETS["demo"].replace(rows=16, name="big", pattern=("CM",), vector_tracks=3)
    assert PRESETS["demo"].set(["name=plain"]).name == "plain"
    for text in ("rows", "rwos=3", "=3"):
        with pytest.raises(SpecError, match="--set must be FIELD=VALUE with a field of the fabric spec"):
            PRESETS["demo"].set([text])
    with pytest.raises(SpecError, match="rows must be less than or equal to 64, not 65"):
        PRESETS["demo"].set(["rows=65"])


@pytest.mark.parametrize("field", [*SIZES, "pattern"])
def test_every_field_but_the_name_is_in_the_hash(field: str) -> None:
    demo = PRESETS["demo"].replace(registers=4, rows=16)
    value: Any = ("MC",) if field == "pattern" else getattr(demo, field)
    if field != "pattern":
        low, high = SIZES[field]
        value = next(
            v for v in (2 * value, value // 2, value + 1, value - 1) if low <= v <= high and _legal(demo, field, v)
        )
    changed = demo.replace(**{field: value})
    assert changed.hash != demo.hash
    assert demo.replace(name="other").hash == demo.hash
    assert len(demo.hash) == 16


def _legal(spec: FabricSpec, field: str, value: int) -> bool:
    try:
        spec.replace(**{field: value})
    except SpecError:
        return False
    return value != getattr(spec, field)


def test_specs_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        PRESETS["demo"].rows = 3  # type: ignore[misc]


@pytest.mark.parametrize("digits", [400, 5000])
def test_a_number_of_many_digits_is_a_short_sentence(tmp_path: Path, digits: int) -> None:
    (tmp_path / "spec.toml").write_text("rows = 1" + "0" * digits)
    for make in (
        lambda: FabricSpec.from_toml(tmp_path / "spec.toml"),
        lambda: PRESETS["tiny"].set(["rows=1" + "0" * digits]),
    ):
        with pytest.raises(SpecError, match=r"rows|TOML") as caught:
            make()
        assert len(str(caught.value)) < 300


def test_a_spec_that_is_nested_too_deeply_is_no_toml(tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text("rows = " + "[" * 20000)
    with pytest.raises(SpecError, match="is not valid TOML"):
        FabricSpec.from_toml(tmp_path / "spec.toml")
