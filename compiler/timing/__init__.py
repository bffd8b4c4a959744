"""The performance model: a mapped program run in time, on beats without numbers."""

from weft.compiler.timing.advice import Change, advise, lift
from weft.compiler.timing.prediction import Bound, Phase, Prediction, predict
from weft.compiler.timing.timing import Memory

__all__ = ["Bound", "Change", "Memory", "Phase", "Prediction", "advise", "lift", "predict"]
