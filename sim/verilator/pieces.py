"""The pieces that a simulator is linked from, each compiled once for its content and kept.

A change in one block compiles that block again, and no other; another array of the same blocks compiles none.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from weft.sim.verilator.block import block_counters, block_glue, block_ports
from weft.sim.verilator.commands import BuildError, Optimise, compression_shim, make, tools, verilate
from weft.sim.verilator.edge import edge_calls
from weft.sim.verilator.store import cache_folder, content_key, kept

__all__ = ["HEADERS", "block_piece", "cpp_piece", "headers_piece", "library_piece", "waves_piece"]

_HERE = Path(__file__).parent
HEADERS = ("array.h", "block.h", "ports.h")
"""What the C++ of a simulator includes beside its own headers."""
_COMMON = '#include "verilated.h"\n#include "verilated_dpi.h"\n#include "verilated_vpi.h"\n'
_OBJECTS = "include Vempty.mk\nlibrary: $(VK_GLOBAL_OBJS)\nsources: $(VK_USER_OBJS)\nwaves: verilated_fst_c.o\n"
# DPI, so that Verilator's library has what the other pieces want of it.
_EMPTY = 'module empty; import "DPI-C" function void nothing(); initial if (0) nothing(); endmodule\n'


def block_piece(
    block: str, files: Mapping[str, str], *, counters: str, assertions: bool, optimise: Optimise = Optimise.LONG
) -> Path:
    """Folder with ``{block}.a``, the block as a part of an array, and ``V{block}.h``, which declares its ports.

    ``files`` are the Verilog of the block and what it may instantiate; ``counters`` as in
    :func:`weft.sim.verilator.block.block_counters`, or empty.

    Raises
    ------
    BuildError
        The Verilog is wrong.
    """
    glue = [(_HERE / name).read_text() for name in ("block.py", "edge.py")]
    parts = [glue, block, sorted(files.items()), counters, assertions, optimise]
    return _kept(parts, partial(_make_block, block, files, counters, assertions, optimise))


def _make_block(
    block: str, files: Mapping[str, str], counters: str, assertions: bool, optimise: Optimise, work: Path, result: Path
) -> None:
    _write(work, files)
    glue = f"{block}_glue.cpp"
    verilate(work, f"V{block}", block, ["-CFLAGS", "-I..", *files], assertions=assertions)
    objects = work / "obj"
    ports = block_ports(objects / f"V{block}.h")
    counted = block_counters(objects / f"V{block}___024root.h", counters) if counters else {}
    (work / glue).write_text(block_glue(block, ports, counted, edge_calls(objects, block)))
    make(work, f"V{block}.mk", [f"V{block}__ALL.a"], headers=headers_piece(), beside=[glue], optimise=optimise)
    if not (objects / f"V{block}__ALL.a").is_file():
        raise BuildError(f"make ended without an error but did not make V{block}__ALL.a, see {work / 'build.log'}")
    (objects / f"V{block}__ALL.a").rename(result / f"{block}.a")
    shutil.copy(objects / f"V{block}.h", result)


def headers_piece() -> Path:
    """The header that the C++ of every model includes first, with what the compiler made of it beside it.

    A precompiled header of its own for each model, as Verilator has it, takes longer to make than most models.
    """
    return _kept([_COMMON], partial(_make_headers)) / "common.h"


def _make_headers(work: Path, result: Path) -> None:
    _write(work, {"empty.sv": _EMPTY})
    verilate(work, "Vempty", "empty", ["--exe", "--vpi", "-CFLAGS", "-I..", "empty.sv"], assertions=False)
    (work / "obj" / "common.h").write_text(_COMMON)
    kinds = [f"common.h.{speed}.gch" for speed in ("fast", "slow")]
    make(work, "Vempty.mk", kinds)
    if not all((work / "obj" / name).is_file() for name in kinds):
        raise BuildError(f"make ended without an error but did not make common.h.*.gch, see {work / 'build.log'}")
    for name in ("common.h", *kinds):
        (work / "obj" / name).rename(result / name)
    # Where there is such a folder, g++ takes that of its files which was made with the same options.
    (result / "common.h.gch").mkdir()
    for name in kinds:
        (result / "common.h.gch" / name).symlink_to(f"../{name}")


def library_piece() -> Path:
    """Folder with the objects of what Verilator brings along for every simulator."""
    return _kept(["library"], partial(_make_objects, {}, "library"))


def waves_piece() -> Path:
    """Folder with the object that writes FST, beside those of :func:`library_piece`, which are the same then."""
    return _kept(["waves"], partial(_make_objects, {}, "waves"))


def cpp_piece(files: Mapping[str, str]) -> Path:
    """Folder with the objects of C++ that does not depend on the design; ``files`` are sources and headers.

    Raises
    ------
    BuildError
        The C++ is wrong.
    """
    return _kept([sorted(files.items())], partial(_make_objects, files, "sources"))


def _make_objects(files: Mapping[str, str], what: str, work: Path, result: Path) -> None:
    _write(work, {**files, "empty.sv": _EMPTY})
    waves = what == "waves"
    flags = f"-I.. {compression_shim(work)[0]}" if waves else "-I.."
    arguments = ["--exe", "--vpi", *["--trace-fst"] * waves, "-CFLAGS", flags, "empty.sv"]
    sources = sorted(f"../{name}" for name in files if name.endswith(".cpp"))
    verilate(work, "Vempty", "empty", [*arguments, *sources], assertions=False)
    (work / "obj" / "objects.mk").write_text(_OBJECTS)
    make(work, "objects.mk", [what])
    objects = sorted((work / "obj").glob("*.o"))
    if len(objects) < max(len(sources), int(what != "sources")):
        raise BuildError(f"make ended without an error but made only {len(objects)} objects, see {work / 'build.log'}")
    for path in objects:
        path.rename(result / path.name)


def _kept(parts: list[object], fill: partial[None]) -> Path:
    shared = [(_HERE / name).read_text() for name in (*HEADERS, "pieces.py")]
    return kept(cache_folder() / "pieces", content_key(fill.func.__name__, tools(), shared, parts), fill)


def _write(work: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (work / name).write_text(text)
    for name in HEADERS:
        shutil.copy(_HERE / name, work)
