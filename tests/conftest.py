"""What all tests run with."""

from __future__ import annotations

import gc

# Elaboration makes many objects that stay: looking for garbage among them every 700 takes a third of its time. What a
# test leaves behind is still found, and reported, some tests later.
gc.set_threshold(100_000, 20, 20)
