"""What `weft inspect` says of a PCU's integers, mask and merge."""

from __future__ import annotations

from weft.compiler.backend.fit import fit
from weft.compiler.backend.image import describe, read_image, write_image
from weft.compiler.netlist.netlist import Netlist, Unit
from weft.hw.numerics.ops import Op
from weft.hw.presets import PRESETS
from weft.hw.program import Accumulate, Pcu, Source, Stage

TINY = PRESETS["tiny"]


def test_constants_of_integer_operations_are_integers() -> None:
    program = Pcu(
        merge=True,
        merge_rank=2,
        stages=(
            Stage(Op.IADD, Source.REG0, c=Source.ACC, const=0xFFFFFFFE),
            Stage(Op.ILT, Source.REG0, c=Source.CONST, const=13),
        ),
        accumulate=Accumulate.SCAN,
        acc_rank=1,
        row_lanes=3,
    )
    mapping = fit(Netlist({"p": Unit("p", program)}, ()), TINY)
    decoded = read_image(write_image(mapping, 0, spec=TINY), TINY)
    assert [each.row_lanes for each in decoded.programs.values() if isinstance(each, Pcu)] == [3]
    text = describe(decoded)
    for line in (
        "merge to merge_rank=2",
        "stage 0: REG0 := IADD(a=REG0, c=ACC), first const=-2",
        "stage 1: REG0 := ILT(a=REG0, c=13)",
        "accumulate SCAN acc_row=0 acc_rank=1 row_lanes=3",
    ):
        assert line in text
