"""The performance model: a mapped program run in time, on beats without numbers."""
