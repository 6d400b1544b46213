"""Chat with any OpenAI-compatible endpoint, and a local one."""
