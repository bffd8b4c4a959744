"""Buffer sizing and the static deadlock check: a program run on counts of beats, in no more room than there is."""

from weft.compiler.backend.buffering.launches import Launches, launches_of
from weft.compiler.backend.buffering.sizing import fit_with_buffers, shortages

__all__ = ["Launches", "fit_with_buffers", "launches_of", "shortages"]
