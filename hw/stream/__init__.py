"""Pieces that streams are built of."""
