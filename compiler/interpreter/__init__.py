"""The oracle: what a program of `step` means, in NumPy, with bounds; it shares nothing with the lowering."""
