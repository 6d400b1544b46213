"""Measuring text, and the gates that decide on the measures."""
