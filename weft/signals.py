"""What ``--waves`` writes beside the waves: which signal is which, for scripts and for GTKWave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from weft.common import new_file

if TYPE_CHECKING:
    from weft.compiler.backend.mapping import Mapping as Placed
    from weft.hw.spec import FabricSpec

__all__ = ["signal_files", "write_signals"]


def signal_files(waves: Path | None) -> tuple[Path, ...]:
    """The signal map and the save file that belong to ``FILE.fst``: ``FILE.signals.json`` and ``FILE.gtkw``."""
    return () if waves is None else (waves.with_suffix(".signals.json"), waves.with_suffix(".gtkw"))


def write_signals(waves: Path, spec: FabricSpec, programs: Mapping[str, Placed]) -> None:
    """Write both for the programs that run on a fabric; neither may exist."""
    from weft.sim.rtl.signal_map import gtkwave_save, signal_map

    signals = signal_map(spec, programs)
    texts = (json.dumps(signals, indent=1) + "\n", gtkwave_save(signals, waves.name))
    for path, text in zip(signal_files(waves), texts, strict=True):
        with new_file(path) as file:
            file.write(text.encode())
