"""Pattern compute unit: header, body and tail."""

from .pcu import Pcu

__all__ = ["Pcu"]
