"""What is installed is one package, `weft`, and leaves all other names alone."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("hw", "compiler", "sim", "fpga")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_every_folder_with_modules_is_installed_under_its_name() -> None:
    folders = [
        path.parent.relative_to(ROOT) for top in ("weft", *FOLDERS) for path in (ROOT / top).rglob("__init__.py")
    ]
    found = {".".join(path.parts if path.parts[0] == "weft" else ("weft", *path.parts)) for path in folders}
    assert set(SETTINGS["packages"]) == found
    assert SETTINGS["package-dir"] == {"weft": "weft", **{f"weft.{name}": name for name in FOLDERS}}


def test_files_beside_modules_are_installed_with_them() -> None:
    kinds = {
        f"weft.{top}": {
            f"**/*{path.suffix}" for path in (ROOT / top).rglob("*") if path.suffix in (".cpp", ".h", ".sv", ".vlt")
        }
        for top in FOLDERS
    }
    assert {name: set(globs) for name, globs in SETTINGS["package-data"].items()} == {
        k: v for k, v in kinds.items() if v
    }


def test_a_project_may_have_folders_of_these_names(tmp_path: Path) -> None:
    for name in FOLDERS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("mine = True\n")
    program = tmp_path / "add.mlir"
    program.write_text((ROOT / "examples" / "elementwise.mlir").read_text())
    script = (
        "import hw, sim, compiler, fpga; assert hw.mine and sim.mine and compiler.mine and fpga.mine\n"
        "from weft.cli import main; import sys\n"
        "sys.argv = ['weft', 'compile', 'add.mlir', '--out', 'made']; main()"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "made" / "image.bin").exists()
