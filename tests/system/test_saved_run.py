"""A run that is saved and resumed is the run that was never interrupted, and a file that is no such run is refused."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import weft
from decoders import compile_decoder
from safetensors.numpy import load_file

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint, read_checkpoint
from weft.compiler.errors import WeftError
from weft.hw.presets import PRESETS
from weft.saved import keeping
from weft.sim.device import HangError, Launch
from weft.sim.functional.device import FunctionalDevice
from weft.sim.generate import ComparedDecoder, Generation
from weft.sim.saved_run import SavedRun, identity_of, read_run, write_run

ROOT = Path(__file__).parents[2]
MODEL = str(ROOT / "models" / "weft-tiny")
OTHER = str(ROOT / "tests" / "data" / "checkpoints" / "one-kv-head")
DEMO = PRESETS["demo"]
PROMPT, COUNT = "And God ", 9
SAMPLED = ("--temperature", "0.9", "--seed", "5")


def _weft(*arguments: str) -> tuple[int, str, str]:
    result = weft("generate", *arguments)
    return result.exit_code, result.stdout, result.stderr


def _generate(folder: Path, *arguments: str) -> tuple[dict[str, Any], np.ndarray]:
    """What a run says, and its logits."""
    logits = folder / f"{len(list(folder.iterdir()))}.npz"
    code, out, err = _weft(MODEL, "--logits", str(logits), "--json", *arguments)
    assert code == 0, err
    with np.load(logits) as archive:
        return json.loads(out), archive["logits"].view(np.uint32)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], np.ndarray]:
    """A file, and the uninterrupted run that was saved in it."""
    folder = tmp_path_factory.mktemp("whole")
    file = folder / "run.weft"
    return file, *_generate(folder, "--prompt", PROMPT, "--tokens", str(COUNT), "--save", str(file), *SAMPLED)


PLACES = (0, 3, len(PROMPT) - 1, len(PROMPT) + 3, None)


@pytest.mark.parametrize(
    ("at", "more"), [*((at, ()) for at in PLACES), *((at, ("--unfused",)) for at in (len(PROMPT) + 3, None))]
)
def test_resumed_anywhere_it_is_the_same_run(
    whole: tuple[Path, dict[str, Any], np.ndarray], tmp_path: Path, at: int | None, more: tuple[str, ...]
) -> None:
    file, said, logits = whole
    last = len(PROMPT) + COUNT - 1
    begin = last if at is None else at
    known = max(begin + 1, len(PROMPT))
    tokens = 2 if at is None else len(PROMPT) + COUNT - known
    place = () if at is None else ("--at", str(at))
    resumed, again = _generate(tmp_path, "--resume", str(file), *place, "--tokens", str(tokens), *more)
    assert resumed["prompt_ids"] == [*said["prompt_ids"], *said["tokens"]][:known]
    if at is None:
        longer, more_logits = _generate(tmp_path, "--prompt", PROMPT, "--tokens", str(COUNT + tokens), *SAMPLED)
        assert resumed["tokens"] == longer["tokens"][COUNT:]
        np.testing.assert_array_equal(again, more_logits[begin:])
    else:
        assert resumed["tokens"] == said["tokens"][known - len(PROMPT) :]
        np.testing.assert_array_equal(again, logits[begin:])


def test_resumed_within_the_prompt_several_tokens_go_at_once(whole: tuple[Path, dict[str, Any], np.ndarray]) -> None:
    file, said, _ = whole
    code, out, _ = _weft(MODEL, "--resume", str(file), "--at", "1", "--tokens", "3", "--json")
    assert code == 0
    resumed = json.loads(out)
    assert resumed["prefill_tokens"] == 4
    assert resumed["tokens"] == said["tokens"][:3]


def test_resumed_on_rtl_it_is_the_same_run(whole: tuple[Path, dict[str, Any], np.ndarray], tmp_path: Path) -> None:
    file, said, logits = whole
    at = len(PROMPT) + 4
    on_rtl = ("--device", "rtl", "--stalls", "1", "--arith", "rtl")  # the simulator that other tests have
    resumed, again = _generate(tmp_path, "--resume", str(file), "--at", str(at), "--tokens", "2", *on_rtl)
    assert resumed["tokens"] == said["tokens"][at + 1 - len(PROMPT) :][:2]
    np.testing.assert_array_equal(again, logits[at : at + 2])
    assert resumed["compared"] > 1000
    assert (resumed["mismatches"], resumed["arith"]) == (0, "rtl")


def test_a_run_saved_over_itself_grows(whole: tuple[Path, dict[str, Any], np.ndarray], tmp_path: Path) -> None:
    file = tmp_path / "run.weft"
    file.write_bytes(whole[0].read_bytes())
    _generate(tmp_path, "--resume", str(file), "--save", str(file), "--tokens", "3")
    run = read_run(file, _identity())
    assert (len(run.tokens), run.prompt, run.positions) == (len(PROMPT) + COUNT + 3, len(PROMPT), 19)
    assert [path.name for path in tmp_path.iterdir()].count("run.weft") == 1
    assert not list(tmp_path.glob(".*")), "nothing half written stays behind"


def test_the_safetensors_library_reads_the_caches(whole: tuple[Path, dict[str, Any], np.ndarray]) -> None:
    tensors = load_file(whole[0])
    config = read_checkpoint(MODEL).config
    positions = len(PROMPT) + COUNT - 1
    assert {name: each.shape for name, each in tensors.items()} == dict.fromkeys(
        ("keys", "values"), (config.layers, config.kv_heads, positions, config.head_dim)
    )


@pytest.mark.parametrize("hung", [0, 5, len(PROMPT) + 2])
def test_a_run_that_hangs_is_kept_and_resumed_where_it_hung(
    whole: tuple[Path, dict[str, Any], np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hung: int
) -> None:
    _, said, logits = whole
    file, launch, launches = tmp_path / "run.weft", FunctionalDevice.launch, count()

    def hangs(device: FunctionalDevice, context: int, arguments: dict[int, int]) -> Launch:
        if next(launches) == hung:
            raise HangError("the launch hung")
        return launch(device, context, arguments)

    with monkeypatch.context() as patched:
        patched.setattr(FunctionalDevice, "launch", hangs)
        code, _, err = _weft(MODEL, "--prompt", PROMPT, "--no-prefill", "--save", str(file), *SAMPLED)
    assert (code, err) == (1, "weft: the launch hung\n")
    assert read_run(file, _identity()).failed_at == hung
    resumed, again = _generate(tmp_path, "--resume", str(file), "--tokens", "2")
    known = max(hung + 1, len(PROMPT))
    assert resumed["prompt_ids"] == [*said["prompt_ids"], *said["tokens"]][:known]
    assert resumed["tokens"] == said["tokens"][known - len(PROMPT) :][:2]
    np.testing.assert_array_equal(again, logits[hung : known + 1])


class _Wrong(FunctionalDevice):
    """Spoils its memory in its fourth launch."""

    launches = 0

    def launch(self, context: int, arguments: dict[int, int]) -> Launch:
        done = super().launch(context, arguments)
        self.launches += 1
        if self.launches == 4:
            self.memory[:] ^= 1
        return done


def test_a_run_that_differs_is_resumed_where_it_first_did(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(MODEL)
    compiled, result = compile_decoder(checkpoint.config, DEMO), Generation()
    decoder = ComparedDecoder(compiled, checkpoint, DEMO, result, _Wrong(DEMO, memory_bytes=compiled.memory_bytes))
    begin, file = SavedRun([1, 2, 3, 4, 5, 6], 6, 0.0, 0), tmp_path / "run"
    with keeping(file, begin, decoder, result, _identity()):
        for token in begin.tokens:
            decoder.step(token)
    kept = read_run(file, _identity())
    assert (kept.failed_at, kept.positions) == (3, 6)
    right = ComparedDecoder(compiled, checkpoint, DEMO, Generation())
    for token in begin.tokens:
        right.step(token)
    for name, rows in right.caches().items():
        np.testing.assert_array_equal(kept.caches[name], rows)
    code, out, _ = _weft(MODEL, "--resume", str(file), "--tokens", "1", "--json", "--logits", str(tmp_path / "l.npz"))
    assert code == 0
    assert json.loads(out)["prompt_ids"] == begin.tokens
    with np.load(tmp_path / "l.npz") as archive:
        assert archive["ids"].tolist() == begin.tokens[3:]


def _identity(model: str = MODEL) -> dict[str, str]:
    return identity_of(read_checkpoint(model), DEMO)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--resume", "FILE", "--at", "17"), "--at must be 0 to 16 in this run, not 17"),
        (("--resume", "FILE", "--at", "-1"), "--at must be 0 to 16 in this run, not -1"),
        (("--resume", "FILE", "--prompt", "a"), "--prompt must not be given with --resume"),
        (("--resume", "FILE", "--prompt-ids", "1"), "--prompt-ids must not be given with --resume"),
        (("--resume", "FILE", "--seed", "0"), "--seed must not be given with --resume"),
        (("--resume", "FILE", "--temperature", "0"), "--temperature must not be given with --resume"),
        (("--resume", "FILE", "--tokens", "240"), "prompt and new tokens must fit the context of 256 tokens"),
        (("--resume", "FILE", "--set", "lanes=16"), "must be a run of fabric"),
        (
            ("--resume", "FILE", "--device", "reference"),
            "--save and --resume must not be given with --device reference",
        ),
        (("--prompt", "a", "--save", "FILE"), "--save must be a new file, but"),
        (("--resume", "FILE", "--save", __file__), "--save must be a new file, but"),
        (("--prompt", "a", "--save", "/no/such/folder/run"), "--save must be a file in a folder that exists"),
        (("--prompt", "a", "--at", "0"), "--at must be given with --resume"),
        (("--resume", "/no/such/run"), "the file is missing"),
        (("--resume", str(Path(MODEL) / "model.safetensors")), "must be a run that weft generate --save wrote"),
        (("--resume", __file__), "truncated?"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    whole: tuple[Path, dict[str, Any], np.ndarray], arguments: tuple[str, ...], sentence: str
) -> None:
    before = whole[0].read_bytes()
    code, _, err = _weft(MODEL, *(str(whole[0]) if each == "FILE" else each for each in arguments))
    assert code == 2
    assert sentence in err
    assert err.count("\n") == 1
    assert whole[0].read_bytes() == before


def test_a_run_of_another_model_is_refused(whole: tuple[Path, dict[str, Any], np.ndarray]) -> None:
    code, _, err = _weft(OTHER, "--resume", str(whole[0]))
    assert (code, err.count("\n")) == (2, 1)
    assert "must be a run of model" in err


def _damaged(good: bytes) -> Iterator[tuple[bytes, str]]:
    yield b"", "truncated?"
    yield good[:20], "truncated?"
    yield good[:-1], "truncated?"
    yield good + b"x", "bytes follow"
    yield good[:-1] + bytes([good[-1] ^ 1]), "damaged"
    yield good.replace(b'"prompt": "8"', b'"prompt": "7"'), "damaged"
    yield good.replace(b'"version": "2"', b'"version": "1"'), "must be a run of version 2, not '1': save it anew"
    yield good.replace(b'"shape": [4, 2', b'"shape": [2, 4'), "damaged"
    yield good.replace(b'"keys"', b'"kept"').replace(b'"values"', b'"keys"').replace(b'"kept"', b'"values"'), "damaged"
    yield good.replace(b'"seed"', b'"sees"'), "field 'seed' of the run is missing"
    yield (
        good.replace(b'"format": "weft-run"', b'"format": "weft-ran"'),
        "must be a run that weft generate --save wrote",
    )


@pytest.mark.parametrize("index", range(11))
def test_a_broken_file_is_one_sentence(
    whole: tuple[Path, dict[str, Any], np.ndarray], tmp_path: Path, index: int
) -> None:
    bad, sentence = list(_damaged(whole[0].read_bytes()))[index]
    assert bad != whole[0].read_bytes()
    file = tmp_path / "bad"
    file.write_bytes(bad)
    code, _, err = _weft(MODEL, "--resume", str(file))
    assert (code, err.count("\n")) == (2, 1)
    assert sentence in err


def _with(good: bytes, **changed: str | None) -> bytes:
    """The file with some fields of its metadata changed, or left out."""
    length = int.from_bytes(good[:8], "little")
    header = json.loads(good[8 : 8 + length])
    header["__metadata__"] |= changed
    header["__metadata__"] = {name: value for name, value in header["__metadata__"].items() if value is not None}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + good[8 + length :]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("tokens", ["", "7", "[]", "[1, -2]", "[1.5]", "[true]", "[" * 5000, "[1" + "0" * 5000 + "]"]),
        ("prompt", ["x", "0", "18", "1.0"]),
        ("seed", ["-1", "", "1e3"]),
        ("temperature", ["nan", "-1", "hot"]),
        ("failed_at", ["[", "-1", "17", "true"]),
        ("model", []),
        ("fabric", []),
    ],
)
def test_each_field_is_checked_by_its_name(
    whole: tuple[Path, dict[str, Any], np.ndarray], tmp_path: Path, field: str, values: list[str]
) -> None:
    file = tmp_path / "odd"
    for value in (None, *values):
        file.write_bytes(_with(whole[0].read_bytes(), **{field: value}))
        with pytest.raises(WeftError, match=f"odd: field '{field}' of the run (is missing|must be)") as caught:
            read_run(file, {"model": "", "fabric": ""})
        assert len(str(caught.value)) < 400


def test_a_file_that_cannot_be_replaced_stays_as_it_was(
    whole: tuple[Path, dict[str, Any], np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, file = read_run(whole[0], _identity()), tmp_path / "run"
    write_run(file, run, _identity())
    before = file.read_bytes()

    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WeftError, match=r"run: the run cannot be saved \(No space left on device\)"):
        write_run(file, replace(run, prompt=1), _identity())
    assert file.read_bytes() == before


@contextmanager
def _room_for(file_size: int) -> Iterator[None]:
    """The kernel refuses to write more to a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_run_that_outgrows_its_room_ends_with_a_sentence_and_the_last_token_that_had_room(
    whole: tuple[Path, dict[str, Any], np.ndarray], tmp_path: Path
) -> None:
    file, said, logits = whole
    room, kept = file.stat().st_size - 1, tmp_path / "run.weft"
    with _room_for(room):
        code, out, err = _weft(MODEL, "--prompt", PROMPT, "--tokens", str(COUNT), "--save", str(kept), *SAMPLED)
    assert (code, err) == (2, f"weft: {kept}: the run cannot be saved (File too large)\n")
    assert out == PROMPT + bytes(said["tokens"][:-1]).decode()
    assert list(tmp_path.iterdir()) == [kept], "nothing half written stays behind"
    assert read_run(kept, _identity()).tokens == [*said["prompt_ids"], *said["tokens"]][:-1]
    resumed, again = _generate(tmp_path, "--resume", str(kept), "--tokens", "1")
    assert resumed["tokens"] == said["tokens"][-1:]
    np.testing.assert_array_equal(again, logits[-1:])


