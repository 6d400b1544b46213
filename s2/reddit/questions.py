"""What of Reddit's posts is a question."""

import re

from s2.reddit.text import prose

_ELI5_TAG = re.compile(r"^\W*(?:eli5|eli\s5|elif|explain like i'?m five)\b\W*", re.IGNORECASE)
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTH = r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_TALK = r"(?:threads?|discussion|chat|convo|round-?up|free[- ]for[- ]all|free talk|trivia|megathread)"
_FEATURE = (
    rf"(?:{_TALK}|methods?|mysteries|reading|research|spotlight|showcase|digest|questions|what'?s new"
    r"|week in history|theory|thoughts|reflections?|recommendations|series|ama|focus|sources|mish-?mash)"
)
_AMA = r"(?-i:(?<!\b[Tt]he\s)(?<!\bTHE\s)(?<!\bof\s)\b(?:AMAA?s?|AUA))"
_HEAD_END = r"(?:[:!|\]]|\s[-–—]|$)"  # what stands behind the word that says what a post is
# What a subreddit says about itself or does on fixed days; the published work names most of them.
_NO_QUESTION = re.compile(
    "|".join(
        (
            rf"^\W*(?:(?:casual|open|simple|mindless|free)\s+(?:\w+\s+)?)?{_DAY}s?\W+"
            rf"(?:\w+\W+){{0,2}}?{_FEATURE}\s*(?:[|:&!]|and\b|-\s|$)",
            rf"^\W*(?:faq|theory|media|feature|{_TALK})\s+{_DAY}s?\b|\b{_TALK}\s+{_DAY}s?\b|\bask\s+anything\s+{_DAY}|\b\w+-?free\s+{_DAY}",
            rf"^\W*{_DAY}\W+(?:{_MONTH}\W+\d{{1,2}}\b|\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH})"
            r"(?!,?\s+1\d{3}\b)",
            rf"\b(?:daily|weekly|monthly|bi-?weekly)\b(?:\s+[\w&']+){{0,2}}\s+{_TALK}\b",
            r"\bmega[- ]?threads?\b|\b(?:weekly|daily)[- ]threads?\b",
            r"^\W*(?:\w+\s+)?(?:sticky|discussion|questions?|open)[- ]threads?\b",
            r"\b(?:discussion|questions?)[- ]thread\W*$",
            r"(?<!people\s)\bask\s+(?:me|us)\s+(?:almost\s+)?any\s?thing\b",
            rf"{_AMA}(?=[^\w?]*$|\s*[!|\](]|\s+-|\s+(?:series|with|about|on|thread|panel|starts?|tonight|today)\b)",
            rf"\b(?:panel|series)\W+{_AMA}|^\W*{_AMA}\b(?!:\s+(?:how|why|what|when|did))",
            r"^\W*(?-i:I\s?Am\s?A)\b",
            r"\bfloating\s+feature\b|\brules?\s+roundtable\b|\bsupplemental\s+rules\s+for\b",
            r"\b(?:sub)?reddit\s+matters\b|\bstate\s+of\s+the\s+sub(?:reddit)?\b",
            r"(?<!['’]s\s)(?<!his\s)(?<!her\s)\b(?:20|twenty)[- ]year\s+rule\b",
            r"[\[(]\s*(?:ama|meta|mods?|mod\s?post|announcement|survey|podcast)\b",
            rf"^\W*(?:meta|mod\s?post|mod\s+note|announcements?|meet-?up)\s*{_HEAD_END}",
            rf"^\W*(?:new\s+)?(?:sub(?:reddit)?\s+)?rules?\s+(?:changes?|updates?|reminders?)\s*{_HEAD_END}",
            r"\b(?:reddit|global|irl)\s+meet-?up\b",
            r"[\[(][^\])]*\bx-?post(?:ed)?\b|\bx[- ]?post(?:ed)?\s*(?:from|to|of|:)",
            r"^\W*x-?post\b|\bx-?post\W*$",
            r"\bcross[- ]?post(?:ed)?\s*(?:from|to|of|:)|[(\[]\s*cross-?post",
            r"^\W*(?:[\w’']+\s+){0,2}podcast\s*(?:\#|no\.?\s*\d|\d|ep\b|ep\.|episode|[:|])"
            r"|\bhistorians\s+podcast\b",
            r"^\W*(?-i:META)\s",
        )
    ),
    re.IGNORECASE,
)
_QUESTION_WORD = re.compile(
    r"\b(?:how|why|what|what's|whats|when|where|who|which|whose|explain|differences? between)\b"
    r"|^(?:is|are|was|were|do|does|did|can|could|would|should|will|has|have|had)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\?|\bexplain\b|\bwonder(?:ing|ed)? (?:how|why|what|when|where|who|which|if|whether|about)\b"
    r"|\bcurious (?:about|how|why|what|to know)\b"
    r"|\b(?:don'?t|do not|can'?t|cannot|never) (?:\w+ )?(?:understand|understood|get|got|see) (?:\w+ )?"
    r"(?:how|why|what|the)\b|\bcare to\b|\b(?:want|like|love) to (?:know|understand)\b",
    re.IGNORECASE,
)


def is_question(title: str, body: str = "") -> bool:
    """Whether a post asks something, by its title (Markdown) or, where that names its subject alone,
    by its body (prose), and is no regular feature, announcement, interview or crosspost."""
    if _NO_QUESTION.search(title):
        return False
    bare = question_title(title)
    if "?" in bare or _QUESTION_WORD.search(bare):
        return True
    return bool(_ASKS.search(body))


def question_title(title: str) -> str:
    """A title as prose, without its `ELI5:` tag, so that a model learns to answer simply unasked."""
    return _ELI5_TAG.sub("", prose(title))
