import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.wiki.wikitext import is_disambiguation, is_list, is_redirect, paragraphs


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
        ("{{Infobox|a={{b|{{c}}}}|d=[[e|f]]\n{|\n|x\n|}\n}}Text.", ["Text."]),
        ("{|\n|a\n{|\n|nested\n|}\n|b\n|}\nText.", ["Text."]),
        (":{| class=a\n| [[b|c]] {{d|e}}\n|}\nText.", ["Text."]),
        ("It is {{convert|12500|sqmi|km2}} large.", ["It is 12,500 square miles large."]),
        ("He is {{convert|5|ft|11|in|m}} tall.", ["He is 5 ft 11 in tall."]),
        ("{{As of|2014}}, {{formatnum:1234567}} live.", ["As of 2014, 1,234,567 live."]),
        ("Born {{birth date and age|1950|3|9}}.", ["Born 9 March 1950."]),
        ("Half is {{frac|1|2}}, more {{frac|2|1|2}}.", ["Half is 1/2, more 2 1/2."]),
        ("{{Lang-de|''Mond''}} and {{lang|1=fr|2=lune}}.", ["German: Mond and lune."]),
        ("a{{nbsp}}b{{spaced ndash}}c{{'}}s", ["a b – c's"]),
        ("{{Nihongo|Tokyo|東京}} {{c.|780|850}}, {{unknown|x}}", ["Tokyo c. 780–850,"]),
        ("The ''Iliad'''s end, '''''both''''' and ''x''.", ["The Iliad's end, both and x."]),
        ("[[Image:A.jpg|thumb|[[a|b]] {{c|d}} [[File:B.jpg]]]]Text.", ["Text."]),
        ("[[:Category:Cats]] and [[:fr:Chat]]", ["Category:Cats and fr:Chat"]),
        ("[[Mercury (planet)|]] and [[a|b|c]]", ["Mercury and b|c"]),
        ("Text<ref name=x>a {{b</ref>.<ref>unclosed", ["Text.<ref>unclosed"]),
        ("<ref name=\"a\" group='b' />Text.<references />", ["Text."]),
        ("Water is H<sub>2</sub>O <small>(small)</small>.", ["Water is H2O (small)."]),
        ("<!-- a\n\n-->Text.<!-- unclosed", ["Text."]),
        ("<nowiki>{{a}} '''b''' &amp;</nowiki> <nowiki/>c", ["{{a}} '''b''' & c"]),
        ("<pre>code</pre><syntaxhighlight lang=x>y</syntaxhighlight>Text.", ["Text."]),
        ("One.\n== References ==\nA book.\n=== Web ===\nA site.\n== Legacy ==\nTwo.", ["One.", "Two."]),
        ("One.\n== Other websites ==\nA site.", ["One."]),
        ("One.\n==Related pages==\nAnother page is about it.", ["One."]),
        ("One.\n== Notes and references ==\nA note.\n= Two =\nTwo.", ["One.", "Two."]),
        ("One.\n== Further reading: ==\nA book.\n== Bibliography ==\nA book.", ["One."]),
        ("One.\n== Sources and further reading ==\nA book.\n== '''References''' ==\nB.", ["One."]),
        ("One.\n== Notes, references ==\nA.\n==Suggested reading==\nB.\n= =\nTwo.", ["One.", "Two."]),
        ("One.\n== Literature ==\nTwo.", ["One.", "Two."]),
        ("One.\n== Notes of the scale ==\nTwo.", ["One.", "Two."]),
        ("<ul><li>a</li></ul>Text.<br/>More.", ["Text. More."]),
        ("Text.\n----\n== Head == \nMore.", ["Text.", "More."]),
        ("; term : meaning\n:: indented\nText.", ["Text."]),
        (
            "Mail [mailto:a@b.c me], //x.y and https://example.org/z.",
            ["Mail [mailto:a@b.c me], //x.y and"],
        ),
        ("A | b, {{{1|c}}}d.", ["A | b, d."]),
        ("An {{open template", ["An {{open template"]),
        ("An [[open link and {{convert|1|km}}", ["An [[open link and 1 km"]),
        ("A }} and ]] alone", ["A }} and ]] alone"]),
    ],
)
def test_markup_becomes_paragraphs(wikitext: str, expected: list[str]) -> None:
    assert paragraphs(wikitext) == expected


@given(st.text(alphabet="[]{}|'=<>/!-*#:\n refabFile", max_size=120))
def test_any_markup_is_survived(text: str) -> None:
    assert all("\n" not in paragraph for paragraph in paragraphs(text))


def test_kinds_of_pages() -> None:
    assert is_redirect("#REDIRECT [[Moon]]") and is_redirect(" #redirect[[Moon]]")
    assert not is_redirect("Text #REDIRECT")
    assert is_disambiguation("Mercury may mean:\n{{disambig}}")
    assert is_disambiguation("X\n{{Human name disambiguation|a=b}}")
    assert is_disambiguation("X may be:\n__DISAMBIG__")
    assert not is_disambiguation("{{Infobox planet}} Mercury is a planet.")
    assert is_list("[[Category:Lists of moons]]") and is_list("[[Category:Moon lists|x]]")
    assert not is_list("[[Category:Listeners]]") and not is_list("A list of [[lists]]")


def test_the_time_is_linear_in_the_text() -> None:
    """Marks that never close were each searched to the end of the text, if they were not known."""
    for piece in ("{{", "[[", "<ref>", "<!--", "<nowiki>", "{|\n", "|}\n", "}}", "''", "="):
        assert all("\n" not in found for found in paragraphs(piece * 100_000))
