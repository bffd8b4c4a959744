"""Functional twin of the PCU's header: the words of each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.hw.numerics import floats_of
from weft.hw.program.firings.header import Header
from weft.hw.program.firings.process import Where
from weft.hw.program.firings.unpacked import Unpacked
from weft.hw.program.pcu import Pcu
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network
from weft.sim.device import Beats

__all__ = ["Steps", "gather"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Steps:
    """What enters the body: registers [steps, lanes], scalars [steps, 1].

    ``drains`` [drain steps, lanes] is register 1 of the drain steps, where it is not zero.
    """

    registers: Sequence[Floats]
    scalars: Sequence[Floats]
    drains: Floats | None = None


def gather(spec: FabricSpec, program: Pcu, header: Header, given: Mapping[Where, Beats]) -> Steps:
    """The words of the steps that a header makes."""
    count = len(header.steps)
    registers = [np.zeros((count, spec.lanes), np.float32)] * spec.registers
    scalars = [np.zeros((1, 1), np.float32)] * spec.scalar_inputs
    if program.merge:  # of which a void selector gives nothing
        registers[0] = registers[0].copy()
    data = {where: each.data if each.data.ndim == 2 else each.data[:, None] for where, each in given.items()}
    if header.halves is not None:
        data[Network.VECTOR, 0] = _unpacked(data[Network.VECTOR, 0], header.halves)
    for where, take in header.takes.items():
        network, port = where
        if program.merge and where == (Network.SCALAR, 0):
            continue
        if take.holds and network is Network.SCALAR:
            scalars[port] = data[where][take.used()][:, :1] if count else scalars[port][:0]
        elif take.holds and program.unpack_both and count:
            words = np.ascontiguousarray(data[where][take.used()]).view(np.uint32)
            registers[:2] = [floats_of(words << np.uint32(16)), floats_of(words & np.uint32(0xFFFF0000))]
        elif take.holds:
            registers[port] = data[where][take.used()] if count else registers[port]
        elif where in data:
            assert take.pops is not None
            registers[0][take.pops[: take.popped]] = data[where][header.kept[port]][: take.popped]
    return Steps(registers, scalars)


def _unpacked(data: Floats, halves: Unpacked) -> Floats:
    """The bf16 vectors in packed beats: low halves, then high halves."""
    words = np.ascontiguousarray(data).view(np.uint32)
    both = np.stack([words << np.uint32(16), words & np.uint32(0xFFFF0000)], axis=1)
    return floats_of(both.reshape(-1, words.shape[1]))[halves.keep] if len(words) else data
