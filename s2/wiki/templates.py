"""The templates that carry running text or a number, spelled out; all others leave nothing.

What each shows is documented at https://en.wikipedia.org/wiki/Template:NAME.
"""

import re
from collections.abc import Callable

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_BETWEEN = {"to": "to", "-": "–", "–": "–", "and": "and", "and(-)": "and", "or": "or", "by": "by"}
_BETWEEN |= {"x": "×", "×": "×", "+/-": "±", "±": "±", "to(-)": "to", "+": "+"}
_UNITS = {"sqkm": "km2", "sqmi": "square miles", "sqft": "square feet", "sqm": "m2"}
_UNITS |= {"sq mi": "square miles", "sq ft": "square feet", "mi": "miles", "F": "°F", "C": "°C"}
_LANGUAGES = {
    **{"ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek"},
    **{"en": "English", "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French"},
    **{"he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "it": "Italian", "ja": "Japanese"},
    **{"ko": "Korean", "la": "Latin", "nl": "Dutch", "no": "Norwegian", "pl": "Polish"},
    **{"pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "tr": "Turkish"},
    **{"uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese"},
}
_LONGEST_NUMBER = 30  # digits
_NUMBERED = re.compile(r"^\s*(\d+)\s*=")
_NAMED = re.compile(r"^\s*[\w -]+=")


def is_shown(name: str) -> bool:
    """Whether a template shows anything in running text. `name` is in lower case, without
    underscores."""
    return name in _SHOWN or name.startswith("lang-")


def render(name: str, arguments: list[str]) -> str:
    """What a template shows, of which `is_shown` holds."""
    values = _positional(arguments)
    if name == "as of" and values:
        lower_case = any(argument.strip().startswith("lc") for argument in arguments)
        return f"{'as' if lower_case else 'As'} of {' '.join(values[:1])}"
    if name in _CONSTANTS:
        return _CONSTANTS[name](values)
    if not values:
        return ""
    if name.startswith("lang-"):
        language = _LANGUAGES.get(name[5:])
        return f"{language}: {values[0]}" if language else values[0]
    return _SHOWN[name](values)


def _positional(arguments: list[str]) -> list[str]:
    """The arguments without a name, and those that are named by their number."""
    values = []
    for argument in arguments:
        numbered = _NUMBERED.match(argument)
        if numbered or not _NAMED.match(argument):
            values.append(argument[numbered.end() if numbered else 0 :].strip())
    return values


def _convert(values: list[str]) -> str:
    """`10|km|mi` is 10 km; `3|to|5|m|ft` is 3 to 5 m; `5|ft|10|in` is 5 ft 10 in."""
    values = [_thousands([value]) for value in values]
    if len(values) < 2:
        return values[0]
    if values[1] in _BETWEEN and len(values) >= 4:
        return f"{values[0]} {_BETWEEN[values[1]]} {values[2]} {_unit(values[3])}"
    if values[1] in ("ft", "lb", "st") and len(values) >= 4 and values[2].isdigit():
        return f"{values[0]} {values[1]} {values[2]} {values[3]}"
    return f"{values[0]} {_unit(values[1])}"


def _unit(name: str) -> str:
    return _UNITS.get(name, name)


def _date(values: list[str]) -> str:
    numbers = [int(value) for value in values[:3] if _is_number(value)]
    if len(numbers) < 3 or not 1 <= numbers[1] <= 12:
        return values[0]
    return f"{numbers[2]} {_MONTHS[numbers[1] - 1]} {numbers[0]}"


def _fraction(values: list[str]) -> str:
    parts = values[:3]
    return {1: "1/{0}", 2: "{0}/{1}", 3: "{0} {1}/{2}"}[len(parts)].format(*parts)


def _thousands(values: list[str]) -> str:
    number = values[0].replace(",", "")
    return f"{int(number):,}" if _is_number(number) else values[0]


def _is_number(text: str) -> bool:
    """Whether a text is a whole number of a length that somebody may mean."""
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER


def _first(values: list[str]) -> str:
    return values[0]


def _last(values: list[str]) -> str:
    return values[-1]


def _second(values: list[str]) -> str:
    return values[1] if len(values) > 1 else values[0]


def _constant(text: str) -> Callable[[list[str]], str]:
    return lambda _: text


def _before(text: str) -> Callable[[list[str]], str]:
    return lambda values: text + values[0]


_CONSTANTS: dict[str, Callable[[list[str]], str]] = {
    **dict.fromkeys(("nbsp", "spaces", "space", "nnbsp", "thinsp", "pad"), _constant(" ")),
    **dict.fromkeys(("snd", "spaced ndash", "ndash", "en dash", "dash"), _constant(" – ")),
    **dict.fromkeys(("mdash", "em dash", "spaced mdash"), _constant(" — ")),
    **dict.fromkeys(("okina", "ʻ", "hamza"), _constant("ʻ")),
    **{"'": _constant("'"), "'s": _constant("'s"), "=": _constant("="), "deg": _constant("°")},
    **dict.fromkeys(("circa", "c.", "ca."), lambda values: "c. " + "–".join(values[:2])),
}

_SHOWN: dict[str, Callable[[list[str]], str]] = {
    **_CONSTANTS,
    **dict.fromkeys(("convert", "cvt"), _convert),
    **dict.fromkeys(("lang", "transl", "transliteration", "tlit", "wikt-lang"), _last),
    **dict.fromkeys(("nowrap", "nobr", "nobreak", "nowraplinks", "abbr", "tooltip"), _first),
    **dict.fromkeys(("small", "smaller", "big", "larger", "nobold", "noitalic", "math"), _first),
    **dict.fromkeys(("mvar", "var", "sub", "sup", "em", "strong", "code", "mono", "smallcaps"), _first),
    **dict.fromkeys(("nihongo", "nihongo2", "ill", "interlanguage link", "sic", "not a typo"), _first),
    **dict.fromkeys(("vanchor", "visible anchor", "flag", "flagcountry", "proper name"), _first),
    **dict.fromkeys(("val", "gaps", "number", "nts", "ordinal", "ship", "ss", "uss", "hms"), _first),
    **dict.fromkeys(("formatnum", "format number"), _thousands),
    **dict.fromkeys(("frac", "fraction", "sfrac"), _fraction),
    **dict.fromkeys(("start date", "start date and age", "birth date", "dob"), _date),
    **dict.fromkeys(("birth date and age", "death date", "death date and age", "date"), _date),
    **dict.fromkeys(("color", "colored text", "font color", "fontcolor"), _second),
    **dict.fromkeys(("chem", "chem2"), "".join),
    "as of": _first,
    **dict.fromkeys(("us$", "usd", "a$", "aud", "cad", "nz$"), _before("$")),
    **{"gbp": _before("£"), "eur": _before("€"), "€": _before("€"), "£": _before("£")},
    **{"inr": _before("₹"), "₹": _before("₹"), "jpy": _before("¥"), "¥": _before("¥")},
}
