"""The graph as S2 sees it: fingerprints of code by meaning, and what is stale."""
