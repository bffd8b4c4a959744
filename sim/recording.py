"""Runs whose launches are kept with the names of what ran, to be shown; compared with the functional device."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint
from weft.compiler.compile import CompiledProgram
from weft.compiler.models.llama.decoder_program import CompiledDecoder
from weft.hw.spec import FabricSpec
from weft.sim.compare import Comparison, compare_values
from weft.sim.decoder import DecoderSession
from weft.sim.device import Device
from weft.sim.functional.device import FunctionalDevice
from weft.sim.program_run import run_compiled
from weft.sim.utilisation import RecordedLaunch

__all__ = ["DecoderRecorder", "Recording", "record_program"]

Recording = tuple[RecordedLaunch, Comparison]


class DecoderRecorder:
    """A decoder on a device that samples its tiles, behind a prompt that only the functional device has seen.

    ``token`` is the next to process. When the recorder is made, all of the prompt but its last token passes the
    functional device, whose memory is then copied.

    Raises
    ------
    ValueError
        The prompt is empty.
    """

    def __init__(
        self,
        compiled: CompiledDecoder,
        checkpoint: LlamaCheckpoint,
        spec: FabricSpec,
        device: Device,
        prompt: list[int],
    ) -> None:
        if not prompt:
            raise ValueError("the prompt must have at least one token")
        golden = FunctionalDevice(spec, memory_bytes=compiled.memory_bytes)
        self._compiled = compiled
        self._golden = DecoderSession(compiled, checkpoint, spec, golden)
        self._device = DecoderSession(compiled, checkpoint, spec, device)
        for token in prompt[:-1]:
            self._golden.step(token)
        device.memory[:] = golden.memory
        self._device.position = self._golden.position
        self.token = prompt[-1]

    def step(self) -> Recording:
        """Process the next token, and go on with the likeliest: the launch, and its logits compared.

        Raises
        ------
        DeviceError
            The launch failed.
        """
        position = self._device.position
        logits = self._device.step(self.token)
        compared = compare_values("logits", self._golden.step(self.token), logits)
        self.token = int(logits.argmax())
        mapping = self._compiled.program.mapping
        return RecordedLaunch(f"token {position}", "decoder", mapping, self._device.launch), compared


def record_program(
    name: str,
    compiled: CompiledProgram,
    spec: FabricSpec,
    device: Device,
    inputs: Mapping[str, NDArray[np.generic]],
    sizes: Mapping[str, int],
) -> Recording:
    """The launch of a program, its outputs compared.

    Raises
    ------
    WeftError
        An input that is missing, unknown or of another shape; a size that is missing, unknown or too large.
    DeviceError
        The launch failed.
    """
    golden = FunctionalDevice(spec, memory_bytes=len(device.memory))
    expected, _ = run_compiled(compiled, spec, golden, inputs, sizes)
    outputs, launch = run_compiled(compiled, spec, device, inputs, sizes)
    compared = Comparison()
    for output, values in expected.items():
        compared += compare_values(f"output {output!r}", values, outputs[output])
    return RecordedLaunch(name, name, compiled.mapping, launch), compared
