"""The pattern memory unit: a banked scratchpad between a writing and a reading stream."""
