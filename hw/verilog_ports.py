"""Ports under the names that they have in Verilog."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Value
from amaranth.lib import wiring

__all__ = ["verilog_ports"]


def verilog_ports(interface: Any) -> dict[str, tuple[wiring.Flow, Value]]:
    """Direction and value of each port of an interface or component, by the name that Amaranth's back end gives it.

    Port ``ready`` of stream 1 in the array ``links`` is ``links__1__ready``.
    """
    ports = interface.signature.flatten(interface)
    return {"__".join(map(str, path)): (member.flow, Value.cast(value)) for path, member, value in ports}
