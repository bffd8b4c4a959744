"""What each kind of unit can be told to do: the configuration fields, as pure values."""

from weft.hw.program.agcu import Agcu, AgcuKind, AgcuLevel, AgcuPart, When
from weft.hw.program.pcu import Accumulate, Input, InputMode, Pcu, Source, Stage
from weft.hw.program.pmu import WRITE_LEVELS, Pmu, PmuLevel, Port, Trigger, WriteLevel
from weft.hw.program.switch import Switch, switch_program
from weft.hw.program.unpack import BLOCK, Unpack

__all__ = [
    "BLOCK",
    "WRITE_LEVELS",
    "Accumulate",
    "Agcu",
    "AgcuKind",
    "AgcuLevel",
    "AgcuPart",
    "Input",
    "InputMode",
    "Pcu",
    "Pmu",
    "PmuLevel",
    "Port",
    "Source",
    "Stage",
    "Switch",
    "Trigger",
    "Unpack",
    "When",
    "WriteLevel",
    "switch_program",
]
