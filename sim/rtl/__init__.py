"""The fabric's RTL as a device: test bench, memory model, and the cocotb server between them and the caller."""
