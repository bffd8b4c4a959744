"""Random fabrics, large enough for a program of a few operations."""

from __future__ import annotations

from choices import Choices

from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec

__all__ = ["random_fabric"]


def random_fabric(choices: Choices) -> FabricSpec:
    """Preset ``demo`` with 8, 4 or 16 lanes; half of the time its units are of other sizes, too."""
    spec = PRESETS["demo"].replace(lanes=choices.pick((8, 4, 16)))
    if not choices.once_in(2):
        return spec
    registers = choices.pick((4, 3, 2))
    return spec.replace(
        stages=choices.pick((4, 2, 3, 5, 6)),
        registers=registers,
        vector_inputs=min(registers, choices.pick((3, 2, 4))),
        scalar_inputs=choices.pick((4, 2, 3, 6)),
        acc_depth=choices.pick((64, 8, 16, 4)),
        pmu_lines=choices.pick((512, 64, 128, 32)),
        fifo_depth=choices.pick((4, 2, 8)),
    )
