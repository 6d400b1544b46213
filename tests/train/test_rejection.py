from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.kernel.cache import ContentCache
from s2.models import sampling
from s2.models.sampling import Sampled
from s2.params.align import RejectionModel
from s2.train.rejection import best_of, candidates, curve, encoder_of, sample_all
from tests.train.pairing import section


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=7), st.data())
def test_the_expected_best_is_the_mean_over_all_choices(values: list[float], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(values)))
    every = [max(chosen) for chosen in combinations(values, n)]
    assert best_of(values, n) == pytest.approx(sum(every) / len(every), abs=1e-9)


def test_the_curve_by_hand() -> None:
    """Prompts with rewards 0, 1 and 2, 4 and 9: of one answer means 0.5, 3 and 9; of two 1 and 4."""
    rows = curve([[0.0, 1.0], [4.0, 2.0], [9.0]], 2)
    assert rows[1][0] == pytest.approx(12.5 / 3) and rows[1][4] == 3
    assert rows[2] == pytest.approx([2.5, 1.5, 1.75, 1.25, 2])
    assert curve([[]], 2) == {}


def test_what_did_not_end_is_never_chosen_and_the_earlier_answer_may_be(tiny_adapter: Path) -> None:
    encoder = encoder_of(tiny_adapter, "s2")
    said = encoder.reply("So it is.")
    samples = [Sampled(said, True), Sampled(said[:-1], False), Sampled(said[-1:], True)]
    found, lost = candidates(encoder, samples, None)
    assert [one.text for one in found] == ["So it is."] and lost == 2
    found, _ = candidates(encoder, samples, "Because.")
    assert found[-1].text == "Because." and found[-1].ids == encoder.reply("Because.")


@pytest.mark.slow
def test_a_killed_run_goes_on_with_what_was_sampled(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"from": "sft/some", "rewards": {"liked": 1.0}, "earlier": "data/best/none", "batch_size": 4}
    values = section("rejection", **small, samples=3, max_new_tokens=6)
    rejection, encoder = RejectionModel.model_validate(values), encoder_of(tiny_adapter, "s2")
    prompts = [encoder.turns([f"Why {n}?"]) for n in range(4)]
    calls: list[str] = []
    generate = sampling.generate

    def counted(*arguments: Any) -> list[list[int]]:
        if len(calls) == 2:
            calls.append("killed")
            raise KeyboardInterrupt
        calls.append("sampled")
        return generate(*arguments)

    monkeypatch.setattr(sampling, "generate", counted)
    asked = tiny_model, tiny_adapter, prompts, rejection, encoder, 1
    with ContentCache(in_tmp / "cut.sqlite") as cache, pytest.raises(KeyboardInterrupt):
        sample_all(*asked, cache)
    with ContentCache(in_tmp / "cut.sqlite") as cache:
        resumed = sample_all(*asked, cache)
    assert calls == ["sampled", "sampled", "killed", "sampled"]
    with ContentCache(in_tmp / "whole.sqlite") as cache:
        calls[:] = ["never again"] * 3
        assert sample_all(*asked, cache) == resumed
    assert [len(found) for found in resumed] == [3] * 4
    assert len({tuple(answer.ids) for answer in resumed[0]}) > 1
