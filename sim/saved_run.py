"""A run of a decoder as a file, to be gone on from: its tokens, and the caches of the positions processed.

Between launches that is all there is: caches of an earlier position are a part of those of a later one. So a run is
resumed at any of its tokens, on any device.

The file is a `.safetensors` file. Its tensors are `keys` and `values`, bf16 [layers, key heads, positions, size] as
they lie in memory; what else there is to know stands in its metadata.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint
from weft.compiler.checkpoints.safetensors_file import SafetensorsFile, open_safetensors
from weft.compiler.errors import WeftError
from weft.hw.spec import FabricSpec
from weft.sim.decoder import CACHES

__all__ = ["SaveError", "SavedRun", "identity_of", "read_run", "write_run"]

Floats = NDArray[np.float32]

VERSION = "1"
_FORMAT, _DIGEST = "weft-run", "sha256"


class SaveError(WeftError):
    """A run could not be written."""


@dataclass(frozen=True)
class SavedRun:
    """Tokens, of which the first ``prompt`` were given, how the others are chosen, and the caches of the positions.

    There are no caches before anything was processed.

    ``failed_at`` is the first position at which the devices differed, or one did not end.
    """

    tokens: list[int]
    prompt: int
    temperature: float
    seed: int
    caches: dict[str, Floats] = field(default_factory=dict)
    failed_at: int | None = None

    @property
    def positions(self) -> int:
        """How many tokens have been processed."""
        return self.caches[CACHES[0]].shape[2] if self.caches else 0

    @property
    def last(self) -> int:
        """The last token that can be processed next."""
        return min(self.positions, len(self.tokens) - 1)

    def at(self, token: int) -> SavedRun:
        """The run as it was before it processed a token, counted from 0, with what of the prompt comes behind that.

        Raises
        ------
        WeftError
            There is no such token, or the tokens before it were not all processed.
        """
        if not 0 <= token <= self.last:
            raise WeftError(f"--at must be 0 to {self.last} in this run, not {token}")
        tokens = self.tokens[: max(token + 1, self.prompt)]
        return replace(self, tokens=tokens, caches={name: rows[:, :, :token] for name, rows in self.caches.items()})


def identity_of(checkpoint: LlamaCheckpoint, spec: FabricSpec) -> dict[str, str]:
    """What decides the numbers of a run: the model, and the fabric."""
    digest = hashlib.sha256(repr(checkpoint.config).encode())
    for name, values in sorted(checkpoint.tensors.items()):
        digest.update(name.encode())
        digest.update(values.tobytes())
    return {"model": digest.hexdigest(), "fabric": spec.hash}


def write_run(file: Path, run: SavedRun, identity: dict[str, str]) -> None:
    """Write a run; the file is there as a whole or not at all, and one that was there stays until then.

    Raises
    ------
    SaveError
        There is no room, or the folder or file cannot be written to.
    """
    header: dict[str, Any] = {}
    data = b""
    for name in CACHES:
        raw = run.caches[name].astype(ml_dtypes.bfloat16).tobytes()
        header[name] = {
            "dtype": "BF16",
            "shape": list(run.caches[name].shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    metadata = {
        "format": _FORMAT,
        "version": VERSION,
        **identity,
        "tokens": json.dumps(run.tokens),
        "prompt": str(run.prompt),
        "temperature": repr(run.temperature),
        "seed": str(run.seed),
        "failed_at": json.dumps(run.failed_at),
    }
    metadata[_DIGEST] = _digest(metadata, data)
    text = json.dumps({"__metadata__": metadata, **header}).encode()
    text += b" " * (-len(text) % 8)
    work = file.with_name(f".weft-run.{os.getpid()}")
    try:
        try:
            work.write_bytes(len(text).to_bytes(8, "little") + text + data)
            os.replace(work, file)
        finally:
            work.unlink(missing_ok=True)
    except OSError as error:
        raise SaveError(f"{file}: the run cannot be saved ({error.strerror})") from None


def read_run(file: Path, identity: dict[str, str]) -> SavedRun:
    """Read a run of this model on this fabric.

    Raises
    ------
    WeftError
        The file is missing, truncated, damaged or no run; or one of another version, model or fabric.
    """
    opened = open_safetensors(file)
    given = opened.metadata
    if given.get("format") != _FORMAT or not set(CACHES) <= opened.entries.keys():
        raise WeftError(f"{file}: must be a run that weft generate --save wrote")
    if given.get("version") != VERSION:
        raise WeftError(f"{file}: must be a run of version {VERSION}, not {given.get('version')}")
    rest = {key: value for key, value in given.items() if key != _DIGEST}
    if given.get(_DIGEST) != _digest(rest, opened.data.tobytes()):
        raise WeftError(f"{file}: the run is damaged, for its contents are not those of its {_DIGEST}")
    for what, digest in identity.items():
        if given[what] != digest:
            raise WeftError(
                f"{file}: must be a run of {what} {digest[:16]}, this one, not of {what} {given[what][:16]}"
            )
    return _run(opened)


def _run(opened: SafetensorsFile) -> SavedRun:
    given = opened.metadata
    return SavedRun(
        tokens=json.loads(given["tokens"]),
        prompt=int(given["prompt"]),
        temperature=float(given["temperature"]),
        seed=int(given["seed"]),
        caches={name: opened.read(name) for name in CACHES},
        failed_at=json.loads(given["failed_at"]),
    )


def _digest(metadata: dict[str, str], data: bytes) -> str:
    return hashlib.sha256(json.dumps(metadata, sort_keys=True).encode() + data).hexdigest()
