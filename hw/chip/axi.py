"""AXI4 and AXI4-Lite (ARM IHI 0022), as the manager sees them."""

from __future__ import annotations

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.spec import ADDRESS_BITS

__all__ = ["BURST_INCR", "ID_BITS", "RESP_OKAY", "RESP_SLVERR", "Axi4", "AxiLite"]

BURST_INCR = 1
RESP_OKAY = 0
RESP_SLVERR = 2
ID_BITS = 8
"""Bits of the IDs of a memory channel: one ID for each AGCU on it."""


class Axi4(wiring.Signature):
    """AXI4 with addresses of ``ADDRESS_BITS``, without user signals, regions and exclusive access.

    Parameters
    ----------
    data_bits
        Bits of ``wdata`` and ``rdata``: 8 to 1024, a power of two.
    id_bits
        Bits of each ID.

    Raises
    ------
    ValueError
        ``data_bits`` is not one of AXI4's widths.
    """

    def __init__(self, *, data_bits: int, id_bits: int = ID_BITS) -> None:
        if data_bits not in (8, 16, 32, 64, 128, 256, 512, 1024):
            raise ValueError(f"data_bits must be a power of two from 8 to 1024, not {data_bits}")
        self.data_bits = data_bits
        self.id_bits = id_bits
        request = {"id": id_bits, "addr": ADDRESS_BITS, "len": 8, "size": 3, "burst": 2}
        request |= {"lock": 1, "cache": 4, "prot": 3, "qos": 4}
        members = {}
        for channel in ("aw", "ar"):
            members.update({channel + name: Out(width) for name, width in request.items()})
            members.update({channel + "valid": Out(1), channel + "ready": In(1)})
        super().__init__(
            {
                **members,
                "wdata": Out(data_bits),
                "wstrb": Out(data_bits // 8),
                "wlast": Out(1),
                "wvalid": Out(1),
                "wready": In(1),
                "bid": In(id_bits),
                "bresp": In(2),
                "bvalid": In(1),
                "bready": Out(1),
                "rid": In(id_bits),
                "rdata": In(data_bits),
                "rresp": In(2),
                "rlast": In(1),
                "rvalid": In(1),
                "rready": Out(1),
            }
        )


class AxiLite(wiring.Signature):
    """AXI4-Lite with 32-bit data.

    Parameters
    ----------
    address_bits
        Bits of the byte addresses.
    """

    def __init__(self, *, address_bits: int = 16) -> None:
        self.address_bits = address_bits
        members = {}
        for channel in ("aw", "ar"):
            members.update({channel + "addr": Out(address_bits), channel + "prot": Out(3)})
            members.update({channel + "valid": Out(1), channel + "ready": In(1)})
        super().__init__(
            {
                **members,
                "wdata": Out(32),
                "wstrb": Out(4),
                "wvalid": Out(1),
                "wready": In(1),
                "bresp": In(2),
                "bvalid": In(1),
                "bready": Out(1),
                "rdata": In(32),
                "rresp": In(2),
                "rvalid": In(1),
                "rready": Out(1),
            }
        )
