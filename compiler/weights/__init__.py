"""Formats of weights and how they are packed into beats of memory."""
