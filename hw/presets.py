"""Named fabrics."""

from __future__ import annotations

from pathlib import Path

from weft.hw.spec import FabricSpec, SpecError

__all__ = ["PRESETS", "load_spec"]

PRESETS: dict[str, FabricSpec] = {
    spec.name: spec
    for spec in (
        # Small enough for unit tests in a Python simulator.
        FabricSpec.make(name="tiny", rows=2, columns=2, lanes=4, stages=2, acc_depth=8, pmu_lines=64,
                        agcu_buffer=16, channel_bits=64),
        # Runs the shipped model fused, and others with a few biases.
        FabricSpec.make(name="demo", rows=10, columns=7, lanes=8, stages=4, scalar_inputs=4, acc_depth=64,
                        pmu_lines=512, channel_bits=128),
        # Fits an 85k-LUT ECP5.
        FabricSpec.make(name="ecp5", rows=2, columns=2, lanes=4, stages=2, acc_depth=16, pmu_lines=512,
                        agcu_buffer=16, channel_bits=32),
        # ISCA 2017: 64 PCU with 16 lanes and 6 stages, 64 PMU of 16 banks of 16 KB.
        FabricSpec.make(name="plasticine", rows=16, columns=8, lanes=16, stages=6, scalar_inputs=6, acc_depth=64,
                        pmu_lines=4096, vector_tracks=3, scalar_tracks=3, channels=4, channel_bits=512,
                        channel_window=32, agcu_parts=3),
    )
}  # fmt: skip


def load_spec(name: str) -> FabricSpec:
    """The preset of that name, or the spec in the TOML file at that path.

    Raises
    ------
    SpecError
        Neither a preset nor a readable spec file.
    """
    if name in PRESETS:
        return PRESETS[name]
    if not name.endswith(".toml"):
        raise SpecError(f"--fabric must be one of {', '.join(PRESETS)} or a .toml file, not {name!r}")
    return FabricSpec.from_toml(Path(name))
