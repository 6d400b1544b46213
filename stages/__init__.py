"""One module for each node of the graph: `python -m stages.<name>` from the repository root."""
