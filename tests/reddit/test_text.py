import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.reddit.text import is_bot, is_gone, prose


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("A [link](https://example.org/a_(b)) here.", "A link here."),
        ("See https://example.org/x?y=1 for more.", "See for more."),
        ("It is a [squib]( _URL_0_ ).", "It is a squib."),
        ("It is ( URL_0 ) a squib.", "It is a squib."),
        ("> quoted question\n\nThe answer.", "The answer."),
        ("&gt; quoted, escaped\nThe answer.", "The answer."),
        ("> > nested\n> quote\n\nAnswer.", "Answer."),
        ("> quoted\nThe answer\ngoes on.", "The answer goes on."),
        ("* > quoted in a list\n\nAnswer.", "Answer."),
        ("Before.\n> quoted\n\nAfter.", "Before. After."),
        ("5 > 3 and a -> b.", "5 > 3 and a -> b."),
        ("\\> no quote", "> no quote"),
        ("> >!hidden!<\n\nAnswer.", "Answer."),
        ("~~struck~~ **bold*nested*** _under_", "boldnested under"),
        ("2^2^2 and x^(a b) and ^tiny ^words", "2^2^2 and xa b and tiny words"),
        (
            "10^23 atoms, 2^40 bytes, 10^-6 m, 6x10^(11) kg",
            "10^23 atoms, 2^40 bytes, 10^-6 m, 6x10^11 kg",
        ),
        ("At 75^(o), 75^o and the 4^th.", "At 75o, 75o and the 4th."),
        ("10^(6.5) J, 2^(1/2), (1+0.05)^10", "10^6.5 J, 2^(1/2), (1+0.05)^10"),
        ("It is ~~flat **or** [so](https://x.y)~~ round.", "It is round."),
        ("~~All of it.~~", ""),
        ("| a | b\n:--|:--\n1 | 2\n\nAfter.", "After."),
        ("Caf&eacute; &#8217; &amp;amp; &nbsp;x", "Café ’ & x"),
        ("\u200bZero\u200d-width\ufeff", "Zero-width"),
        ("**Bold** and *italic* and ~~gone~~.", "Bold and italic and."),
        ("10^(6) and x^2", "10^6 and x2"),
        ("The butler. >!He did it.!<", "The butler. He did it."),
        (">!He did it.!< Yes.", "He did it. Yes."),
        ("Salt &amp; pepper &lt;3", "Salt & pepper <3"),
        ("&amp;#x200B;\n\nText\u200b here.", "Text here."),
        ("1. One.\n2. Two.\n\n* Three.", "One. Two. Three."),
        ("# Title\n\nText.", "Title Text."),
        ("Before.\n\n    code here\n\nAfter.", "Before. After."),
        ("```\ncode\n```\nAfter.", "After."),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\nAfter.", "After."),
        ("Use `ls` now.", "Use ls now."),
        ("  Many \n spaces\t here. ", "Many spaces here."),
        ("![picture](https://example.org/p.png)", ""),
        ("", ""),
    ],
)
def test_markdown_becomes_prose(markdown: str, expected: str) -> None:
    assert prose(markdown) == expected


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_any_text_becomes_one_line(text: str) -> None:
    assert "\n" not in prose(text)


@given(st.text(alphabet=">[](*_`~^!#|- \n&;ab0", max_size=80))
def test_any_markup_becomes_one_line(text: str) -> None:
    assert "\n" not in prose(text)


def test_gone_texts_and_bots_are_known() -> None:
    assert is_gone("[removed]") and is_gone(" [deleted] ") and not is_gone("I removed it.")
    assert is_bot("AutoModerator") and is_bot("some_fact_bot") and is_bot("RemindMeBot")
    assert not is_bot("abbot") and not is_bot("robot_fan") and not is_bot("talbot")
