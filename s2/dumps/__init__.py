"""Dump files: reading, one row an id, what cannot be read."""
