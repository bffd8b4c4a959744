"""What travels through a PCU: steps."""

from __future__ import annotations

from amaranth.hdl import unsigned
from amaranth.lib import data
from amaranth.lib.wiring import Out, Signature

from weft.hw.spec import FabricSpec

__all__ = ["control_layout", "result_signature", "step_signature", "vector_layout"]


def vector_layout(spec: FabricSpec) -> data.ArrayLayout:
    """One word for each lane."""
    return data.ArrayLayout(unsigned(32), spec.lanes)


def control_layout(spec: FabricSpec) -> data.StructLayout:
    """What a step knows of itself.

    ``stop``, ``void``
        Of its reference beat. A drain step is not void.
    ``index``, ``first``
        The accumulator it uses, and whether this is the first row of a block.
    ``drain``, ``stage``
        It is a drain step, for that stage.
    ``emit``
        It gives an output beat.
    """
    return data.StructLayout(
        {
            "stop": unsigned(spec.stop_bits),
            "void": unsigned(1),
            "index": unsigned(max(1, (spec.acc_depth - 1).bit_length())),
            "first": unsigned(1),
            "drain": unsigned(1),
            "stage": unsigned(max(1, (spec.stages - 1).bit_length())),
            "emit": unsigned(1),
        }
    )


def step_signature(spec: FabricSpec) -> Signature:
    """A step on its way: ``valid``, ``control``, vector ``registers`` and the ``scalars``, which all lanes share."""
    return Signature(
        {
            "valid": Out(1),
            "control": Out(control_layout(spec)),
            "registers": Out(vector_layout(spec)).array(spec.registers),
            "scalars": Out(32).array(spec.scalar_inputs),
        }
    )


def result_signature(spec: FabricSpec) -> Signature:
    """A result on its way through the tail."""
    return Signature(
        {
            "valid": Out(1),
            "data": Out(vector_layout(spec)),
            "stop": Out(spec.stop_bits),
            "void": Out(1),
        }
    )
