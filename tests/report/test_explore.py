import pytest

from s2.kernel.tables import connect
from s2.report.explore import describe, histogram, top_reasons


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
    bins = histogram(connection, "t", "words")
    assert len(bins) == 20 and sum(row["share"] for row in bins) == pytest.approx(1)
    assert bins[0] == {"words": 0, "share": 0.4}  # -5 and 10: what is below stands in the first bin
    assert bins[1] == {"words": 25, "share": 0.4}
    assert bins[-1] == {"words": 475, "share": 0.2}


def test_the_most_frequent_reasons_stand_first() -> None:
    dropped = {"bot": 2, "toxic": 5, "deleted": 5} | {f"r{n}": 1 for n in range(20)}
    found = top_reasons(dropped)
    assert len(found) == 10
    assert [row["reason"] for row in found[:3]] == ["deleted", "toxic", "bot"]
    assert found[0] == {"reason": "deleted", "rows": 5}


def test_a_column_without_values_has_no_histogram() -> None:
    connection = connect()
    connection.execute("CREATE TABLE t AS SELECT NULL::DOUBLE AS ease")
    assert histogram(connection, "t", "ease") == []
