"""A run on simulated RTL again without cocotb: the same model, driven by a loop in C++."""
