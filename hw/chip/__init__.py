"""The chip: a fabric with its memory channels and its host interface."""
