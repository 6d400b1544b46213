import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.wiki.wikitext import has_residue, is_disambiguation, is_redirect, paragraphs


@pytest.mark.parametrize(
    ("wikitext", "expected"),
    [
        ("'''April''' is a [[month]].", ["April is a month."]),
        ("In the [[United Kingdom|UK]] it rains.", ["In the UK it rains."]),
        ("{{Infobox\n| a = {{nested|b}}\n}}\nText.", ["Text."]),
        ("Text.<ref>{{cite book|title=T}}</ref> More.<ref name=a />", ["Text. More."]),
        ("[[File:A.jpg|thumb|A [[cat]] sleeps]]\nText.", ["Text."]),
        ("[[Image:A.jpg|left]]Text.[[Category:Cats|*]]", ["Text."]),
        ('{| class="wikitable"\n|-\n| a || b\n|}\nText.', ["Text."]),
        ("One.\n\n== Head ==\nTwo.\n\n* item\n# item\n\nThree.", ["One.", "Two.", "Three."]),
        ("It is {{convert|10|km|mi}} long.", ["It is 10 km long."]),
        ("It is {{convert|3|to|5|m|ft}} long.", ["It is 3 to 5 m long."]),
        ("Paris ({{lang|fr|Paris}}) is big.", ["Paris (Paris) is big."]),
        ("Paris ({{IPA|x}}; ) is big.", ["Paris is big."]),
        ("A<!-- hidden -->B<br />C", ["AB C"]),
        ("See [https://example.org this page] now.", ["See this page now."]),
        ("E is <math>mc^2</math>, so.", ["E is, so."]),
        ("<nowiki>[[kept]]</nowiki> text.", ["[[kept]] text."]),
        ("Ten&nbsp;km &ndash; far.", ["Ten km – far."]),
        ("<gallery>\nA.jpg|cap\n</gallery>Text.", ["Text."]),
        ("__NOTOC__\nText.", ["Text."]),
        ("Line one\nline two.", ["Line one line two."]),
        ("[[fr:Avril]]", []),
    ],
)
def test_markup_becomes_paragraphs(wikitext: str, expected: list[str]) -> None:
    assert paragraphs(wikitext) == expected


@given(st.text(alphabet="[]{}|'=<>/!-*#:\n refabFile", max_size=120))
def test_any_markup_is_survived(text: str) -> None:
    assert all("\n" not in paragraph for paragraph in paragraphs(text))


def test_residue_is_seen() -> None:
    assert has_residue(["Text with {| class=wikitable a table."])
    assert has_residue(["An {{Infobox that never ends"])
    assert not has_residue(["Plain text, 5 < 6, and a - b."])


def test_kinds_of_pages() -> None:
    assert is_redirect("#REDIRECT [[Moon]]") and is_redirect(" #redirect[[Moon]]")
    assert not is_redirect("Text #REDIRECT")
    assert is_disambiguation("Mercury may mean:\n{{disambig}}")
    assert is_disambiguation("X\n{{Human name disambiguation|a=b}}")
    assert not is_disambiguation("{{Infobox planet}} Mercury is a planet.")
