"""Sharding: a logical program as one whose parts work side by side, each on its own tiles and memory channel."""

from weft.compiler.passes.sharding.shard import Shard
from weft.compiler.passes.sharding.spread import Spread

__all__ = ["Shard", "Spread"]
