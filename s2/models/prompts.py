"""The prompt of every model that S2 trains."""

HUMAN = "### Human:"  # what begins a turn of the one who asks


def format_prompt(question: str) -> str:
    """The text that a model answers."""
    return f"{HUMAN} {question} ### Assistant:"
