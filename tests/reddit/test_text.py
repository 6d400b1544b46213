import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.reddit.text import blocks, ends_with_edit, is_bot, is_gone, is_question, prose, question_title


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
        ("~~struck~~ **bold*nested*** _under_", "struck boldnested under"),
        ("2^2^2 and x^(a b) and ^tiny ^words", "222 and xa b and tiny words"),
        ("| a | b\n:--|:--\n1 | 2\n\nAfter.", "After."),
        ("Caf&eacute; &#8217; &amp;amp; &nbsp;x", "Café ’ & x"),
        ("\u200bZero\u200d-width\ufeff", "Zero-width"),
        ("**Bold** and *italic* and ~~gone~~.", "Bold and italic and gone."),
        ("10^(6) and x^2", "106 and x2"),
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


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("ELI5: Why is the sky blue?", True),
        ("ELI5 how do magnets work", True),
        ("Is ice a mineral", True),
        ("The difference between weather and climate", True),
        ("ELI5: Magnets", False),
        ("Megathread: What is happening with the election?", False),
        ("[Meta] Why do we remove jokes?", False),
        ("Rule change: what to post", False),
    ],
)
def test_a_title_asks_or_does_not(title: str, expected: bool) -> None:
    assert is_question(title) is expected


def test_the_tag_leaves_the_title() -> None:
    assert question_title("ELI5: Why is rain wet?") == "Why is rain wet?"
    assert question_title("[ELI5] - why is rain wet?") == "why is rain wet?"
    assert question_title("ELIF: Why is rain wet?") == "Why is rain wet?"
    assert question_title("Why eli5?") == "Why eli5?"


def test_edits_are_seen_after_the_first_paragraph() -> None:
    assert ends_with_edit(blocks("An answer.\n\nEdit: thanks for the gold!"))
    assert ends_with_edit(blocks("An answer.\n\n**EDIT 2:** typo"))
    assert not ends_with_edit(blocks("Edit: this is all there is."))
    assert not ends_with_edit(blocks("I edit films.\n\nEditing is fun."))
