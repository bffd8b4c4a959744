"""The performance model: a mapped program run in time, on beats without numbers."""

from compiler.performance.advice import Change, advise, lift
from compiler.performance.prediction import Bound, Phase, Prediction, predict
from compiler.performance.timing import Memory

__all__ = ["Bound", "Change", "Memory", "Phase", "Prediction", "advise", "lift", "predict"]
