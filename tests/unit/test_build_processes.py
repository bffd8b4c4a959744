"""The parts of a build: when one fails or the build is interrupted, nothing of it goes on."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from weft.sim.verilator.processes import at_once, run
from weft.sim.verilator.store import kept

SLOW = ["sh", "-c", "sleep 60 & echo $! $$ >> pids; wait"]
"""Starts a program of its own, as make does."""


def _slow(folder: Path) -> int:
    with (folder / "log").open("a") as log:
        return run(SLOW, folder=folder, output=log)


def _until(holds: Callable[[], object]) -> None:
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < 20, "nothing happened"
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _pids(folder: Path) -> list[int]:
    file = folder / "pids"
    return [int(pid) for pid in file.read_text().split()] if file.exists() else []


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_runs_ends_and_what_waits_never_begins(tmp_path: Path, error: type[BaseException]) -> None:
    begun = time.monotonic()
    with pytest.raises(error), at_once(2) as pool:  # noqa: PT012
        parts = [pool.submit(_slow, tmp_path) for _ in range(6)]
        _until(lambda: len(_pids(tmp_path)) == 4)
        raise error
    assert time.monotonic() - begun < 30
    assert len(_pids(tmp_path)) == 4, "two parts of six began"
    _until(lambda: not any(map(_alive, _pids(tmp_path))))
    assert all(part.cancelled() or part.exception() or part.result() < 0 for part in parts)
    with (tmp_path / "log").open() as log:
        assert run(["true"], folder=tmp_path, output=log) == 0, "the next build runs"


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Interrupts raise KeyboardInterrupt; a shell starts what runs in its background with interrupts ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_an_interrupt_ends_a_program_that_the_main_thread_waits_for(tmp_path: Path) -> None:
    def interrupt() -> None:
        _until(lambda: _pids(tmp_path))
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        _slow(tmp_path)
    thread.join()
    _until(lambda: not any(map(_alive, _pids(tmp_path))))


@pytest.mark.usefixtures("interrupts")
def test_an_interrupt_while_a_program_begins_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)  # type: ignore[call-overload]
            _until(lambda: _pids(tmp_path))
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        _slow(tmp_path)
    _until(lambda: not any(map(_alive, _pids(tmp_path))))


def test_a_part_that_waits_for_another_process_stops_waiting(tmp_path: Path) -> None:
    def never(work: Path, result: Path) -> None:
        raise AssertionError("the other process holds it")

    with (tmp_path / "key.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(KeyboardInterrupt), at_once(1) as pool:  # noqa: PT012
            part = pool.submit(kept, tmp_path, "key", never)
            _until(part.running)
            raise KeyboardInterrupt
    assert isinstance(part.exception(), CancelledError)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_ends_them_too(tmp_path: Path, number: signal.Signals) -> None:
    script = f"""
from pathlib import Path
from weft.cli import end_by_signals
from weft.sim.verilator.processes import run
end_by_signals()
run({SLOW!r}, folder=Path(), output=open("log", "a"))
"""
    process = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path)
    _until(lambda: _pids(tmp_path))
    process.send_signal(number)
    assert process.wait(20) == 128 + number
    _until(lambda: not any(map(_alive, _pids(tmp_path))))
