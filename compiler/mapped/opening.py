"""Operations that say the program of a PCU themselves."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue
from xdsl.irdl import IRDLOperation

from weft.hw.program import Pcu
from weft.hw.spec import FabricSpec

__all__ = ["OpeningOp"]


class OpeningOp(IRDLOperation):
    """An operation that comes first in a PCU: its header and first stages are as the operation says.

    Its result is then in register 0, where operations that follow in the same PCU find it.
    """

    @property
    def vector(self) -> Sequence[SSAValue]:
        """The values at the vector inputs, in the order of the ports."""
        raise NotImplementedError

    @property
    def scalar(self) -> Sequence[SSAValue]:
        """The values at the scalar inputs, likewise."""
        return ()

    @property
    def unpacked(self) -> SSAValue | None:
        """The value that the header unpacks if it comes as bf16 pairs; None if all come as they are."""
        return None

    def program(self, spec: FabricSpec) -> Pcu:
        """Header and stages; which ports give the result is not for the operation to say.

        Raises
        ------
        WeftError
            A PCU of this fabric cannot do it.
        """
        raise NotImplementedError
