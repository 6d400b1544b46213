import bz2
from pathlib import Path

import pytest

from s2.errors import S2Error
from s2.wiki.articles import article
from s2.wiki.dump import read_pages

HEAD = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/"><siteinfo/>'
PAGE = (
    "<page><title>{title}</title><ns>{ns}</ns><id>{id}</id>{extra}"
    "<revision><id>9</id><text>{text}</text></revision></page>"
)


def page(id_: int, title: str = "T", text: str = "Text.", ns: int = 0, extra: str = "") -> str:
    return PAGE.format(id=id_, title=title, text=text, ns=ns, extra=extra)


def dump(path: Path, body: str) -> Path:
    path.write_bytes(bz2.compress(body.encode()))
    return path


def test_pages_stream_out(tmp_path: Path) -> None:
    body = HEAD + page(1, "A &amp; B") + page(2, ns=1) + page(3, extra="<redirect title='T'/>")
    pages = list(read_pages([dump(tmp_path / "w.xml.bz2", body + "</mediawiki>")]))
    assert [(p.id, p.title, p.namespace, p.redirect) for p in pages] == [
        (1, "A & B", 0, False),
        (2, "T", 1, False),
        (3, "T", 0, True),
    ]
    assert pages[0].text == "Text."


def test_a_dump_cut_in_a_page_names_the_last_whole_one(tmp_path: Path) -> None:
    path = dump(tmp_path / "w.xml.bz2", HEAD + page(1, "Moon") + page(2)[:40])
    with pytest.raises(S2Error, match=r"w.xml.bz2 is damaged.*last whole page: 'Moon' \(id 1\)"):
        list(read_pages([path]))


def test_entities_cannot_blow_up(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 50 if i else "x" * 50}">' for i in range(8))
    body = f"<!DOCTYPE m [{entities}]><mediawiki>" + page(1, text="&e7;") + "</mediawiki>"
    with pytest.raises(S2Error, match="damaged"):
        list(read_pages([dump(tmp_path / "w.xml.bz2", body)]))


def test_a_page_without_an_id_is_told(tmp_path: Path) -> None:
    body = HEAD + "<page><title>Moon</title><ns>0</ns></page></mediawiki>"
    with pytest.raises(S2Error, match="page 'Moon' has no proper id"):
        list(read_pages([dump(tmp_path / "w.xml.bz2", body)]))


def test_only_articles_are_parsed(tmp_path: Path) -> None:
    body = HEAD + page(1, text="One.\n\nTwo.") + page(2, ns=1) + page(3, text="#REDIRECT [[T]]")
    path = dump(tmp_path / "w.xml.bz2", body + "</mediawiki>")
    rows = [article(found) for found in read_pages([path])]
    assert [row["paragraphs"] for row in rows] == [["One.", "Two."], [], []]
    assert [row["redirect"] for row in rows] == [False, False, True]
    assert rows[0]["id"] == "wiki_1"
