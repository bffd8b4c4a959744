"""A value in a sentence for people: whole if it is short, else its beginning and end."""

from __future__ import annotations

from reprlib import Repr

__all__ = ["shown"]

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 100
_SHORT.maxlong = 40
_SHORT.maxlist = _SHORT.maxtuple = 12


def shown(value: object) -> str:
    """The ``repr`` of a value, shortened."""
    return _SHORT.repr(value)
