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
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ml_dtypes

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint
from weft.compiler.checkpoints.safetensors_file import TensorEntry, open_safetensors
from weft.compiler.errors import WeftError
from weft.hw.shown import shown
from weft.hw.spec import FabricSpec
from weft.sim.decoder import CACHES
from weft.sim.run_fields import SavedRun, read_fields

__all__ = ["SaveError", "SavedRun", "identity_of", "read_run", "write_run"]

VERSION = "2"
_FORMAT, _DIGEST = "weft-run", "sha256"


class SaveError(WeftError):
    """A run could not be written."""


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
    entries = (TensorEntry(name, each["dtype"], each["shape"], *each["data_offsets"]) for name, each in header.items())
    metadata[_DIGEST] = _digest(metadata, entries, data)
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
        raise WeftError(f"{file}: must be a run of version {VERSION}, not {shown(given.get('version'))}: save it anew")
    run = read_fields(opened, identity.keys())
    rest = {key: value for key, value in given.items() if key != _DIGEST}
    if given.get(_DIGEST) != _digest(rest, opened.entries.values(), opened.data.tobytes()):
        raise WeftError(f"{file}: the run is damaged, for its contents are not those of its {_DIGEST}")
    for what, digest in identity.items():
        if given[what] != digest:
            raise WeftError(
                f"{file}: must be a run of {what} {digest[:16]}, this one, not of {what} {given[what][:16]}"
            )
    return run


def _digest(metadata: dict[str, str], entries: Iterable[TensorEntry], data: bytes) -> str:
    """Hash of all that the file says: what stands in its header, and the data."""
    places = sorted((each.name, each.dtype, list(each.shape), each.begin, each.end) for each in entries)
    return hashlib.sha256(json.dumps([metadata, places], sort_keys=True).encode() + data).hexdigest()
