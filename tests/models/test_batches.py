import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.models.batches import by_length, ends_together, left_padded


def test_positions_count_from_each_sequences_own_start() -> None:
    batch = left_padded([[7, 8, 9], [5]])
    assert batch.input_ids.tolist() == [[7, 8, 9], [0, 0, 5]]
    assert batch.attention_mask.tolist() == [[1, 1, 1], [0, 0, 1]]
    assert batch.position_ids.tolist() == [[0, 1, 2], [0, 0, 0]]


def test_a_token_that_is_the_padding_counts_where_it_is_said() -> None:
    assert left_padded([[0, 1, 0], [2]]).attention_mask.tolist() == [[1, 1, 1], [0, 0, 1]]


def test_masks_come_from_lengths() -> None:
    assert ends_together([1, 3]).tolist() == [[False, False, True], [True, True, True]]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.integers(1, 7))
def test_every_row_is_in_one_batch_and_batches_are_by_length(lengths: list[int], size: int) -> None:
    batches = list(by_length(lengths, size))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    ordered = [lengths[place] for batch in batches for place in batch]
    assert ordered == sorted(lengths, reverse=True) and all(len(batch) <= size for batch in batches)
    assert pytest.approx(sum(ordered)) == sum(lengths)
