from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.kernel.accounting import account, count_kept, count_reasons
from s2.kernel.errors import S2Error
from s2.kernel.tables import connect


def test_counting(in_tmp: Path) -> None:
    connection = connect()
    connection.execute(
        "CREATE TABLE t AS SELECT unnest(['bot', NULL, 'bot', 'nsfw', NULL, NULL]) AS dropped_by"
    )
    assert count_reasons(connection, "t") == {"bot": 2, "nsfw": 1}
    assert count_kept(connection, "t") == 3


@given(st.integers(0, 99), st.dictionaries(st.sampled_from("abc"), st.integers(0, 99)))
def test_the_accounting_balances_or_stops(kept: int, dropped: dict[str, int]) -> None:
    total = kept + sum(dropped.values())
    accounted = account(total, kept, dropped)
    assert (accounted["rows_in"], accounted["rows_out"]) == (total, kept)
    with pytest.raises(S2Error, match="unaccounted"):
        account(total + 1, kept, dropped)
