"""That operations cannot share a PCU."""

from __future__ import annotations

__all__ = ["Unfit"]


class Unfit(Exception):
    """These operations need more than one PCU has."""
