"""Reading checked fields out of a JSON object, with sentences that name file, field, rule and value."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from weft.compiler.checkpoints.git_lfs import check_no_pointer
from weft.compiler.errors import WeftError
from weft.hw.shown import shown

_DIGITS = 1000
"""Of the longest number that is read exactly; Python refuses to read those of more than 4300."""
_MOST = 2**31 - 1


@dataclass(frozen=True)
class JsonFields:
    """A JSON object and the file it came from. A field that is `null` counts as absent.

    Each getter returns `default` for an absent field or, where no default is given, raises `WeftError`; it
    raises `WeftError` as well for a value that breaks the getter's rule.
    """

    file: Path
    fields: dict[str, object]

    def has(self, name: str) -> bool:
        return self.fields.get(name) is not None

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number of at least 1, and below 2**31."""
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self._broken(name, "a whole number of at least 1", value)
        self.require(name, value, f"at most {_MOST}", value <= _MOST)
        return value

    def positive(self, name: str, default: float | None = None) -> float:
        """A finite number above 0."""
        value = self._value(name, default)
        number = _as_float(value)
        if not 0 < number < math.inf:
            raise self._broken(name, "a finite number above 0", value)
        return number

    def flag(self, name: str, default: bool | None = None) -> bool:
        """`true` or `false`."""
        value = self._value(name, default)
        if not isinstance(value, bool):
            raise self._broken(name, "true or false", value)
        return value

    def inner(self, name: str) -> "JsonFields":
        """An inner object, under its outer file; an absent one is empty."""
        value = self.fields.get(name)
        if value is None:
            return JsonFields(self.file, {})
        if not isinstance(value, dict):
            raise self._broken(name, "a JSON object", value)
        return JsonFields(self.file, cast(dict[str, object], value))

    def require(self, name: str, value: object, rule: str, holds: bool) -> None:
        """Raises `WeftError` unless `holds`; `rule` completes "NAME must be ..."."""
        if not holds:
            raise self._broken(name, rule, value)

    def _value(self, name: str, default: object) -> object:
        value = self.fields.get(name)
        if value is None:
            value = default
        if value is None:
            raise WeftError(f"{self.file}: field {name!r} is missing")
        return value

    def _broken(self, name: str, rule: str, value: object) -> WeftError:
        return WeftError(f"{self.file}: field {name!r} must be {rule}, not {shown(value)}")


def read_json_object(file: Path) -> JsonFields:
    """Reads a file that holds one JSON object.

    Raises:
        WeftError: the file is missing or unreadable.
        WeftError: it is not UTF-8 JSON, or its outermost value is no object.
    """
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        raise WeftError(f"{file}: the file is missing") from None
    except OSError as error:
        raise WeftError(f"{file}: the file cannot be read ({error.strerror})") from None
    return parse_json_object(file, text)


def parse_json_object(file: Path, text: bytes) -> JsonFields:
    """Parses the bytes of one JSON object that were found in `file`.

    Raises:
        WeftError: the bytes are a pointer of git-lfs.
        WeftError: they are not UTF-8 JSON, an object has a field twice, or the outermost value is no object.
    """
    check_no_pointer(file, text)
    try:
        value: object = json.loads(text.decode("utf-8"), parse_int=_whole, object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise WeftError(f"{file}: must hold valid JSON, but {error}") from None
    if not isinstance(value, dict):
        raise WeftError(f"{file}: must hold a JSON object, not {type(value).__name__}")
    return JsonFields(file, cast(dict[str, object], value))


def _whole(digits: str) -> int | float:
    """A number without a point: one that is longer than any rule allows is infinite, as 1e400 is."""
    return int(digits) if len(digits) <= _DIGITS else float(digits)


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"an object has the field {shown(max(names, key=names.count))} twice")
    return fields


def _as_float(value: object) -> float:
    """A number as the nearest float, infinite where there is none; NaN for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf
