"""Typed parameters, by family."""
