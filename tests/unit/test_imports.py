"""The dependencies between the packages point one way."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("hw", "compiler", "sim", "fpga", "weft")
"""Folders at the root. What ``weft/`` holds is the package ``weft``, and ``hw/`` is its ``weft.hw``, and so on."""
MAY_IMPORT = {
    "hw": {"hw"},
    "compiler": {"hw", "compiler"},
    "sim": {"hw", "compiler", "sim"},
    "fpga": {"hw", "sim", "fpga"},
    "weft": {"hw", "compiler", "sim", "fpga", "weft"},
}
PURE = tuple(
    f"weft.hw.{name}"
    for name in ("spec", "presets", "fields", "program", "topology", "address_map", "numerics", "shown")
)
"""The values of ``hw`` that the compiler may use, and that can be imported without Amaranth."""
COMPILER = (
    "models",
    "choosing",
    "compile",
    "timing",
    "passes",
    "drawings",
    "backend",
    "interpreter",
    "mapped",
    "step",
    "checkpoints",
    "weights",
    "netlist",
    "modules",
    "errors",
)
"""The folders of the compiler from the top: each imports only those below it."""


def module_of(path: Path) -> tuple[str, ...]:
    """The parts of a module's full name: ``hw/spec.py`` is ``weft.hw.spec``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts if parts[0] == "weft" else ("weft", *parts)


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, in functions too, with the relative ones resolved."""
    here = module_of(path)
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield ".".join((*here[: -node.level], *filter(None, [node.module])))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.count(".") < 2:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def package_of(module: str) -> str | None:
    """The folder at the root that a module of Weft lies in."""
    top, *rest = module.split(".")
    if top != "weft":
        return None
    return rest[0] if rest and rest[0] in PACKAGES else "weft"


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def pure_sources() -> list[Path]:
    paths = [ROOT.joinpath(*module.split(".")[1:]) for module in PURE]
    return [each for path in paths for each in ([path.with_suffix(".py")] if not path.is_dir() else path.rglob("*.py"))]


def wrong(paths: list[Path], refuse: Callable[[str], bool]) -> list[str]:
    assert paths
    return [f"{path.relative_to(ROOT)}: {module}" for path in paths for module in imports(path) if refuse(module)]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_those_below_them(package: str) -> None:
    above = set(PACKAGES) - MAY_IMPORT[package]
    assert wrong(sources(package), lambda module: package_of(module) in above) == []


@pytest.mark.parametrize("folder", COMPILER)
def test_folders_of_the_compiler_import_only_those_below_them(folder: str) -> None:
    above = tuple(f"weft.compiler.{name}" for name in COMPILER[: COMPILER.index(folder)])
    path = ROOT / "compiler" / folder
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    assert wrong(files, lambda module: is_in(module, above)) == []


def test_every_folder_of_the_compiler_has_its_place() -> None:
    found = {
        path.stem for path in (ROOT / "compiler").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert found - {"__init__"} == set(COMPILER)


def refuse_amaranth(module: str) -> bool:
    return is_in(module, ("amaranth",)) or (is_in(module, ("weft.hw",)) and not is_in(module, PURE))


def test_compiler_knows_only_the_pure_values_of_hw() -> None:
    assert wrong(sources("compiler"), refuse_amaranth) == []


def test_pure_values_need_no_amaranth() -> None:
    assert wrong(pure_sources(), refuse_amaranth) == []


def test_relative_and_late_imports_are_seen() -> None:
    assert set(imports(ROOT / "hw/numerics/__init__.py")) >= {"weft.hw.numerics.apply", "weft.hw.numerics.ops"}
    assert "weft.hw.elaborate" in set(imports(ROOT / "sim/rtl/device.py"))
