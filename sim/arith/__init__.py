"""Comparison of the native arithmetic with the real units."""
