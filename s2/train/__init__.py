"""Training and merging."""
