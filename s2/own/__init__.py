"""A user's own questions and answers."""
