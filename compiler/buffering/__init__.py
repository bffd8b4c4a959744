"""Buffer sizing and the static deadlock check: a program run on counts of beats, in no more room than there is."""

from compiler.buffering.launches import Launches, launches_of
from compiler.buffering.sizing import fit_with_buffers, shortages

__all__ = ["Launches", "fit_with_buffers", "launches_of", "shortages"]
