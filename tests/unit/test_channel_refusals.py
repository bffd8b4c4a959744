# amaranth: UnusedElaboratable=no
"""Parameters that AGCU, channel and their parts refuse, each with its sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from weft.hw.agcu.buffer import Buffer
from weft.hw.agcu.width import Narrow, Widen
from weft.hw.chip.arbiter import Arbiter
from weft.hw.chip.axi import Axi4
from weft.hw.chip.channel import Channel
from weft.hw.presets import PRESETS

SPEC = PRESETS["tiny"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Buffer(layout=8, depth=1), "depth must be at least 2, not 1"),
        (lambda: Widen(narrow=32, wide=96), "wide must be a power of two times narrow = 32 bits, not 96"),
        (lambda: Narrow(narrow=32, wide=16), "wide must be a power of two times narrow = 32 bits, not 16"),
        (lambda: Channel(spec=SPEC, ports=0), "ports must be 1 to 256, not 0"),
        (lambda: Arbiter(count=0), "count must be at least 1, not 0"),
        (lambda: Axi4(data_bits=48), "data_bits must be a power of two from 8 to 1024, not 48"),
    ],
)
def test_refused(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        make()
