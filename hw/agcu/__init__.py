"""The address generation and coalescing unit: off-chip access."""
