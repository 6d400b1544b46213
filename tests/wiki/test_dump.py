import bz2
from pathlib import Path

import pyarrow as pa
import pytest

from s2.dumps.quarantine import Bad, quarantine
from s2.kernel.errors import S2Error
from s2.wiki import dump as module
from s2.wiki.articles import articles
from s2.wiki.dump import Block, Page, pages, read_blocks

HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/"><siteinfo><namespaces>
<namespace key="0" case="first-letter" /><namespace key="6" case="first-letter">Datei</namespace>
<namespace key="14" case="first-letter">Kategorie</namespace></namespaces></siteinfo>
"""
PAGE = (
    "<page><title>{title}</title>{ns}<id>{id}</id>{extra}"
    "<revision><id>9</id><text>{text}</text></revision></page>\n"
)
END = "</mediawiki>\n"


def page(id_: int, title: str = "T", text: str = "Text.", ns: int | None = 0, extra: str = "") -> str:
    space = "" if ns is None else f"<ns>{ns}</ns>"
    return PAGE.format(id=id_, title=title, text=text, ns=space, extra=extra)


def dump(path: Path, body: str) -> Path:
    path.write_bytes(bz2.compress(body.encode()))
    return path


def read(path: Path) -> tuple[list[Page], list[Bad]]:
    items: list[Page | Bad] = []
    for block in read_blocks([path]):
        items += pages(block) if isinstance(block, Block) else [block]
    return [i for i in items if isinstance(i, Page)], [i for i in items if isinstance(i, Bad)]


def test_pages_stream_out_with_their_places(tmp_path: Path) -> None:
    body = HEAD + page(1, "A &amp; B") + page(2, ns=1) + page(3, extra="<redirect title='T'/>") + END
    found, bad = read(dump(tmp_path / "w.xml.bz2", body))
    assert not bad
    assert [(p.id, p.title, p.namespace, p.redirect) for p in found] == [
        (1, "A & B", 0, False),
        (2, "T", 1, False),
        (3, "T", 0, True),
    ]
    assert found[0].text == "Text."
    assert body[found[1].offset :].startswith(page(2, ns=1))


def test_blocks_end_where_pages_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2.dumps.reading.BZIP2_CHUNK", 300)
    body = HEAD + "".join(page(i, text="ü" * 99) for i in range(1, 30)) + END
    path = dump(tmp_path / "w.xml.bz2", body)
    assert sum(isinstance(block, Block) for block in read_blocks([path])) > 5
    found, bad = read(path)
    assert [p.id for p in found] == list(range(1, 30)) and not bad
    data = body.encode()
    assert all(data[p.offset :].startswith(b"<page>") for p in found)


def test_the_streams_of_a_multistream_dump_are_one_text(tmp_path: Path) -> None:
    path = tmp_path / "w.xml.bz2"
    path.write_bytes(b"".join(bz2.compress(x.encode()) for x in (HEAD, page(1) + page(2), page(3), END)))
    found, bad = read(path)
    assert [p.id for p in found] == [1, 2, 3] and not bad


def test_namespaces_are_the_dumps_own(tmp_path: Path) -> None:
    text = "[[Datei:A.jpg|thumb|Bild]][[File:B.jpg]]Text.[[Kategorie:Mond]]"
    body = HEAD + page(1, text=text) + page(2, "Kategorie:Mond", ns=None) + END
    (block,) = read_blocks([dump(tmp_path / "w.xml.bz2", body)])
    (batch,) = articles(block)
    assert isinstance(batch, pa.RecordBatch)
    assert batch["paragraphs"].to_pylist() == [["Text."], []]
    assert batch["namespace"].to_pylist() == [0, 14]


def test_a_page_is_its_last_revision(tmp_path: Path) -> None:
    more = "<revision><id>1</id><text>Old.</text></revision>"
    (found,), _ = read(dump(tmp_path / "w.xml.bz2", HEAD + page(1, extra=more, text="New.") + END))
    assert found.text == "New."


@pytest.mark.parametrize("kept", [10, 60, len(page(2)) - 8])
def test_a_dump_cut_in_a_page_keeps_the_pages_before(tmp_path: Path, kept: int) -> None:
    path = dump(tmp_path / "w.xml.bz2", HEAD + page(1, "Moon") + page(2)[:kept])
    found, (bad,) = read(path)
    assert [p.title for p in found] == ["Moon"]
    assert bad.reason == "damaged" and "ends before </mediawiki>" in bad.detail
    assert bad.content.strip() == page(2)[:kept].encode()
    with (
        pytest.raises(S2Error, match=r"w.xml.bz2, byte [\d,]+ of its text: .* ends before"),
        quarantine(tmp_path / "q.parquet", "stop") as aside,
    ):
        list(aside.good_ones(read_blocks([path])))


def test_a_truncated_file_keeps_the_pages_before(tmp_path: Path) -> None:
    data = b"".join(bz2.compress(x.encode()) for x in (HEAD, page(1), page(2) * 50))
    path = tmp_path / "w.xml.bz2"
    path.write_bytes(data[:-20])
    found, (bad,) = read(path)
    assert [p.id for p in found] == [1]
    assert bad.reason == "damaged" and "cut off" in bad.detail


def test_entities_cannot_blow_up(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 50 if i else "x" * 50}">' for i in range(8))
    body = f"<!DOCTYPE m [{entities}]><mediawiki>" + page(1, text="&e7;") + page(2) + END
    found, (bad,) = read(dump(tmp_path / "w.xml.bz2", body))
    assert [p.id for p in found] == [2]
    assert bad.reason == "not_xml" and "undefined entity" in bad.detail


@pytest.mark.parametrize(
    ("bad_page", "reason"),
    [
        ("<page><title>Moon</title><ns>0</ns></page>", "not_a_page"),
        ("<page><title>Moon</title><ns>main</ns><id>1</id></page>", "not_a_page"),
        ("<page><title>Moon</ns></page>", "not_xml"),
        ("<page><title>Moon\x01</title><ns>0</ns><id>1</id></page>", "not_xml"),
    ],
)
def test_a_bad_page_is_set_aside_alone(tmp_path: Path, bad_page: str, reason: str) -> None:
    body = HEAD + page(1) + bad_page + page(2) + END
    found, (bad,) = read(dump(tmp_path / "w.xml.bz2", body))
    assert [p.id for p in found] == [1, 2]
    assert bad.reason == reason and bad.content.startswith(b"<page><title>Moon")


def test_what_is_no_export_is_told(tmp_path: Path) -> None:
    _, (bad,) = read(dump(tmp_path / "w.xml.bz2", "<html>not found</html>"))
    assert bad.reason == "damaged"


def test_a_page_without_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PAGE", 5_000)
    monkeypatch.setattr("s2.dumps.reading.BZIP2_CHUNK", 512)
    endless = page(2, text="x" * 9_000)
    found, bad = read(dump(tmp_path / "w.xml.bz2", HEAD + page(1) + endless + page(3) + END))
    assert [p.id for p in found] == [1, 3]
    assert {piece.reason for piece in bad} == {"page_too_long"}


def test_only_articles_are_parsed(tmp_path: Path) -> None:
    body = HEAD + page(1, text="One.\n\nTwo.") + page(2, ns=1) + page(3, text="#REDIRECT [[T]]") + END
    (block,) = read_blocks([dump(tmp_path / "w.xml.bz2", body)])
    (batch,) = articles(block)
    assert isinstance(batch, pa.RecordBatch)
    assert batch["paragraphs"].to_pylist() == [["One.", "Two."], [], []]
    assert batch["redirect"].to_pylist() == [False, False, True]
    assert batch["id"][0].as_py() == "wiki_1"
