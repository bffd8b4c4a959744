"""The oracle: interprets a program of the `step` language on whole arrays, and bounds the error of each number.

Written from the operators' definitions and docs/numerics.md alone. Nothing here knows of lanes, units or passes, so a
comparison with a device shows whether the compiler kept the meaning of the program.
"""

from weft.compiler.interpreter.bounded import Bounded
from weft.compiler.interpreter.compare import Difference, Verdict, compare
from weft.compiler.interpreter.interpret import Interpretation, interpret

__all__ = ["Bounded", "Difference", "Interpretation", "Verdict", "compare", "interpret"]
