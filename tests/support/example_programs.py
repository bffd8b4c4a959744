"""For each program of `examples/` random inputs, sizes, and its outputs in plain NumPy (float64)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXAMPLES = Path(__file__).parents[2] / "examples"

Arrays = dict[str, NDArray[Any]]

SIZES: dict[str, dict[str, int]] = {
    "softmax_dynamic": {"n": 37},
    "mean_of_rows": {"n": 13},
    "merge_rows": {"n": 4, "m": 6},
}


def to_bf16(values: NDArray[Any]) -> NDArray[np.float32]:
    """The nearest bf16 of finite numbers, ties to even."""
    bits = np.asarray(values, np.float32).view(np.uint32).astype(np.uint64)
    rounded = bits + 0x7FFF + (bits >> 16 & 1) & 0xFFFF0000
    return rounded.astype(np.uint32).view(np.float32)


def inputs_of(name: str, seed: int = 1) -> Arrays:
    """Random arrays for an example."""
    rng = np.random.default_rng(seed)

    def real(*shape: int) -> NDArray[np.float32]:
        return rng.normal(size=shape).astype(np.float32)

    def index(below: int, *shape: int) -> NDArray[np.int32]:
        return rng.integers(0, below, shape).astype(np.int32)

    made: dict[str, Callable[[], Arrays]] = {
        "attention": lambda: {"q": real(6, 8), "k": real(10, 8), "v": real(10, 8)},
        "batched_matmul": lambda: {"a": real(3, 5, 12), "b": real(3, 12, 7)},
        "clamp": lambda: {"x": real(7, 22)},
        "concat": lambda: {"a": real(3, 12), "b": real(3, 12)},
        "convolution": lambda: {"x": real(3, 7, 9), "w": real(4, 3, 3, 3)},
        "cumulative_product": lambda: {"rate": real(30, 4)},
        "cumulative_rows": lambda: {"x": real(12, 17)},
        "distances": lambda: {"a": real(9, 5), "b": real(7, 5)},
        "dot": lambda: {"a": real(45), "b": real(45)},
        "elementwise": lambda: {"a": real(6, 21), "b": real(6, 21)},
        "experts": lambda: {
            "x": real(8, 12),
            "key": index(2, 8),
            "first": to_bf16(real(12, 10)),
            "second": to_bf16(real(12, 10)),
        },
        "gather_dot": lambda: {"index": index(12, 7), "table": real(12, 19), "v": real(19)},
        "gather_rows": lambda: {"index": index(12, 9), "table": to_bf16(real(12, 20))},
        "gelu": lambda: {"x": real(5, 26)},
        "integers": lambda: {"a": index(300, 5, 14), "b": index(300, 5, 14)},
        "layer_norm": lambda: {"x": real(6, 30), "scale": real(30), "shift": real(30)},
        "masked_sum": lambda: {"x": real(6, 25), "mask": index(2, 6, 25)},
        "matmul": lambda: {"x": real(5, 24), "w": to_bf16(real(24, 20))},
        "max_pooling": lambda: {"x": real(10, 14)},
        "mean_of_rows": lambda: {"x": real(20, 15)},
        "merge_rows": lambda: {
            "x": real(10, 12),
            "z": real(10, 12),
            "key": rng.permutation([0] * 4 + [1] * 6).astype(np.int32),
        },
        "moving_average": lambda: {"x": real(4, 21)},
        "normalise": lambda: {"x": real(6, 19)},
        "one_hot_count": lambda: {"label": index(8, 29)},
        "outer_product": lambda: {"a": real(9), "b": real(13)},
        "prefix_sum": lambda: {"x": real(3, 9, 14)},
        "quantised_matmul": lambda: {"x": to_bf16(real(3, 40)), "eight": _eight(real), "four": _four(index)},
        "reshape": lambda: {"x": real(5, 24)},
        "rms_norm": lambda: {"x": real(5, 27), "scale": real(27)},
        "rotary": lambda: _rotary(real),
        "round_to_bf16": lambda: {"x": real(6, 21)},
        "row_and_column_sums": lambda: {"x": real(7, 19)},
        "running_maximum": lambda: {"x": real(5, 23)},
        "scatter_rows": lambda: {"index": index(11, 7), "x": real(7, 13)},
        "slice": lambda: {"x": real(8, 18)},
        "softmax": lambda: {"x": real(6, 37)},
        "softmax_dynamic": lambda: {"x": real(5, 48)},
        "stencil": lambda: {"x": real(10, 12), "w": real(3, 3)},
        "store_and_load": lambda: {"x": real(6, 10)},
        "swiglu": lambda: {
            "x": real(4, 16),
            "gate": to_bf16(real(16, 22)),
            "up": to_bf16(real(16, 22)),
            "down": to_bf16(real(22, 16)),
        },
        "top1": lambda: {"x": real(4, 50)},
        "transpose": lambda: {"x": real(3, 10, 3), "w": real(8, 16)},
        "transpose_3d": lambda: {"x": real(4, 6, 5)},
        "turns": lambda: {"start": real(11), "x": real(5, 11)},
    }
    return made[name]()


def _eight(real: Callable[..., NDArray[np.float32]]) -> NDArray[np.float32]:
    """Numbers that int8 holds: whole ones, 127 in each column, times a power of two."""
    whole = np.clip(np.rint(real(40, 16) * 40), -127, 127)
    whole[0] = 127
    return (whole * 2.0 ** np.arange(-8, 8)).astype(np.float32)


def _four(index: Callable[..., NDArray[np.int32]]) -> NDArray[np.float32]:
    """Numbers that mxfp4 holds, in blocks of 32 rows of one power of two."""
    codes = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])[index(8, 40, 16)] * np.array([1, -1])[index(2, 40, 16)]
    powers = np.repeat(2.0 ** index(5, 2, 16), 32, axis=0)[:40]
    return (codes * powers).astype(np.float32)


def _rotary(real: Callable[..., NDArray[np.float32]]) -> Arrays:
    angles = np.outer(np.arange(8), 10000.0 ** -np.linspace(0, 1, 12))
    return {"x": real(8, 24), "cosine": np.cos(angles).astype(np.float32), "sine": np.sin(angles).astype(np.float32)}


def _softmax(x: NDArray[Any]) -> NDArray[Any]:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    return 1 / (1 + np.exp(-x))


def _windows(x: NDArray[Any], *sizes: int) -> NDArray[Any]:
    """Windows over the last dimensions, whose indices come last."""
    axes = tuple(range(x.ndim - len(sizes), x.ndim))
    return np.lib.stride_tricks.sliding_window_view(x, sizes, axes)


def _layer_norm(i: Arrays) -> Arrays:
    centred = i["x"] - i["x"].mean(axis=1, keepdims=True)
    return {"y": centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5) * i["scale"] + i["shift"]}


def _scattered(i: Arrays) -> Arrays:
    y = np.zeros((11, 13))
    for row, at in zip(i["x"], i["index"].astype(int), strict=True):
        y[at] = 2 * row
    return {"y": y}


def _merged(i: Arrays) -> Arrays:
    first, second = iter(2 * i["x"]), iter(i["z"])
    return {"y": np.stack([next(second if key else first) for key in i["key"]])}


def _top1(i: Arrays) -> Arrays:
    return {"top": i["x"].max(axis=1), "place": i["x"].argmax(axis=1)}


def _rotated(i: Arrays) -> Arrays:
    turned = (i["x"][:, :12] + 1j * i["x"][:, 12:]) * (i["cosine"] + 1j * i["sine"])
    return {"y": np.concatenate([turned.real, turned.imag], axis=1)}


def _swiglu(i: Arrays) -> Arrays:
    gate = i["x"] @ i["gate"]
    return {"y": (gate * _sigmoid(gate) * (i["x"] @ i["up"])) @ i["down"]}


def _experts(i: Arrays) -> Arrays:
    return {"y": np.where(i["key"][:, None] == 0, i["x"] @ i["first"], i["x"] @ i["second"])}


EXPECTED: dict[str, Callable[[Arrays], Arrays]] = {
    "attention": lambda i: {"y": _softmax(i["q"] @ i["k"].T / np.sqrt(8)) @ i["v"]},
    "batched_matmul": lambda i: {"y": i["a"] @ i["b"]},
    "clamp": lambda i: {"y": i["x"].clip(-1, 1)},
    "concat": lambda i: {"below": np.vstack([i["a"], i["b"]]), "beside": np.hstack([i["a"], i["b"]])},
    "convolution": lambda i: {"y": np.einsum("cxyab,ocab->oxy", _windows(i["x"], 3, 3), i["w"])},
    "cumulative_product": lambda i: {"growth": (1.0 + i["rate"].astype(np.float64)).cumprod(axis=1)},
    "cumulative_rows": lambda i: {"y": i["x"].cumsum(axis=0)},
    "distances": lambda i: {"y": ((i["a"][:, None] - i["b"]) ** 2).sum(axis=2)},
    "dot": lambda i: {"y": np.array([i["a"] @ i["b"]])},
    "elementwise": lambda i: {"y": np.maximum(i["a"] * i["b"] + 0.5, 0)},
    "experts": _experts,
    "gather_dot": lambda i: {"y": i["table"][i["index"].astype(int)] @ i["v"]},
    "gather_rows": lambda i: {"y": i["table"][i["index"].astype(int)]},
    "gelu": lambda i: {"y": i["x"] * _sigmoid(1.702 * i["x"])},
    "integers": lambda i: {"y": (d := (i["a"] - i["b"]).clip(0, 100)), "sum": d.sum(axis=1)},
    "layer_norm": _layer_norm,
    "masked_sum": lambda i: {"sum": (i["x"] * i["mask"]).sum(axis=1), "count": i["mask"].sum(axis=1)},
    "matmul": lambda i: {"y": i["x"] @ i["w"]},
    "max_pooling": lambda i: {"y": i["x"].reshape(5, 2, 7, 2).max(axis=(1, 3))},
    "mean_of_rows": lambda i: {"y": i["x"][:13].mean(axis=0)},
    "merge_rows": _merged,
    "moving_average": lambda i: {"y": _windows(i["x"], 5).mean(axis=2)},
    "normalise": lambda i: {"y": i["x"] / np.abs(i["x"]).max(axis=1, keepdims=True)},
    "one_hot_count": lambda i: {"count": np.bincount(i["label"].astype(int), minlength=8)},
    "outer_product": lambda i: {"y": np.outer(i["a"], i["b"])},
    "prefix_sum": lambda i: {"y": i["x"].cumsum(axis=1), "e": np.exp(i["x"].cumsum(axis=1))},
    "quantised_matmul": lambda i: {"y8": i["x"] @ i["eight"], "y4": i["x"] @ i["four"]},
    "reshape": lambda i: {"heads": i["x"].reshape(5, 3, 8), "y": i["x"].ravel()},
    "rms_norm": lambda i: {"y": i["x"] / np.sqrt((i["x"] ** 2).mean(axis=1, keepdims=True) + 1e-6) * i["scale"]},
    "rotary": _rotated,
    "round_to_bf16": lambda i: {"y": to_bf16(i["x"]), "lost": i["x"] - to_bf16(i["x"])},
    "row_and_column_sums": lambda i: {
        "rows": i["x"].sum(axis=1),
        "columns": i["x"].sum(axis=0),
        "all": np.array([i["x"].sum()]),
    },
    "running_maximum": lambda i: {
        "top": np.maximum.accumulate(i["x"], axis=1),
        "drop": np.maximum.accumulate(i["x"], axis=1) - i["x"],
    },
    "scatter_rows": _scattered,
    "slice": lambda i: {"y": i["x"][2:6, 3:14] ** 2},
    "softmax": lambda i: {"y": _softmax(i["x"])},
    "softmax_dynamic": lambda i: {"y": np.pad(_softmax(i["x"][:, :37]), [(0, 0), (0, 11)])},
    "stencil": lambda i: {"y": np.einsum("xyab,ab->xy", _windows(i["x"], 3, 3), i["w"])},
    "store_and_load": lambda i: {"half": i["x"] / 2, "y": i["x"].T / 2},
    "swiglu": _swiglu,
    "top1": _top1,
    "transpose": lambda i: {"y": i["x"].transpose(0, 2, 1), "v": i["w"].T},
    "transpose_3d": lambda i: {"y": i["x"].transpose(2, 0, 1)},
    "turns": lambda i: {"y": i["start"] + i["x"].cumsum(axis=0)},
}


def expected_of(name: str, inputs: Arrays) -> Arrays:
    """The outputs of an example, computed in float64."""
    return EXPECTED[name]({key: values.astype(np.float64) for key, values in inputs.items()})
