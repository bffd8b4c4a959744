"""Letting a part of a tile move in some cycles only."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    DomainRenamer,
    Elaboratable,
    EnableInserter,
    Instance,
    Module,
    ResetSignal,
    Signal,
    Value,
)

__all__ = ["CLOCK_GATE_SOURCE", "RigidPart", "add_gated"]

CLOCK_GATE_SOURCE = Path(__file__).with_name("weft_clock_gate.sv")
"""Verilog of the clock gate, to be given to the simulator beside a design made with ``clock_gating=True``."""


class RigidPart(Protocol):
    """A pipeline without handshakes: all of it moves, or nothing does."""

    active: Signal
    """Something is in it or about to enter: without it, a clock edge would change nothing."""


def add_gated(m: Module, *, name: str, part: RigidPart, advance: Value, clock_gating: bool) -> None:
    """Add ``part`` to ``m`` so that it moves where it is active and ``advance`` is high.

    Parameters
    ----------
    m
        Module that receives the part as its submodule ``name``.
    part
        Component in ``sync``.
    advance
        Whether the whole pipeline may move in this cycle.
    clock_gating
        With False the part's registers get an enable. With True its clock is gated, in a domain of its own, by the
        module in :data:`CLOCK_GATE_SOURCE`: a simulator then spends no time at all on a part that does not move.
        Both clocks rise in the same instant, before any register has changed, so there is no race between them.
    """
    assert isinstance(part, Elaboratable)
    enable = Signal(name=f"{name}_enable")
    m.d.comb += enable.eq(advance & part.active)
    if not clock_gating:
        m.submodules[name] = EnableInserter(enable)(part)
        return

    domain = ClockDomain(f"gated_{name}", local=True)
    m.domains += domain
    # Reset is synchronous, so it must find a running clock.
    m.d.comb += domain.rst.eq(ResetSignal())
    m.submodules[f"{name}_clock"] = Instance(
        "weft_clock_gate",
        i_i_clk=ClockSignal(),
        i_i_enable=enable | ResetSignal(),
        o_o_gated=domain.clk,
    )
    m.submodules[name] = DomainRenamer(domain.name)(part)
