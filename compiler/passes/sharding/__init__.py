"""Sharding: a logical program as one whose parts work side by side, each on its own tiles and memory channel."""

from weft.compiler.passes.sharding.shard import Shard

__all__ = ["Shard"]
