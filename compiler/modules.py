"""What the files of a package define: an operation is listed by lying in its package, nothing else names it."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from xdsl.ir import Operation

__all__ = ["modules_of", "operations_of"]


def modules_of(package: str) -> list[ModuleType]:
    """The modules of a package, imported, in the order of their names."""
    path = import_module(package).__path__
    return [import_module(f"{package}.{each}") for each in sorted(module.name for module in iter_modules(path))]


def operations_of(package: str, kind: type[Operation]) -> list[type[Operation]]:
    """The operations of this kind that the modules of a package define. What has no name is a base, and none."""
    return [
        value
        for module in modules_of(package)
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, kind)
        and value.__module__ == module.__name__
        and "name" in vars(value)
    ]
