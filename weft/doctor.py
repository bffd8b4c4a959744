"""``weft doctor``: whether this machine has what Weft needs."""

from __future__ import annotations

import sys

import typer

from weft.common import FAILED, example, show
from weft.options import Json

__all__ = ["EPILOG", "doctor"]

EPILOG = example("weft doctor")
_PYTHON = (3, 11)


def doctor(json: Json = False) -> None:
    """Say which tools are here, in which version, and what is missing. Exit code 1 if something is."""
    from importlib.metadata import version

    from weft.hw.verilog_cache import cache_folder
    from weft.sim.verilator.toolchain import Check, check_versions

    python = ".".join(map(str, sys.version_info[:3]))
    checks = [
        Check("weft", version("weft"), True),
        Check("python", python, sys.version_info >= _PYTHON),
        *check_versions(),
    ]
    good = all(check.ok for check in checks)
    width = max(len(check.name) for check in checks)
    lines = [f"{'ok ' if check.ok else 'BAD'}  {check.name:{width}}  {check.found}" for check in checks]
    lines += ["", f"Verilog is kept in {cache_folder()}"]
    lines += ["Everything is here." if good else "What is marked BAD is missing or too old."]
    value = {
        "ok": good,
        "checks": [{"name": check.name, "found": check.found, "ok": check.ok} for check in checks],
        "cache": str(cache_folder()),
    }
    show(value, "\n".join(lines), as_json=json)
    if not good:
        raise typer.Exit(FAILED)
