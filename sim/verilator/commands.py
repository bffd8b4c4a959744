"""Verilator and make, called as every part of a simulator needs them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path

from weft.sim.verilator import toolchain
from weft.sim.verilator.environment import build_environment
from weft.sim.verilator.processes import run

__all__ = ["BuildError", "Optimise", "compression_shim", "make", "tools", "verilate"]

_HERE = Path(__file__).parent
_UNIT_BYTES = 2_000_000
"""Of Verilator's C++ compiled at a time: g++ takes some hundred MB for it."""
_OPTIONS = ("-O3", "--timescale", "1ns/1ns", "--no-timing", "--x-assign", "fast", "--x-initial", "fast")
_QUIET = ("-Wno-lint", "-Wno-style", "-Wno-fatal", "--output-split", "10000")


class Optimise(StrEnum):
    """What a simulator is compiled for, as an option of g++."""

    LONG = "-O2"
    SHORT = "-O1"
    """Compiled in little more than half the time, up to a tenth slower (measured)."""
    ONCE = "-O0"
    """Compiled sooner again, and slow."""


class BuildError(RuntimeError):
    """Verilator or the C++ compiler refused; the sentence ends with their first complaint."""


def tools() -> tuple[str, ...]:
    """What else the result of :func:`verilate` and :func:`make` depends on than their arguments."""
    versions = (toolchain.VERILATOR_VERSION, version("verilator"), toolchain.compiler_version(), *toolchain.machine())
    return (*versions, *((_HERE / name).read_text() for name in ("commands.py", "environment.py", "toolchain.py")))


def verilate(work: Path, prefix: str, top: str, arguments: Sequence[str], *, assertions: bool) -> None:
    """Make C++ in ``work/obj`` of the files that ``arguments`` name, relative to ``work``.

    Raises
    ------
    BuildError
        The Verilog is wrong; ``work/build.log`` says more.
    """
    command = [str(toolchain.verilator_root() / "bin" / "verilator"), "--cc", "--prefix", prefix, "--top-module", top]
    command += ["-Mdir", "obj", *_OPTIONS, *_QUIET, "--assert" if assertions else "--no-assert"]
    _run([*command, *arguments], work)


def make(
    work: Path,
    makefile: str,
    targets: Sequence[str],
    *,
    jobs: int = 1,
    headers: Path | None = None,
    beside: Sequence[str] = (),
    optimise: Optimise = Optimise.LONG,
) -> None:
    """Make what a makefile in ``work/obj`` knows.

    ``headers`` is a precompiled header that Verilator's C++ includes first, in place of one for each model
    (:func:`weft.sim.verilator.pieces.headers_piece`); ``beside`` names C++ in ``work`` that becomes a part of the
    model.

    Raises
    ------
    BuildError
        The C++ is wrong; ``work/build.log`` says more.
    """
    command = ["make", "-j", str(jobs), "-C", "obj", "-f", makefile, *toolchain.make_variables()]
    command += [f"OPT_FAST={optimise}", f"OPT_GLOBAL={Optimise.SHORT}", f"OPT_SLOW={Optimise.ONCE}"]
    if headers:
        command += _units(work / "obj", makefile.removesuffix(".mk"), beside)
        first = f"-include {headers} -include $(VM_PREFIX)__pch.h"
        command += [f"VK_PCH_H={headers}", f"VK_PCH_I_FAST={first}", f"VK_PCH_I_SLOW={first}"]
    _run([*command, *targets], work)


def _units(folder: Path, model: str, beside: Sequence[str]) -> list[str]:
    """Variables of make that have it compile a few files, which include all that Verilator wrote for a model.

    Verilator's own are many and most of them small: to read their headers takes longer than the rest.
    """
    texts = [path.name for path in sorted(folder.glob(f"{model}*.cpp"))]
    slow = [name for name in texts if name.endswith("__Slow.cpp")]
    fast = [*(name for name in texts if name not in slow), *(f"../{name}" for name in beside)]
    variables = ["VM_SUPPORT_FAST=", "VM_SUPPORT_SLOW="]
    for kind, names in (("fast", fast), ("slow", slow)):
        units = _split(names, [(folder / name).stat().st_size for name in names])
        for number, unit in enumerate(units):
            (folder / f"{kind}_{number}.cpp").write_text("".join(f'#include "{name}"\n' for name in unit))
        listed = " ".join(f"{kind}_{number}" for number in range(len(units)))
        variables.append(f"VM_CLASSES_{kind.upper()}={listed}")
    return variables


def _split(names: Sequence[str], sizes: Sequence[int]) -> list[list[str]]:
    """Names in their order, in groups that are no larger than they must be."""
    groups: list[list[str]] = []
    room = 0
    for name, size in zip(names, sizes, strict=True):
        if not groups or size > room:
            groups.append([])
            room = _UNIT_BYTES
        groups[-1].append(name)
        room -= size
    return groups


def compression_shim(work: Path) -> tuple[str, str]:
    """Flags of compiler and linker for FST waves, which ask for lz4 and zlib.

    Where either's header is missing, ours stand in, and empty libraries.
    """
    probe = ["g++", "-E", "-x", "c++", "-", "-o", os.devnull]
    source, clean = "#include <lz4.h>\n#include <zlib.h>\n", build_environment()
    if subprocess.run(probe, input=source, text=True, capture_output=True, check=False, env=clean).returncode == 0:
        return "", ""
    for name in ("liblz4.a", "libz.a"):
        subprocess.run(["ar", "rc", str(work / name)], check=True, capture_output=True, env=clean)
    return f"-I{_HERE / 'shim'}", f"-L{work}"


def _run(command: list[str], work: Path) -> None:
    with (work / "build.log").open("a") as log:
        log.write(" ".join(command) + "\n")
        log.flush()
        status = run(command, folder=work, output=log)
    if status:
        lines = (work / "build.log").read_text().splitlines()
        complaints = [line for line in lines if "rror" in line and "-Werror" not in line] or lines[-1:]
        raise BuildError(f"{Path(command[0]).name} failed, see {work / 'build.log'}: {complaints[0].strip()}")
