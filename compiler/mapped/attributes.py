"""Attributes of the dialect's operations, from and to Python values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from xdsl.dialects.builtin import DenseArrayBase, FloatAttr, IntegerAttr, IntegerType, StringAttr, UnitAttr, f32, i64
from xdsl.ir import Attribute
from xdsl.irdl import AttrConstraint, VerificationContext
from xdsl.utils.exceptions import VerifyException

__all__ = ["F32", "INTS", "NUMBER", "Names", "attributes", "given"]

F32 = FloatAttr.constr(f32)
"""What a number such as ``1.5 : f32`` must be."""
NUMBER = F32 | IntegerAttr.constr(i64)
"""What a number of floats or, such as ``2 : i64``, of integers must be."""
INTS = DenseArrayBase.constr(i64)
"""What an ``array<i64: ...>`` must be."""

Member = TypeVar("Member", bound=Enum)


@dataclass(frozen=True, eq=False)
class Names(AttrConstraint[StringAttr], Generic[Member]):
    """What a string that names a member of an enum must be. Errors call the property ``field``."""

    field: str
    members: Mapping[str, Member]

    @classmethod
    def of(cls, field: str, enum: Iterable[Member]) -> Names[Member]:
        """The names of an enum's members in small letters."""
        return cls(field, {each.name.lower(): each for each in enum})

    def __getitem__(self, name: StringAttr) -> Member:
        """The member of that name."""
        return self.members[name.data]

    def text(self, member: Member) -> str:
        """Its name."""
        return next(name for name, each in self.members.items() if each is member)

    def verify(self, attr: Attribute, constraint_context: VerificationContext) -> None:
        """Refuse other strings."""
        if not isinstance(attr, StringAttr) or attr.data not in self.members:
            shown = repr(attr.data) if isinstance(attr, StringAttr) else attr
            raise VerifyException(f"{self.field} must be one of {', '.join(self.members)}, not {shown}")

    def get_bases(self) -> set[type[Attribute]]:
        """Strings."""
        return {StringAttr}

    def mapping_type_vars(self, type_var_mapping: Mapping[Any, Any]) -> Names[Member]:
        """Itself: it has no variables."""
        return self


Plain = Enum | bool | int | float | str | Sequence[int] | Attribute | None


def attributes(**values: Plain) -> Mapping[str, Attribute | None]:
    """Properties of an operation: ``i64``, ``f32`` and ``unit`` by the value's type; None and False are absent."""
    return {name: _attribute(value) for name, value in values.items()}


def _attribute(value: Plain) -> Attribute | None:
    match value:
        case None | False:
            return None
        case True:
            return UnitAttr()
        case Enum():
            return StringAttr(value.name.lower())
        case int():
            return IntegerAttr(value, i64)
        case float():
            return FloatAttr(value, f32)
        case str():
            return StringAttr(value)
        case Attribute():
            return value
        case _:
            return DenseArrayBase.from_list(i64, list(value))


def given(attribute: DenseArrayBase[IntegerType] | None) -> tuple[int, ...]:
    """The numbers of an array that may be absent."""
    return () if attribute is None else attribute.get_values()
