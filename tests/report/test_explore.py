import pytest

from s2.kernel.tables import connect
from s2.report.explore import describe, histograms, top_reasons


def test_descriptions_and_histograms_by_hand() -> None:
    connection = connect()
    connection.execute(
        "CREATE TABLE t AS SELECT unnest([-5, 10, 30, 30, 9999]) AS words, NULL::DOUBLE AS ease"
    )
    found = describe(connection, "t", ["words", "ease"])
    assert found == {
        "words_count": 5.0,
        "words_mean": 2012.8,
        "words_p10": 1.0,
        "words_median": 30.0,
        "words_p90": pytest.approx(6011.4),
    }
    tables = {"all": "t", "long": "(FROM t WHERE words > 20)", "none": "(FROM t WHERE words > 99999)"}
    bins = histograms(connection, tables, "words")
    assert [row["part"] for row in bins] == ["all"] * 20 + ["long"] * 20
    assert sum(row["share"] for row in bins[:20]) == pytest.approx(1)
    # -5 and 10: what is below stands in the first bin
    assert bins[0] == {"part": "all", "words": 0, "share": 0.4}
    assert bins[21] == {"part": "long", "words": 25, "share": 0.66667}
    assert bins[-1] == {"part": "long", "words": 475, "share": 0.33333}


def test_the_most_frequent_reasons_of_each_source_stand_first() -> None:
    dropped = {"bot": 2, "toxic": 5, "deleted": 5} | {f"r{n}": 1 for n in range(20)}
    found = top_reasons({"reddit": dropped, "wiki": {"list": 1}})
    assert len(found) == 11
    assert found[0] == {"reason": "reddit: deleted", "rows": 5}
    assert [row["reason"] for row in found[1:3]] == ["reddit: toxic", "reddit: bot"]
    assert found[-1] == {"reason": "wiki: list", "rows": 1}


def test_a_column_without_values_has_no_shares() -> None:
    connection = connect()
    connection.execute("CREATE TABLE t AS SELECT NULL::DOUBLE AS ease")
    assert histograms(connection, {"t": "t"}, "ease") == []
