"""Checkpoints from disk: config.json, safetensors, tokenizers, as plain values and arrays."""
