"""The programs of a build, several at a time: when the build fails or is interrupted, all of them end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from weft.sim.verilator.environment import build_environment

__all__ = ["at_once", "check_going_on", "run"]

_lock = threading.Lock()
_running: set[subprocess.Popen[bytes]] = set()
_stopping = threading.Event()


def run(command: Sequence[str], *, folder: Path, output: IO[str]) -> int:
    """Run a program in ``folder`` with the environment of builds, and with its output to a file; its status.

    Raises
    ------
    CancelledError
        The build that it is a part of is ending.
    """
    if threading.current_thread() is not threading.main_thread():
        return _run(command, folder, output)
    # An interrupt is raised in the main thread, there also after a program has begun and before anything knows of it.
    with at_once(1) as pool:
        return pool.submit(_run, command, folder, output).result()


def _run(command: Sequence[str], folder: Path, output: IO[str]) -> int:
    with _lock:
        check_going_on()
        # A group of its own, so that it can be ended with all that it started.
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=build_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        _running.add(process)
    try:
        return process.wait()
    finally:
        with _lock:
            _end(process)
            _running.discard(process)


@contextmanager
def at_once(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Threads for the parts of a build. An error or an interrupt within ends what runs, and what waits never begins."""
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        with _lock:
            _stopping.set()
            for process in _running:
                _end(process)
        pool.shutdown()
        _stopping.clear()
        raise
    pool.shutdown()


def check_going_on() -> None:
    """To be called by what waits within a part of a build.

    Raises
    ------
    CancelledError
        The build is ending.
    """
    if _stopping.is_set():
        raise CancelledError


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program that still runs, and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
