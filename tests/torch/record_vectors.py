"""Records small checkpoints and transformers' logits for them, for the tests that need no torch.

python tests/torch/record_vectors.py tests/data/checkpoints
"""

import sys
from pathlib import Path

import numpy as np
from small_llama import RECORDED, transformers_logits


def record(target: Path) -> None:
    """Writes NAME/ with the checkpoint and `expected.npz`: `ids` [positions], `logits` [positions, vocab]."""
    for llama in RECORDED:
        folder = target / llama.name
        llama.save(folder)
        logits = transformers_logits(folder, llama.ids())
        np.savez_compressed(folder / "expected.npz", ids=np.array(llama.ids()), logits=logits)


if __name__ == "__main__":
    record(Path(sys.argv[1]))
