"""A simulator with a ``main`` of its own, without cocotb: for benches that drive a component from C++."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from weft.sim.verilator.commands import Optimise, make, verilate
from weft.sim.verilator.edge import edge_calls, edge_declarations
from weft.sim.verilator.pieces import headers_piece, library_piece

__all__ = ["build_plain"]


def build_plain(files: Mapping[str, str], *, top: str, folder: Path, optimise: Optimise = Optimise.LONG) -> Path:
    """Verilate and compile ``files``, text by name, in ``folder``; returns the executable.

    One of them has ``main`` and includes ``V{top}.h``, or ``cycle.h``, where ``cycle(model, changed)`` is a cycle as
    :mod:`weft.sim.verilator.edge` has it.

    Raises
    ------
    BuildError
        Verilator or the compiler refused.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    library = " ".join(str(each) for each in sorted(library_piece().glob("*.o")))
    sources = [f"../{name}" if name.endswith(".cpp") else name for name in files if not name.endswith(".h")]
    arguments = ["--exe", "--vpi", "-CFLAGS", "-I..", "-LDFLAGS", library, *sources]
    verilate(folder, f"V{top}", top, arguments, assertions=False)
    (folder / "cycle.h").write_text(_cycle(folder / "obj", top))
    make(folder, f"V{top}.mk", ["VK_GLOBAL_OBJS=", f"V{top}"], jobs=2, headers=headers_piece(), optimise=optimise)
    return folder / "obj" / f"V{top}"


def _cycle(folder: Path, top: str) -> str:
    return "\n".join(
        [
            "#pragma once",
            f'#include "V{top}.h"',
            f'#include "V{top}___024root.h"',
            *edge_declarations(top),
            f"inline void cycle(V{top}& model, [[maybe_unused]] bool changed) {{",
            *(f"    {call}" for call in edge_calls(folder, top)),
            "}",
            "",
        ]
    )
