"""What each kind of unit can be told to do: the configuration fields, as pure values."""

from hw.program.agcu import Agcu, AgcuKind, AgcuLevel, When
from hw.program.pcu import Accumulate, Input, InputMode, Pcu, Source, Stage
from hw.program.pmu import Pmu, PmuLevel, Port, Trigger
from hw.program.switch import Switch, switch_program

__all__ = [
    "Accumulate",
    "Agcu",
    "AgcuKind",
    "AgcuLevel",
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
    "When",
    "switch_program",
]
