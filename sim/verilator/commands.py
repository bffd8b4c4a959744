"""Verilator and make, called as every part of a simulator needs them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from weft.sim.verilator import toolchain

__all__ = ["BuildError", "compression_shim", "make", "tools", "verilate"]

_HERE = Path(__file__).parent
_OPTIMISE = "-O2"
_OPTIONS = ("-O3", "--timescale", "1ns/1ns", "--no-timing", "--x-assign", "fast", "--x-initial", "fast")
_QUIET = ("-Wno-lint", "-Wno-style", "-Wno-fatal", "--output-split", "10000")


class BuildError(RuntimeError):
    """Verilator or the C++ compiler refused; the sentence ends with their first complaint."""


def tools() -> tuple[str, ...]:
    """What else the result of :func:`verilate` and :func:`make` depends on than their arguments."""
    versions = (toolchain.VERILATOR_VERSION, version("verilator"), toolchain.compiler_version())
    return (*versions, (_HERE / "commands.py").read_text(), (_HERE / "toolchain.py").read_text())


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


def make(work: Path, makefile: str, targets: Sequence[str], *, jobs: int = 1, headers: Path | None = None) -> None:
    """Make what a makefile in ``work/obj`` knows.

    ``headers`` is a precompiled header that Verilator's C++ includes first, in place of one for each model
    (:func:`weft.sim.verilator.pieces.headers_piece`).

    Raises
    ------
    BuildError
        The C++ is wrong; ``work/build.log`` says more.
    """
    command = ["make", "-j", str(jobs), "-C", "obj", "-f", makefile, *toolchain.make_variables()]
    command += [f"OPT_FAST={_OPTIMISE}", f"OPT_GLOBAL={_OPTIMISE}", "OPT_SLOW=-O0"]
    if headers:
        first = f"-include {headers} -include $(VM_PREFIX)__pch.h"
        command += [f"VK_PCH_H={headers}", f"VK_PCH_I_FAST={first}", f"VK_PCH_I_SLOW={first}"]
    _run([*command, *targets], work)


def compression_shim(work: Path) -> tuple[str, str]:
    """Flags of compiler and linker for FST waves, which ask for lz4 and zlib.

    Where either's header is missing, ours stand in, and empty libraries.
    """
    probe = ["g++", "-E", "-x", "c++", "-", "-o", os.devnull]
    source = "#include <lz4.h>\n#include <zlib.h>\n"
    if subprocess.run(probe, input=source, text=True, capture_output=True, check=False).returncode == 0:
        return "", ""
    for name in ("liblz4.a", "libz.a"):
        subprocess.run(["ar", "rc", str(work / name)], check=True, capture_output=True)
    return f"-I{_HERE / 'shim'}", f"-L{work}"


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
