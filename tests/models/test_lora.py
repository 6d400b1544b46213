from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor, nn

from s2.models import lora
from s2.models.adapters import add_adapter
from s2.models.loading import load_answering, load_model
from s2.models.lora import lean


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(6, 5), nn.Linear(5, 4, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        return self.other(self.one(states).tanh())


def adapted(**options: Any) -> PeftModel:
    """Two layers with an adapter that changes what they compute."""
    torch.manual_seed(0)
    config = LoraConfig(r=2, lora_alpha=5, target_modules=["one", "other"], **options)
    model = get_peft_model(Two(), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter)
    return model


def leaned(times: int = 1, **options: Any) -> PeftModel:
    model = adapted(**options)
    for _ in range(times):
        lean(model)
    return model


def outcome(model: PeftModel, states: Tensor) -> tuple[Tensor, list[Tensor]]:
    """What a model computes, and the gradients of its adapter and of what it was given."""
    torch.manual_seed(1)
    states = states.clone().requires_grad_()
    found = model(states)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return found.detach(), list(torch.autograd.grad(found.square().sum(), [*learning, states]))


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A place for each time that a layer was computed the lean way."""
    times: list[int] = []
    theirs = lora._Added.apply

    def counted(*arguments: Any) -> Any:
        times.append(1)
        return theirs(*arguments)

    monkeypatch.setattr(lora._Added, "apply", counted)
    return times


@pytest.mark.parametrize("shape", [(6,), (3, 6), (2, 3, 6), (2, 0, 6)])
def test_values_and_gradients_are_pefts(shape: tuple[int, ...], used: list[int]) -> None:
    states = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    values, gradients = outcome(adapted(), states)
    found, ours = outcome(leaned(times=2), states)
    assert len(used) == 2
    torch.testing.assert_close(found, values)
    torch.testing.assert_close(ours, gradients)
    with torch.no_grad():
        assert torch.equal(leaned()(states), found)


@pytest.mark.parametrize(
    "options", [{"lora_dropout": 0.5}, {"use_dora": True}, {"lora_bias": True}], ids=str
)
def test_what_is_more_than_plain_stays_pefts(options: dict[str, Any], used: list[int]) -> None:
    states = torch.ones(3, 6)
    values, gradients = outcome(adapted(**options), states)
    found, ours = outcome(leaned(**options), states)
    assert not used and torch.equal(found, values)
    assert all(map(torch.equal, ours, gradients))


def test_dropout_is_none_in_evaluation(used: list[int]) -> None:
    model = leaned(lora_dropout=0.5).eval()
    model(torch.ones(3, 6))
    assert len(used) == 2


def test_disabled_merged_and_other_adapters_are_what_they_were(used: list[int]) -> None:
    states = torch.ones(3, 6)
    plain, ours = adapted(), leaned()
    for model in (plain, ours):
        model.add_adapter("second", LoraConfig(r=1, target_modules=["one"], init_lora_weights=False))
    for parameter, same in zip(plain.parameters(), ours.parameters(), strict=True):
        same.data.copy_(parameter)
    with plain.disable_adapter(), ours.disable_adapter():
        assert torch.equal(ours(states), plain(states))
    assert not used
    for model in (plain, ours):
        model.set_adapter("second")
    torch.testing.assert_close(ours(states), plain(states))
    assert len(used) == 1  # it adapts one layer of the two
    for model in (plain, ours):
        model.set_adapter("default")
        model.merge_adapter()
    assert torch.equal(ours(states), plain(states)) and len(used) == 1


def test_under_autocast_and_in_other_precisions_it_is_pefts(used: list[int]) -> None:
    states = torch.ones(3, 6)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(leaned()(states), adapted()(states))
    half, ours = adapted().bfloat16(), leaned().bfloat16()
    assert torch.equal(ours(states.bfloat16()), half(states.bfloat16()))
    assert not used


@pytest.mark.slow
def test_adapters_that_learn_or_answer_are_computed_so(
    tiny_model: Path, tiny_adapter: Path, used: list[int]
) -> None:
    ids = torch.tensor([[1, 2, 3]])
    add_adapter(load_model(tiny_model, "float32"), tiny_adapter, "some")(input_ids=ids)
    of_one = len(used)
    load_answering(tiny_adapter, tiny_model, "float32", "none").model(input_ids=ids)
    assert of_one > 0 and len(used) == 2 * of_one
