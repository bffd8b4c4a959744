"""Arithmetic on the host's floats in place of the units of `weft.hw.arith`, for a fast simulation; never for synthesis.

The bits and the latencies are those of the real units: ``make verify-arith`` compares the two.
"""

from .sources import native_cpp, native_verilog

__all__ = ["native_cpp", "native_verilog"]
