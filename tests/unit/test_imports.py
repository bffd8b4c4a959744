"""The dependencies between the packages point one way."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("hw", "compiler", "sim", "fpga", "weft")
MAY_IMPORT = {
    "hw": {"hw"},
    "compiler": {"hw", "compiler"},
    "sim": {"hw", "compiler", "sim"},
    "fpga": {"hw", "sim", "fpga"},
    "weft": {"hw", "compiler", "sim", "fpga", "weft"},
}
PURE = ("hw.spec", "hw.presets", "hw.fields", "hw.program", "hw.topology", "hw.address_map", "hw.numerics")
"""The values of ``hw`` that the compiler may use, and that can be imported without Amaranth."""


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, in functions too, with the relative ones resolved."""
    here = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield ".".join((*here[: -node.level], *filter(None, [node.module])))
        elif isinstance(node, ast.ImportFrom) and node.module in PACKAGES:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def pure_sources() -> list[Path]:
    paths = [ROOT.joinpath(*module.split(".")) for module in PURE]
    return [each for path in paths for each in ([path.with_suffix(".py")] if not path.is_dir() else path.rglob("*.py"))]


def wrong(paths: list[Path], refuse: Callable[[str], bool]) -> list[str]:
    assert paths
    return [f"{path.relative_to(ROOT)}: {module}" for path in paths for module in imports(path) if refuse(module)]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_those_below_them(package: str) -> None:
    above = tuple(set(PACKAGES) - MAY_IMPORT[package])
    assert wrong(sources(package), lambda module: is_in(module, above)) == []


def test_compiler_knows_only_the_pure_values_of_hw() -> None:
    def refuse(module: str) -> bool:
        return is_in(module, ("amaranth",)) or (is_in(module, ("hw",)) and not is_in(module, PURE))

    assert wrong(sources("compiler"), refuse) == []


def test_pure_values_need_no_amaranth() -> None:
    def refuse(module: str) -> bool:
        return is_in(module, ("amaranth",)) or (is_in(module, ("hw",)) and not is_in(module, PURE))

    assert wrong(pure_sources(), refuse) == []


def test_relative_and_late_imports_are_seen() -> None:
    assert set(imports(ROOT / "hw/numerics/__init__.py")) >= {"hw.numerics.apply", "hw.numerics.ops"}
    assert "hw.elaborate" in set(imports(ROOT / "sim/rtl/device.py"))
