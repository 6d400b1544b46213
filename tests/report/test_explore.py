import pytest

from s2.report.explore import describe, histogram
from s2.tables import connect


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
