"""Trains the shipped model, a byte-level Llama of 213k parameters, and writes it as transformers would.

    python models/train.py --minutes 33 --early 10 --text-dir build/text --out models/weft-tiny

Needs the `torch` extra; nothing else in Weft does. One thread is enough. The learning rate follows the clock,
not the step count, so two runs differ in the last digits; what the shipped run reached is in docs/model.md
and in the `training.json` beside the weights.
"""

import argparse
import json
import math
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from fetch_text import fetch_text
from torch import Tensor
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

HELD_OUT_EVERY = 20
"""Of 200 equal blocks of the text every 20th is held out: 5 %, from all over the book."""


@dataclass(frozen=True)
class Plan:
    """How to train. Learning rates are peaks: constant for the first half, then linear to zero."""

    minutes: float
    rows: int = 32
    short_context: int = 128
    long_context: int = 256
    long_from: float = 0.75
    """Share of the time after which windows are `long_context` bytes, to train late positions too."""
    matrix_rate: float = 0.02
    vector_rate: float = 0.004

    def rate(self, progress: float) -> float:
        """Factor on the learning rates at `progress`, 0 to 1."""
        warm_up = min(1.0, progress / 0.01 + 0.01)
        return warm_up * min(1.0, 2.0 * (1.0 - progress))


def model_config() -> LlamaConfig:
    """The shipped shape: two query heads a key head, tied embeddings, bytes as tokens."""
    return LlamaConfig(
        vocab_size=256,
        hidden_size=64,
        intermediate_size=192,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=256,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
    )


def split(text: bytes) -> tuple[Tensor, Tensor]:
    """Training and held-out bytes, as int64 vectors."""
    blocks = np.array_split(np.frombuffer(text, np.uint8), 200)
    held_out = [block for index, block in enumerate(blocks) if index % HELD_OUT_EVERY == HELD_OUT_EVERY // 2]
    train = [block for index, block in enumerate(blocks) if index % HELD_OUT_EVERY != HELD_OUT_EVERY // 2]
    as_ids = lambda parts: torch.from_numpy(np.concatenate(parts).astype(np.int64))  # noqa: E731
    return as_ids(train), as_ids(held_out)


def windows(ids: Tensor, rows: int, context: int, seed: torch.Generator) -> Tensor:
    """`rows` random windows of `context + 1` bytes, shape [rows, context + 1]."""
    starts = torch.randint(len(ids) - context, (rows, 1), generator=seed)
    return ids[starts + torch.arange(context + 1)]


def loss_of(model: LlamaForCausalLM, batch: Tensor) -> Tensor:
    """Mean cross entropy of the next byte, in nats."""
    logits = model(batch[:, :-1], use_cache=False).logits
    return functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())


@torch.no_grad()
def held_out_loss(model: LlamaForCausalLM, ids: Tensor, context: int, limit: int = 1 << 30) -> float:
    """Loss over consecutive windows of `context` bytes of the held-out text, in nats a byte."""
    rows = min((len(ids) - 1) // context, limit)
    batches = torch.stack([ids[row * context : (row + 1) * context + 1] for row in range(rows)]).split(64)
    return sum(loss_of(model, batch).item() * len(batch) for batch in batches) / rows


def optimizers(model: LlamaForCausalLM, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the embedding and the norms."""
    matrices = [value for name, value in model.named_parameters() if value.ndim == 2 and "layers" in name]
    others = [value for name, value in model.named_parameters() if value.ndim != 2 or "layers" not in name]
    return [
        torch.optim.Muon(matrices, lr=plan.matrix_rate, weight_decay=0.01),
        torch.optim.AdamW(others, lr=plan.vector_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def train(model: LlamaForCausalLM, ids: Tensor, plan: Plan) -> Iterator[tuple[int, float, float]]:
    """Trains until the time is over; yields step, seconds and loss after each step."""
    seed = torch.Generator().manual_seed(1)
    steppers = optimizers(model, plan)
    peaks = [stepper.param_groups[0]["lr"] for stepper in steppers]
    start, step = time.monotonic(), 0
    while (progress := (time.monotonic() - start) / (60.0 * plan.minutes)) < 1.0:
        long = progress >= plan.long_from
        rows, context = (plan.rows // 2, plan.long_context) if long else (plan.rows, plan.short_context)
        loss = loss_of(model, windows(ids, rows, context, seed))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for stepper, peak in zip(steppers, peaks, strict=True):
            stepper.param_groups[0]["lr"] = peak * plan.rate(progress)
            stepper.step()
            stepper.zero_grad()
        step += 1
        yield step, time.monotonic() - start, loss.item()


def save(model: LlamaForCausalLM, held_out: Tensor, report: dict[str, float], out: Path) -> dict[str, float]:
    """Writes the model as bf16 with its figures, by one rename; returns the figures (of the bf16 weights)."""
    rounded = LlamaForCausalLM(model.config)
    rounded.load_state_dict(model.state_dict())
    rounded = rounded.to(torch.bfloat16).float()
    loss = held_out_loss(rounded, held_out, 128)
    figures = {
        **report,
        "parameters": sum(value.numel() for value in model.parameters()),
        "held_out_loss_nats_per_byte": round(loss, 4),
        "held_out_bits_per_byte": round(loss / math.log(2), 4),
        "held_out_loss_context_256": round(held_out_loss(rounded, held_out, 256), 4),
    }
    fresh, old = out.with_name(out.name + ".new"), out.with_name(out.name + ".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    rounded.to(torch.bfloat16).save_pretrained(fresh)
    (fresh / "model.safetensors").chmod(0o644)
    (fresh / "generation_config.json").unlink(missing_ok=True)
    (fresh / "weft_tokenizer.json").write_text('{"type": "byte"}\n', encoding="utf-8")
    (fresh / "training.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if out.exists():
        os.replace(out, old)
    os.replace(fresh, out)
    shutil.rmtree(old, ignore_errors=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=33.0, help="time to train")
    parser.add_argument("--early", type=float, default=0.0, help="minutes after which a first version is saved")
    parser.add_argument("--text-dir", type=Path, default=Path("build/text"), help="where the text is unpacked")
    parser.add_argument("--out", type=Path, default=Path("models/weft-tiny"), help="checkpoint folder to write")
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(1)
    ids, held_out = split(fetch_text(options.text_dir).read_bytes())
    model = LlamaForCausalLM(model_config())
    plan, saved_early, mean = Plan(minutes=options.minutes), options.early <= 0.0, 0.0
    step, seconds = 0, 0.0
    for step, seconds, loss in train(model, ids, plan):
        mean = loss if step == 1 else 0.98 * mean + 0.02 * loss
        if step % 100 == 0:
            print(f"step {step:6d}  {seconds:6.0f} s  loss {mean:.4f}", flush=True)
        if not saved_early and seconds >= 60.0 * options.early:
            saved_early = True
            print(
                save(model, held_out, {"steps": step, "minutes": round(seconds / 60.0, 1)}, options.out),
                flush=True,
            )
    print(save(model, held_out, {"steps": step, "minutes": round(seconds / 60.0, 1)}, options.out), flush=True)


if __name__ == "__main__":
    main()
