"""Functional model: stream programs executed with the exact numbers and orders of the hardware."""
