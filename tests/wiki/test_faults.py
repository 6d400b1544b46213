"""What a dump may hold that is no proper page: each is counted, and none ends the dump."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.dumps.quarantine import Bad
from s2.wiki.articles import articles
from s2.wiki.dump import read_blocks

HEAD = "<mediawiki><siteinfo></siteinfo>"
PAGE = (
    "<page{more}><title>{title}</title><ns>{ns}</ns><id>{id}</id>"
    "<revision><text>{text}</text></revision></page>"
)


def page(number: int, text: str = "It is so.", ns: str = "0", more: str = "") -> str:
    return PAGE.format(id=number, title=f"T{number}", text=text, ns=ns, more=more)


def read(path: Path, content: str | bytes) -> tuple[list[str], list[Bad]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    items = [item for block in read_blocks([path]) for item in articles(block)]
    bad = [item for item in items if isinstance(item, Bad)]
    return [row["id"] for item in items if not isinstance(item, Bad) for row in item.to_pylist()], bad


@pytest.mark.parametrize(
    "text",
    [
        "{{birth date|²|1|1}}",
        "{{birth date|1" + "0" * 5_000 + "|1|1}}",
        "{{convert|" + "9" * 5_000 + "|km}}",
        "{{formatnum:" + "9" * 5_000 + "}}",
        "[" * 100_000,
        "{{" * 50_000,
        "{{convert|" * 5_000,
        "<ref>" * 20_000,
        "''" * 50_001,
    ],
)
def test_no_text_ends_a_dump(tmp_path: Path, text: str) -> None:
    text = text.replace("<", "&lt;")
    ids, bad = read(tmp_path / "d.xml", HEAD + page(1) + page(2, text) + page(3) + "</mediawiki>")
    assert sorted(ids + [f"bad {one.offset}" for one in bad])[:1] + ids[-1:] == ["wiki_1", "wiki_3"]
    assert len(ids) + len(bad) == 3
    assert all(one.file == "d.xml" and one.reason == "unreadable" for one in bad)


def test_what_a_parser_raises_is_set_aside_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(text: str, _: object) -> list[str]:
        if text == "bad":
            raise ZeroDivisionError("what nobody foresaw")
        return [text]

    monkeypatch.setattr("s2.wiki.wikitext.paragraphs", parse)
    content = HEAD + page(1) + page(2, "bad") + page(3) + "</mediawiki>"
    ids, (bad,) = read(tmp_path / "d.xml", content)
    assert ids == ["wiki_1", "wiki_3"]
    assert (bad.reason, bad.offset) == ("unreadable", content.index("<page><title>T2"))
    assert bad.detail == "it cannot be parsed (ZeroDivisionError: what nobody foresaw)"


@pytest.mark.parametrize("ns", [str(2**63), "9" * 5_000, "x", ""])
def test_a_namespace_that_is_none_is_set_aside(tmp_path: Path, ns: str) -> None:
    ids, (bad,) = read(tmp_path / "d.xml", HEAD + page(1) + page(2, ns=ns) + "</mediawiki>")
    assert ids == ["wiki_1"] and bad.reason == "not_a_page"


def test_a_last_page_without_its_end_is_counted(tmp_path: Path) -> None:
    content = HEAD + page(1) + page(2).removesuffix("</page>") + "</mediawiki>"
    ids, (bad,) = read(tmp_path / "d.xml", content)
    assert ids == ["wiki_1"]
    assert (bad.reason, bad.offset) == ("not_xml", content.index("<page><title>T2"))
    ids, (bad,) = read(tmp_path / "d.xml", HEAD + page(2).removesuffix("</page>") + "</mediawiki>")
    assert ids == [] and bad.offset == len(HEAD)


def test_a_page_may_have_attributes(tmp_path: Path) -> None:
    pages = page(1) + page(2, more=' attribute=""') + page(3, more="\n")
    ids, bad = read(tmp_path / "d.xml", HEAD + pages + "</mediawiki>")
    assert ids == ["wiki_1", "wiki_2", "wiki_3"] and not bad


def test_crlf_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    content = "\n".join([HEAD, page(1), page(2), "</mediawiki>", ""])
    marked = b"\xef\xbb\xbf" + content.replace("\n", "\r\n").encode()
    assert (
        read(tmp_path / "d.xml", marked)
        == read(tmp_path / "e.xml", content)
        == (["wiki_1", "wiki_2"], [])
    )


@given(st.lists(st.text(max_size=60), max_size=4), st.binary(max_size=60))
def test_whatever_a_dump_holds_its_pages_are_rows_or_set_aside(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], noise: bytes
) -> None:
    path = tmp_path_factory.mktemp("dump") / "d.xml"
    pages = b"".join(
        page(n).replace("It is so.", text).encode("utf-8", "replace") for n, text in enumerate(texts)
    )
    whole = HEAD.encode() + pages + noise + page(99).encode() + b"</mediawiki>"
    ids, bad = read(path, whole)
    assert "wiki_99" in ids or bad
    assert len(ids) + len(bad) >= min(1, len(texts))


@given(st.text(st.sampled_from("{}[]|=<>'\"&;:#*\n! refabc1²"), max_size=120))
def test_any_wikitext_is_a_row(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("dump") / "d.xml"
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    ids, bad = read(path, HEAD + page(1, escaped) + "</mediawiki>")
    assert ids == ["wiki_1"] and not bad, bad


def test_a_page_that_is_too_long_is_one_and_the_next_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chunks(path: Path) -> Iterator[bytes]:
        data = path.read_bytes()
        yield from (data[at : at + 64] for at in range(0, len(data), 64))

    monkeypatch.setattr("s2.wiki.dump.MAX_PAGE", 400)
    monkeypatch.setattr("s2.wiki.dump.MAX_HEAD", 10)
    monkeypatch.setattr("s2.wiki.dump.read_chunks", chunks)
    pages = page(1) + page(2, "long " * 400) + page(3) + page(4)
    ids, (bad,) = read(tmp_path / "d.xml", HEAD + pages + "</mediawiki>")
    assert ids == ["wiki_1", "wiki_3", "wiki_4"] and bad.reason == "page_too_long"
