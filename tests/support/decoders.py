"""Decoders compiled for tests, those of the last few kept: many tests run the same one."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from weft.compiler.checkpoints.llama_config import LlamaConfig
from weft.compiler.models.llama.decoder_program import CompiledDecoder
from weft.compiler.models.llama.decoder_program import compile_decoder as compile_anew
from weft.hw.spec import FabricSpec

__all__ = ["compile_decoder"]


def compile_decoder(config: LlamaConfig, spec: FabricSpec, **options: Any) -> CompiledDecoder:
    """As :func:`weft.compiler.models.llama.decoder_program.compile_decoder`; for equal arguments, the same object."""
    return _compiled(config, spec, tuple(sorted(options.items())))


@lru_cache(maxsize=32)
def _compiled(config: LlamaConfig, spec: FabricSpec, options: tuple[tuple[str, Any], ...]) -> CompiledDecoder:
    return compile_anew(config, spec, **dict(options))
