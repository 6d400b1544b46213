from math import log

import pytest
import torch
from torch import nn

from s2.models import head as module
from s2.models.head import chosen_logprobs


def test_by_hand() -> None:
    """Logits 0, ln 2, ln 5 of three tokens, of which the last is never: 1/3 and 2/3."""
    head = nn.Linear(1, 3, bias=False)
    head.weight.data = torch.tensor([[0.0], [log(2)], [log(5)]])
    state = torch.ones(1, 1, requires_grad=True)
    found = chosen_logprobs(head, state, torch.tensor([1]), 1.0, never=2)
    assert found.tolist() == pytest.approx([log(2 / 3)])
    found.sum().backward()
    assert state.grad is not None
    assert state.grad.tolist() == [pytest.approx([log(2) - 2 / 3 * log(2)])]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows_at_once", [1, 3, 100])
def test_values_and_gradients_are_those_of_all_logits(
    monkeypatch: pytest.MonkeyPatch, bias: bool, rows_at_once: int
) -> None:
    monkeypatch.setattr(module, "LOGITS", 11 * rows_at_once)
    torch.manual_seed(0)
    head, chosen = nn.Linear(5, 11, bias=bias), torch.tensor([0, 3, 9, 9, 4, 1, 2])
    head.requires_grad_(False)
    ours = torch.randn(7, 5, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    weights = torch.arange(7.0)

    found = chosen_logprobs(head, ours, chosen, 0.7, never=10)
    (found * weights).sum().backward()
    logits = (head(theirs) / 0.7)[:, :10]
    expected = logits.log_softmax(-1).gather(-1, chosen[:, None])[:, 0]
    (expected * weights).sum().backward()

    assert ours.grad is not None and theirs.grad is not None
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_half_precision_keeps_its_type_and_logprobs_are_float32() -> None:
    torch.manual_seed(0)
    head = nn.Linear(8, 20, bias=False, dtype=torch.bfloat16).requires_grad_(False)
    states = torch.randn(4, 8, dtype=torch.bfloat16, requires_grad=True)
    chosen = torch.tensor([1, 2, 3, 4])
    found = chosen_logprobs(head, states, chosen, 1.0, never=0)
    found.sum().backward()
    assert found.dtype == torch.float32
    assert states.grad is not None and states.grad.dtype == torch.bfloat16
    logits = head(states).float()
    logits[:, 0] = -torch.inf
    torch.testing.assert_close(found, logits.log_softmax(-1).gather(-1, chosen[:, None])[:, 0])
