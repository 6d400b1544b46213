"""Answering, and scoring the answers."""
