"""The prompt of every model that S2 trains."""


def format_prompt(question: str) -> str:
    """The text that a model answers."""
    return f"### Human: {question} ### Assistant:"
