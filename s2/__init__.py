"""S2: simple, safe language models, from raw dumps to a leaderboard, as one reproducible graph."""
