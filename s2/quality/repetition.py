"""How much a text says again: shares of its word n-grams."""


def repetition(text: str) -> float:
    """The share of a text's word trigrams that it has said before; 0 of a text without any."""
    return 1 - (distinct(text, 3) or 1)


def distinct(text: str, size: int) -> float | None:
    """Distinct-n (Li et al. 2016, arXiv:1510.03055): how many different n-grams of so many words a text
    has, over how many it has; None of a text without any. Case is of no account."""
    words = text.lower().split()
    grams = [tuple(words[place : place + size]) for place in range(len(words) - size + 1)]
    return len(set(grams)) / len(grams) if grams else None
