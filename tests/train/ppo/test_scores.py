import pytest
import torch

from s2.params.align import SafetyRule
from s2.train.ppo.scores import Normal, normalised, safety_first, weighted, without_end


def test_rewards_are_normalised_and_summed_by_their_weights() -> None:
    raw = {"a": torch.tensor([3.0, 1.0]), "b": torch.tensor([0.0, 4.0])}
    found = normalised(raw, {"a": Normal(1.0, 2.0), "b": Normal(0.0, 0.0)})
    assert found["a"].tolist() == [1, 0] and found["b"].tolist() == [0, 4]
    assert weighted(found, {"a": 2.0, "b": 0.5}).tolist() == [2, 2]


def test_llama_2s_rule() -> None:
    """σ(-2) = 0.119 is under 0.15, σ(0) is not; the third prompt is risky."""
    raw = {"safe": torch.tensor([-2.0, 0.0, 0.0]), "help": torch.tensor([1.0, 2.0, 3.0])}
    rule = SafetyRule(safety="safe", helpfulness="help", below=0.15, risky=0.5)
    risky = torch.tensor([False, False, True])
    assert safety_first(raw, raw, rule, risky).tolist() == [-2, 2, 0]


def test_a_missing_end_costs_its_penalty() -> None:
    assert without_end(torch.tensor([1.0, 1.0]), [True, False], 0.5).tolist() == pytest.approx([1.0, 0.5])
