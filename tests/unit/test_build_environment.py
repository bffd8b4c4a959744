"""What of the user's environment reaches builds and simulators, and what of a path."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from weft.compiler.errors import WeftError
from weft.sim.verilator import toolchain
from weft.sim.verilator.commands import tools
from weft.sim.verilator.environment import build_environment, cocotb_environment
from weft.sim.verilator.paths import check_path

STEERING = """
CFLAGS CXXFLAGS CPPFLAGS LDFLAGS ASFLAGS ARFLAGS USER_CPPFLAGS LDLIBS LOADLIBES CC CXX CPP LD AR AS CPATH
C_INCLUDE_PATH CPLUS_INCLUDE_PATH LIBRARY_PATH COMPILER_PATH GCC_EXEC_PREFIX LD_RUN_PATH DEPENDENCIES_OUTPUT
SOURCE_DATE_EPOCH COLLECT_GCC_OPTIONS NIX_CFLAGS_COMPILE MAKE MAKEFLAGS GNUMAKEFLAGS MFLAGS MAKEFILES MAKELEVEL
MAKEOVERRIDES MAKE_TERMOUT VPATH OBJCACHE CCACHE_DIR CCACHE_PREFIX CCACHE_DISABLE SCCACHE_DIR DISTCC_HOSTS
ICECC_VERSION VERILATOR_BIN VERILATOR_TEST_FLAGS VERILATOR_GDB VM_PARALLEL_BUILDS OPT OPT_FAST SYSTEMC_INCLUDE
PERL5OPT PERL5LIB PYTHONPATH PYTHONHOME PYTHONSTARTUP BASH_ENV ENV SHELLOPTS
"""
HARMLESS = ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "TERM", "MY_LOG", "SSH_AUTH_SOCK", "XDG_CACHE_HOME")
COCOTB = """
COCOTB_LIST_TESTS COCOTB_TEST_FILTER COCOTB_TESTCASE COCOTB_USER_COVERAGE COCOTB_PLUSARGS COCOTB_SCHEDULER_DEBUG
COCOTB_ATTACH COCOTB_ENABLE_PROFILING COCOTB_PREVIEW COCOTB_REWRITE_ASSERTION_FILES COCOTB_LOG_PREFIX
COCOTB_MAX_FAILURES COCOTB_RESOLVE_X COCOTB_LIBRARY_COVERAGE COCOTB_RANDOM_TEST_ORDER PYGPI_USERS GPI_EXTRA
GPI_LOG_LEVEL GPI_DEBUG MODULE TESTCASE TOPLEVEL RANDOM_SEED COVERAGE LIBPYTHON_LOC PYTHONOPTIMIZE
"""


@pytest.mark.parametrize("name", STEERING.split())
def test_what_steers_a_build_does_not_reach_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "odd")
    assert "odd" not in build_environment().values()


def test_no_variable_of_verilators_make_files_reaches_make(monkeypatch: pytest.MonkeyPatch) -> None:
    """make takes each variable of the environment for one of its own."""
    text = (toolchain.verilator_root() / "include" / "verilated.mk").read_text()
    names = set(re.findall(r"\$[({](\w+)", text)) | set(re.findall(r"^(\w+) *\+?=", text, re.MULTILINE))
    assert {"CPPFLAGS", "VK_USER_OBJS", "USER_LDLIBS"} < names
    for name in names:
        monkeypatch.setenv(name, "odd")
    assert "odd" not in build_environment().values()


@pytest.mark.parametrize("name", HARMLESS)
def test_other_variables_reach_a_build(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "kept")
    assert build_environment()[name] == "kept"


@pytest.mark.parametrize("name", COCOTB.split())
def test_no_variable_of_cocotb_reaches_a_simulator(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "odd")
    assert "odd" not in cocotb_environment("top", "bench", Path(), seed=1).values()


def test_what_a_bench_of_the_user_reads_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SETTING", "kept")
    environment = cocotb_environment("top", "bench", Path("/results"), seed=7)
    assert environment["MY_SETTING"] == "kept"
    assert (environment["COCOTB_TEST_MODULES"], environment["COCOTB_RANDOM_SEED"]) == ("bench", "7")


def test_the_machine_is_part_of_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    before = tools()
    for function in ("system", "machine"):
        with monkeypatch.context() as patched:
            patched.setattr(f"platform.{function}", lambda: "another")
            toolchain.machine.cache_clear()
            assert tools() != before
    toolchain.machine.cache_clear()
    assert tools() == before


@pytest.mark.parametrize("sign", list(" \t\n`$'\"\\;&|<>()[]{}*?!#%:=,^"))
def test_a_path_that_make_or_a_shell_would_not_take_is_refused(sign: str) -> None:
    with pytest.raises(WeftError, match=r"^the cache folder must have no spaces in its path, and only letters"):
        check_path("the cache folder", Path(f"/tmp/a{sign}b"))


@pytest.mark.parametrize("path", ["/tmp/a-b_c.d", "/tmp/häßlich/日本", "/tmp/user@host/c++/~old"])
def test_other_paths_are_taken(path: str) -> None:
    assert check_path("the cache folder", Path(path)) == Path(path)
