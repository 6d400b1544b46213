"""What each reason for which a row is dropped means, in words."""

REASONS = {
    "bot": "its author is AutoModerator, or named like a bot",
    "damaged": "its file is damaged there",
    "deleted": "its text or its author was deleted or removed",
    "disambiguation": "the page only tells subjects of one name apart",
    "duplicate": "the same question and answer came before",
    "edited": "it holds a later edit of its author",
    "leakage": "its question is too much like one that is held out",
    "list": "the page is a list",
    "low_score": "too few people voted for it",
    "namespace": "the page is no article",
    "no_dataset": "no dataset takes Wikipedia, so that no question was asked for",
    "no_difference": "its two answers are the same",
    "no_pair": "its two sides are no answers to one question",
    "no_question": "no reply of the language model was a question about it",
    "no_text": "its question or its answer is empty",
    "over_pairs": "other pairs of its question came first",
    "over_rows": "so many rows were not asked for",
    "not_a_question": "its post asks nothing, or is a regular thread, an announcement or an interview",
    "not_self": "its post is a link, not a text",
    "not_simple": "it is too hard to read",
    "nsfw": "its post is for adults",
    "orphan": "its post is not in the dumps",
    "prompt_mark": "it holds what a prompt's marks look like (### Human:)",
    "redirect": "the page only leads to another",
    "refused": "the language model's endpoint refused its text",
    "reply": "it replies to another comment, so that it is no answer",
    "residual_markup": "markup is left in its prose",
    "stickied": "a moderator pinned it, or speaks in it",
    "too_long": "it is too long",
    "too_short": "it is too short",
    "toxic": "the classifier finds it toxic",
    "unanswered": "no comment answers its post",
    "unended": "no answer to it came to its end",
    "unpaired": "its question has answers with several scores, but it makes no pair: none that may be "
    "chosen stands above it, and it may not be chosen over one below, or other pairs came first",
}


def explained(reason: str) -> str:
    """A reason and what it means."""
    return f"{reason} ({REASONS[reason]})" if reason in REASONS else reason
