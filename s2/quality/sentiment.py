"""Sentiment of English texts by VADER (Hutto and Gilbert 2014), a lexicon with rules."""

from functools import cache

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer


def sentiment(text: str) -> float:
    """VADER's compound score, from -1 (worst) to 1 (best)."""
    return float(_analyzer().polarity_scores(text)["compound"])


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()
