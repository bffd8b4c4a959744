"""A running simulator, seen from the process that started it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import weakref
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from weft.sim.device import DeviceError
from weft.sim.rtl.server import DESCRIPTOR
from weft.sim.rtl.without_pytest import USERS
from weft.sim.verilator.build import Simulator
from weft.sim.verilator.environment import cocotb_environment

__all__ = ["SimulatorProcess"]

_CLOSING_SECONDS = 30


class SimulatorProcess:
    """Starts a simulator that runs :mod:`weft.sim.rtl.server`, and ends it on :meth:`close`, at exit or when collected.

    Parameters
    ----------
    simulator
        Built from :func:`weft.sim.rtl.testbench.chip_design`.
    waves
        FST file to write; the simulator must have been built with waves.
    stalls
        Seed of the stalls at the tiles' ports; 0 for none.
    seed
        Given to cocotb.

    Raises
    ------
    DeviceError
        The simulator did not start; the sentence ends with its last words.
    """

    def __init__(self, simulator: Simulator, *, waves: Path | None = None, stalls: int = 0, seed: int = 1) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="weft-"))
        ours, theirs = socket.socketpair()
        environment = cocotb_environment(simulator.top, "weft.sim.rtl.server", self.folder, seed=seed)
        environment["WEFT_STALLS"] = str(stalls)
        environment["PYGPI_USERS"] = ",".join(USERS)
        environment.update(
            {DESCRIPTOR: str(theirs.fileno()), "COCOTB_LOG_LEVEL": "WARNING", "GPI_LOG_LEVEL": "WARNING"}
        )
        arguments = ["--waves", str(waves.absolute())] if waves else []
        self._log = self.folder / "simulator.log"
        with self._log.open("w") as log, theirs:
            try:
                self._process = subprocess.Popen(
                    [str(simulator.executable), *arguments],
                    cwd=self.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # an interrupt from the keyboard is the parent's to handle
                )
            except OSError as error:
                ours.close()
                shutil.rmtree(self.folder, ignore_errors=True)
                raise DeviceError(
                    f"the simulator {simulator.executable} cannot be started here ({error.strerror}): remove its "
                    "folder, and it is built anew"
                ) from None
        self._connection = Connection(ours.detach())
        self._finalizer = weakref.finalize(self, _end, self._process, self._connection, self.folder)
        self.seconds = 0.0
        self._receive()

    @property
    def pid(self) -> int:
        """Of the simulator."""
        return self._process.pid

    @property
    def cpu_seconds(self) -> float:
        """Processor time that the simulator has taken so far, Python inside it included; for measurements, on Linux."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, *message: Any) -> Any:
        """Send a message of :mod:`weft.sim.rtl.server` and wait for the answer.

        Raises
        ------
        DeviceError
            The simulator has ended.
        """
        if not self._finalizer.alive:
            raise DeviceError("the simulator is closed")
        begun = time.perf_counter()
        try:
            self._connection.send(message)
        except OSError:
            raise self._died() from None
        answer = self._receive()
        self.seconds += time.perf_counter() - begun
        return answer

    def _receive(self) -> Any:
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            raise self._died() from None
        except BaseException:
            # Interrupted in the middle of an answer: what comes next on this connection means nothing.
            self._finalizer()
            raise

    def _died(self) -> DeviceError:
        try:
            status = self._process.wait(_CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            status = "that it did not give"
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        telling = [line for line in lines if "rror" in line or "Assert" in line] or lines[-1:] or ["no output"]
        self._finalizer()
        return DeviceError(f"the simulator ended with status {status}: {telling[0]}")

    def close(self) -> None:
        """End the simulator; waves are then complete."""
        if self._finalizer.alive:
            try:
                self._connection.send(("close",))
                self._process.wait(_CLOSING_SECONDS)
            except (OSError, subprocess.TimeoutExpired):
                pass
            self._finalizer()


def _end(process: subprocess.Popen[bytes], connection: Connection, folder: Path) -> None:
    connection.close()
    process.kill()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)
