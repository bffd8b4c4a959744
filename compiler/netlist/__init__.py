"""Netlists: the configured units of one context and the streams between them."""
