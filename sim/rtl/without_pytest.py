"""What cocotb takes of pytest, for the simulator's process: to import all of it would take longer than the rest."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

__all__ = ["USERS", "stand_in"]

USERS = (
    "weft.sim.rtl.without_pytest:stand_in",
    "cocotb.logging:_configure",
    "cocotb._init:init_package_from_simulation",
    "cocotb.regression:_run_regression",
)
"""What cocotb's PYGPI_USERS is to be: its own, but for coverage, after :func:`stand_in`."""


def stand_in() -> None:
    """Put modules in the place of pytest's that have the names cocotb looks at; no assertion is rewritten."""
    _module("pytest", raises=SimpleNamespace(Exception=AssertionError))
    _module("_pytest")
    _module("_pytest.config", Config=SimpleNamespace(fromdictargs=lambda *_: None))
    _module("_pytest.assertion", install_importhook=lambda _: None)


def _module(name: str, **members: object) -> None:
    module = ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
