"""A simulator that cannot be started on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.sim.device import DeviceError
from weft.sim.rtl.process import SimulatorProcess
from weft.sim.verilator.build import Simulator

OF_RISC_V = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xf3\x00" + bytes(100)


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [(OF_RISC_V, 0o755, "Exec format error"), (b"", 0o755, "Exec format error"), (b"#!/bin/sh\n", 0o644, "Permission")],
    ids=["of another machine", "empty", "no program"],
)
def test_it_is_named_with_what_to_do(tmp_path: Path, content: bytes, mode: int, why: str) -> None:
    file = tmp_path / "simulator"
    file.write_bytes(content)
    file.chmod(mode)
    sentence = rf"the simulator {file} cannot be started here \({why}.*\): remove its folder, and it is built anew"
    with pytest.raises(DeviceError, match=sentence):
        SimulatorProcess(Simulator(file, "top"))
