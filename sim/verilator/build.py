"""Simulators from Verilog: built once for each content, kept, and started with cocotb inside.

cocotb's own runner makes every signal public, which multiplies the time of the C++ build and of the run (measured: over
15 minutes against 101 s); here only what a bench names is. Everything else is cocotb's: its VPI library is linked
in, its environment set, its tests run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

import cocotb_tools.config

from weft.sim.verilator import toolchain
from weft.sim.verilator.array import array_glue, array_stub
from weft.sim.verilator.block import block_ports
from weft.sim.verilator.commands import BuildError, Optimise, compression_shim, make, tools, verilate
from weft.sim.verilator.pieces import HEADERS, block_piece, cpp_piece, headers_piece, library_piece, waves_piece
from weft.sim.verilator.processes import at_once
from weft.sim.verilator.store import cache_folder, content_key, kept
from weft.sim.verilator.structure import lone, read_structure

__all__ = ["BuildError", "Design", "Simulator", "build", "cache_folder"]

_HERE = Path(__file__).parent
_SOURCES = (*HEADERS, "main.cpp", "array.py", "block.py", "build.py", "pieces.py", "structure.py")


@dataclass(frozen=True)
class Design:
    """What a simulator is built of.

    ``files`` are Verilog by name, ``cpp`` C++ and headers likewise. ``public`` names the signals of ``top`` that cocotb
    can see. ``blocks`` are modules that are compiled on their own (:mod:`weft.sim.verilator.block`): the time to build
    then grows with the distinct modules, not with their instances; ``counters`` names their submodule that only counts.
    ``array`` names a module that only joins blocks: they are then simulated as its parts
    (:mod:`weft.sim.verilator.array`), and what is between them is no signal of the design. A file ``{module}.v`` holds
    each. With ``clock`` the simulation loop drives ``clk`` of ``top`` itself (10 ns a cycle), else the bench does.
    ``main`` is C++ that stands in place of the loop and of cocotb, around the same model.
    """

    top: str
    files: Mapping[str, str]
    public: tuple[str, ...]
    cpp: Mapping[str, str] = field(default_factory=dict)
    blocks: tuple[str, ...] = ()
    array: str = ""
    counters: str = ""
    clock: bool = False
    main: str = ""
    waves: bool = False
    assertions: bool = True
    optimise: Optimise = Optimise.LONG

    @property
    def key(self) -> str:
        """Hash of the content, the options and the tools: equal keys mean equal simulators."""
        sources = [(_HERE / name).read_text() for name in _SOURCES]
        options = (self.top, self.public, self.blocks, self.array, self.counters, self.main)
        switches = (self.clock, self.waves, self.assertions, self.optimise)
        texts = (sorted(self.files.items()), sorted(self.cpp.items()))
        cocotb = (version("cocotb"), str(cocotb_tools.config.libs_dir))
        return content_key(tools(), cocotb, sources, options, switches, texts)


@dataclass(frozen=True)
class Simulator:
    """A built simulator."""

    executable: Path
    top: str


def build(design: Design) -> Simulator:
    """The simulator of a design, from the cache if it was built before; its pieces likewise.

    Raises
    ------
    WeftError
        No C++ compiler, make, perl or Verilator; or one of the folders in use has a path that make cannot handle.
    BuildError
        The Verilog or the C++ is wrong.
    """
    root = cache_folder() / "simulators"
    if shutil.which("g++") is None:
        toolchain.require()
    key = design.key
    if not (root / key).is_dir():
        toolchain.require()
    return Simulator(kept(root, key, partial(_build, design)) / "simulator", design.top)


def _build(design: Design, work: Path, result: Path) -> None:
    texts = {name: text for name, text in design.files.items() if name.removesuffix(".v") not in design.blocks}
    for name, text in {**texts, "weft.vlt": _control_file(design)}.items():
        (work / name).write_text(text)
    for name in ("main.cpp", *HEADERS):
        shutil.copy(_HERE / name, work)
    if design.main:
        (work / "main.cpp").write_text(design.main)
    with at_once(_jobs()) as pool:
        library = pool.submit(library_piece)
        waves = [pool.submit(waves_piece)] if design.waves else []
        blocks = {block: pool.submit(_block, design, block) for block in design.blocks}
        sources = pool.submit(cpp_piece, design.cpp)
        folders = {block: future.result() for block, future in blocks.items()}
    linked = [str(folder / f"{block}.a") for block, folder in folders.items()]
    linked += [str(each) for folder in (sources, library, *waves) for each in sorted(folder.result().glob("*.o"))]
    ports = {block: block_ports(folder / f"V{block}.h") for block, folder in folders.items()}
    if design.array:
        structures = [read_structure(design.files[f"{design.array}.v"])]
    else:
        structures = [lone(*each) for each in ports.items()]
    for structure in structures:
        (work / f"{structure.module}_stub.sv").write_text(array_stub(structure))
        (work / f"{structure.module}_array.cpp").write_text(array_glue(structure, ports))
    verilate(work, "Vtop", design.top, _arguments(design, work, linked), assertions=design.assertions)
    make(
        work,
        "Vtop.mk",
        ["VK_GLOBAL_OBJS=", "simulator"],
        jobs=_jobs(),
        headers=headers_piece(),
        optimise=design.optimise,
    )
    for each in ("build.log", "obj/simulator"):
        (work / each).rename(result / Path(each).name)


def _jobs() -> int:
    return min(os.cpu_count() or 1, 8)


def _block(design: Design, block: str) -> Path:
    """The piece of a block. What it may instantiate is in the files that hold no other block, nor the top."""
    others = {f"{name}.v" for name in design.blocks if name != block}
    tops = {f"{design.top}.sv", "weft_chip.v", "weft_fabric.v"}
    names = [name for name in design.files if name not in others | tops and name.endswith((".v", ".sv"))]
    files = {name: design.files[name] for name in names}
    options = {"assertions": design.assertions, "optimise": design.optimise}
    return block_piece(block, files, counters=design.counters, **options)


def _control_file(design: Design) -> str:
    lines = ["`verilator_config"]
    lines += [f'public_flat_rw -module "{design.top}" -var "{name}"' for name in design.public]
    return "\n".join(lines) + "\n"


def _arguments(design: Design, work: Path, linked: list[str]) -> list[str]:
    """Verilator's, for all that is no block; with what to link."""
    libraries = cocotb_tools.config.libs_dir
    flags = "-I.." + " -DWEFT_CLOCK" * design.clock
    cocotb = "" if design.main else f" -L{libraries} -lcocotbvpi_verilator -Wl,-rpath,{libraries}"
    link = " ".join([*linked, f"-rdynamic{cocotb}"])
    arguments = ["--exe", "--vpi", "-o", "simulator"]
    if design.waves:
        arguments += ["--trace-fst", "--trace-structs"]
        compiled, joined = compression_shim(work)
        flags, link = f"{flags} {compiled}", f"{link} {joined}"
    stubs = (design.array,) if design.array else design.blocks
    names = [name for name in design.files if name.removesuffix(".v") not in (*design.blocks, *stubs)]
    names += [f"{module}_stub.sv" for module in stubs]
    cpp = ["main.cpp", *(f"{module}_array.cpp" for module in stubs)]
    return [*arguments, "-CFLAGS", flags, "-LDFLAGS", link, "weft.vlt", *names, *(f"../{name}" for name in cpp)]