def test_a_run_that_can_be_neither_ended_nor_saved_says_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(device: FunctionalDevice, context: int, arguments: dict[int, int]) -> Launch:
        raise HangError("the launch hung")

    monkeypatch.setattr(FunctionalDevice, "launch", hangs)
    with _room_for(100):
        code, _, err = _weft(MODEL, "--prompt", PROMPT, "--save", str(tmp_path / "run"))
    assert (code, err) == (
        1,
        f"weft: {tmp_path / 'run'}: the run cannot be saved (File too large)\nweft: the launch hung\n",
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--save", "--logits"])
def test_a_folder_that_takes_no_files_is_refused_before_the_run(option: str, tmp_path: Path) -> None:
    for folder in ("/sys", *((str(tmp_path),) if os.geteuid() else ())):  # root may write where nobody may
        tmp_path.chmod(0o500)
        code, out, err = _weft(MODEL, "--prompt", PROMPT, option, f"{folder}/run")
        assert (code, out) == (2, "")
        assert f"{option} must be in a folder that can be written to, not '{folder}/run': " in err
        assert err.count("\n") == 1


def test_a_file_that_is_a_folder_by_the_end_is_left_alone(
    whole: tuple[Path, dict[str, Any], np.ndarray], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "precious").touch()
    with pytest.raises(WeftError, match=r"run: the run cannot be saved \(Is a directory\)"):
        write_run(folder, read_run(whole[0], _identity()), _identity())
    assert [path.name for path in tmp_path.rglob("*")] == ["run", "precious"]
    for arguments in (("--prompt", "a", "--save"), ("--resume",)):
        code, _, err = _weft(MODEL, *arguments, str(folder))
        assert (code, err.count("\n")) == (2, 1)


def test_logits_without_room_leave_no_file_and_do_not_cost_the_tokens(
    whole: tuple[Path, dict[str, Any], np.ndarray], tmp_path: Path
) -> None:
    logits = tmp_path / "logits.npz"
    with _room_for(1000):
        code, out, err = _weft(
            MODEL, "--prompt", PROMPT, "--tokens", str(COUNT), "--logits", str(logits), "--json", *SAMPLED
        )
    assert (code, err) == (2, f"weft: {logits}: File too large\n")
    assert json.loads(out)["tokens"] == whole[1]["tokens"]
    assert not list(tmp_path.iterdir())


def test_the_identity_is_of_weights_and_configuration() -> None:
    checkpoint = read_checkpoint(MODEL)
    name = next(iter(checkpoint.tensors))
    other = {**checkpoint.tensors, name: np.where(checkpoint.tensors[name] == 0, 1, checkpoint.tensors[name] * 2)}
    changed = [
        LlamaCheckpoint(checkpoint.config, other),
        LlamaCheckpoint(replace(checkpoint.config, rms_norm_eps=1e-6), checkpoint.tensors),
    ]
    models = {identity_of(each, DEMO)["model"] for each in (checkpoint, *changed)}
    assert len(models) == 3
    with pytest.raises(WeftError, match="--at must be 0 to 0 in this run, not 1"):
        SavedRun([1, 2], 2, 0.0, 0).at(1)
