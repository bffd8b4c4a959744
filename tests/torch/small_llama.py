"""Small Llamas with weights that make every part matter, and what transformers computes with them."""

import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import LlamaConfig, LlamaForCausalLM

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


@dataclass(frozen=True, kw_only=True)
class SmallLlama:
    """One model: its sizes, how it is stored, and the seed of its weights."""

    name: str
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    tied: bool = False
    attention_bias: bool = False
    mlp_bias: bool = False
    dtype: str = "bf16"
    older_spelling: bool = False
    shard_size: str = "1GB"
    eps: float = 1e-5
    rope: dict[str, Any] = field(default_factory=lambda: {"rope_type": "default", "rope_theta": 10000.0})
    seed: int = 0

    def config(self) -> LlamaConfig:
        return LlamaConfig(
            hidden_size=self.hidden,
            intermediate_size=self.intermediate,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.kv_heads,
            head_dim=self.head_dim,
            vocab_size=self.vocab,
            tie_word_embeddings=self.tied,
            attention_bias=self.attention_bias,
            mlp_bias=self.mlp_bias,
            rms_norm_eps=self.eps,
            rope_parameters=dict(self.rope),
            max_position_embeddings=64,
            bos_token_id=None,
            eos_token_id=None,
        )

    def save(self, folder: Path) -> None:
        """Writes the checkpoint by `save_pretrained`."""
        model = LlamaForCausalLM(self.config())
        source = torch.Generator().manual_seed(self.seed)
        for name, value in model.named_parameters():
            value.data = _weights(name, value.shape, source)
        model.to(DTYPES[self.dtype]).save_pretrained(folder, max_shard_size=self.shard_size)
        (folder / "generation_config.json").unlink(missing_ok=True)
        for file in folder.iterdir():
            file.chmod(0o644)
        if self.older_spelling:
            spell_rotary_the_older_way(folder / "config.json")

    def ids(self, length: int = 20) -> list[int]:
        """Token ids to run."""
        return random.Random(self.seed).choices(range(self.vocab), k=length)


def _weights(name: str, shape: torch.Size, source: torch.Generator) -> torch.Tensor:
    """Norms about 1, biases that show, matrices that keep attention far from uniform."""
    noise = torch.randn(shape, generator=source)
    if name.endswith("norm.weight"):
        return 1.0 + 0.3 * noise
    if name.endswith("bias"):
        return 0.5 * noise
    return noise if "embed" in name else 1.5 * noise / shape[-1] ** 0.5


def spell_rotary_the_older_way(file: Path) -> None:
    """Turns `rope_parameters` into `rope_theta` and `rope_scaling`, as transformers before 5 wrote them."""
    fields = json.loads(file.read_text(encoding="utf-8"))
    rope = fields.pop("rope_parameters")
    fields["rope_theta"] = rope.pop("rope_theta")
    fields["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    file.write_text(json.dumps(fields, indent=2, sort_keys=True) + "\n", encoding="utf-8")


@torch.no_grad()
def transformers_logits(folder: Path, ids: list[int]) -> NDArray[np.float32]:
    """Logits [len(ids), vocab] of the checkpoint in `folder`, in float32 with eager attention."""
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    return model(torch.tensor([ids]), use_cache=False).logits[0].numpy()


def random_llama(seed: int) -> SmallLlama:
    """Any small shape with 1 to 8 key heads: transformers wants hidden a multiple of heads, a head an even size."""
    pick = random.Random(seed)
    kv_heads = pick.randint(1, 8)
    heads = kv_heads * pick.randint(1, max(1, 8 // kv_heads))
    return SmallLlama(
        name=f"random-{seed}",
        hidden=heads * pick.randint(-(-5 // heads), 80 // heads),
        intermediate=pick.randint(5, 120),
        layers=pick.randint(1, 3),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=2 * pick.randint(1, 12),
        vocab=pick.randint(50, 130),
        tied=pick.random() < 0.5,
        attention_bias=pick.random() < 0.5,
        mlp_bias=pick.random() < 0.3,
        dtype=pick.choice(list(DTYPES)),
        older_spelling=pick.random() < 0.5,
        rope={"rope_type": "default", "rope_theta": pick.choice([100.0, 10000.0, 500000.0])},
        eps=pick.choice([1e-6, 1e-5, 1e-2]),
        seed=seed,
    )


LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 50.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}

RECORDED = (
    SmallLlama(
        name="one-kv-head",
        hidden=40,
        intermediate=100,
        layers=2,
        heads=4,
        kv_heads=1,
        head_dim=10,
        vocab=61,
        tied=True,
        seed=1,
    ),
    SmallLlama(
        name="three-heads",
        hidden=36,
        intermediate=76,
        layers=2,
        heads=3,
        kv_heads=3,
        head_dim=12,
        vocab=50,
        seed=2,
    ),
    SmallLlama(
        name="wide-heads",
        hidden=40,
        intermediate=100,
        layers=1,
        heads=5,
        kv_heads=5,
        head_dim=16,
        vocab=77,
        attention_bias=True,
        seed=3,
    ),
    SmallLlama(
        name="narrow-heads",
        hidden=72,
        intermediate=100,
        layers=1,
        heads=4,
        kv_heads=2,
        head_dim=10,
        vocab=130,
        eps=1e-2,
        seed=4,
    ),
    SmallLlama(
        name="eight-kv-heads",
        hidden=64,
        intermediate=96,
        layers=1,
        heads=8,
        kv_heads=8,
        head_dim=8,
        vocab=64,
        older_spelling=True,
        seed=5,
    ),
    SmallLlama(
        name="older-spelling",
        hidden=48,
        intermediate=52,
        layers=2,
        heads=8,
        kv_heads=4,
        head_dim=6,
        vocab=99,
        tied=True,
        attention_bias=True,
        older_spelling=True,
        rope={"rope_type": "default", "rope_theta": 500.0},
        seed=6,
    ),
    SmallLlama(
        name="one-head",
        hidden=20,
        intermediate=36,
        layers=3,
        heads=1,
        kv_heads=1,
        head_dim=20,
        vocab=53,
        dtype="fp32",
        seed=7,
    ),
    SmallLlama(
        name="all-biases",
        hidden=36,
        intermediate=44,
        layers=2,
        heads=6,
        kv_heads=2,
        head_dim=6,
        vocab=83,
        tied=True,
        attention_bias=True,
        mlp_bias=True,
        dtype="fp32",
        seed=8,
    ),
    SmallLlama(
        name="llama3-rotary",
        hidden=40,
        intermediate=60,
        layers=1,
        heads=4,
        kv_heads=2,
        head_dim=12,
        vocab=70,
        rope=LLAMA3,
        seed=9,
    ),
    SmallLlama(
        name="sharded",
        hidden=54,
        intermediate=100,
        layers=1,
        heads=6,
        kv_heads=6,
        head_dim=14,
        vocab=57,
        tied=True,
        dtype="fp16",
        older_spelling=True,
        shard_size="40KB",
        seed=10,
    ),
)
"""What `record_vectors.py` records, one property of interest each, by name."""
