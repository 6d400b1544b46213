"""Causal language models: sources, saving, loading, prompts, adapters, generation, log-probabilities."""
