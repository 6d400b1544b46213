"""The rating that a judge's reply ends with, such as `[[7.5]]` (Zheng et al. 2023, arXiv:2306.05685)."""

import re

HIGHEST = 10
_RATING = re.compile(r"\[\[\s*(\d+(?:\.\d+)?)\s*\]\]")


def rating(reply: str) -> float | None:
    """The last `[[n]]` of a reply, decimals and all; None of a reply without one, or with one above 10:
    what cannot be read is counted, not guessed."""
    found = _RATING.findall(reply)
    value = float(found[-1]) if found else None
    return None if value is None or value > HIGHEST else value
