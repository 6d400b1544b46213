"""Questions for answers that have none, asked of a language model."""
