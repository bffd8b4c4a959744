"""The cocotb test that runs inside the simulator and serves the process that started it.

It takes a message, queues what the message asks for on the simulator's side, raises ``request`` and waits for one
change of ``events``: Python runs twice a message, whatever the cycles. While no message is there, simulated time
stands still.

======================= ==================================================================================
message                 answer
======================= ==================================================================================
``("memory", path, n, m)`` None; ``n`` bytes of a file each are the memory of ``m`` channels
``("timing", ...)``     None; see :meth:`HostLibrary.timing`
``("watchdog", a, b)``  None; see :meth:`HostLibrary.watchdog`
``("taps", enable)``    None; the beats recorded are forgotten
``("sample", window)``  None; see :meth:`HostLibrary.start_activity`
``("run", operations)`` outcome, notes, values read, cycles; see :meth:`HostLibrary.queue`
``("fetch",)``          see :meth:`HostLibrary.taps`
``("activity",)``       see :meth:`HostLibrary.activity`
``("close",)``          none, the simulation ends
======================= ==================================================================================
"""

from __future__ import annotations

import gc
import os
from multiprocessing.connection import Connection
from typing import Any

import cocotb
from cocotb.triggers import Timer, ValueChange

from weft.sim.rtl.host_library import HostLibrary

__all__ = ["DESCRIPTOR"]

DESCRIPTOR = "WEFT_DESCRIPTOR"
"""Environment variable with the number of the open file that messages come through."""


@cocotb.test()
async def serve(dut: Any) -> None:
    """Reset the chip, then answer messages until told to close, or nobody is left to tell."""
    gc.freeze()  # else all that cocotb has imported is searched for garbage once more at the end
    library = HostLibrary()
    request, events = dut.request, dut.events
    dut.rst.value = 1
    request.value = 0
    await Timer(200, "ns")
    dut.rst.value = 0
    await Timer(50, "ns")
    count = 0
    with Connection(int(os.environ[DESCRIPTOR])) as parent:
        parent.send("ready")
        while True:
            try:
                message = parent.recv()
            except EOFError:
                return
            match message:
                case ("memory", path, size, channels):
                    parent.send(library.map_memory(path, size, channels))
                case ("timing", *values):
                    parent.send(library.timing(*values))
                case ("watchdog", *values):
                    parent.send(library.watchdog(*values))
                case ("taps", enable):
                    parent.send(library.start_taps(enable))
                case ("sample", window):
                    parent.send(library.start_activity(window))
                case ("run", operations):
                    library.queue(operations)
                    count += 1
                    request.value = count
                    await ValueChange(events)
                    parent.send(library.result())
                case ("fetch",):
                    parent.send(library.taps())
                case ("activity",):
                    parent.send(library.activity())
                case _:
                    return
