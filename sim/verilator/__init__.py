"""Building simulators with Verilator and running cocotb in them."""
