"""Tiles: a unit, its switch and its configuration."""
