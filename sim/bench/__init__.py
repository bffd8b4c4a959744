"""Pieces of cocotb benches: sources and sinks of streams, and what runs a bench from pytest."""
