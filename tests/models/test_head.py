from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel, get_peft_model
from torch import nn

from s2.models import head as module
from s2.models.adapters import lora_config
from s2.models.encoding import IGNORED
from s2.models.head import batch_label_logprobs, chosen_logprobs, head_of_words
from s2.models.loading import load_model
from s2.models.saving import save_causal_model
from s2.params.train import Lora
from tests.models.making import ARCHITECTURES, make_model


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
@pytest.mark.parametrize("words_at_once", [2, 5, 100])
def test_values_and_gradients_are_those_of_all_logits(
    monkeypatch: pytest.MonkeyPatch, bias: bool, words_at_once: int
) -> None:
    monkeypatch.setattr(module, "WORDS", words_at_once)
    torch.manual_seed(0)
    head, chosen = nn.Linear(5, 11, bias=bias), torch.tensor([0, 3, 9, 9, 4, 1, 2])
    head.requires_grad_(False)
    ours = (9 * torch.randn(7, 5)).requires_grad_()
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


def adapted(folder: Path, name: str) -> PeftModel:
    save_causal_model(make_model(folder / "hub", name), folder / "base")
    base = load_model(folder / "base", "float32")
    lora = Lora(r=2, alpha=4, dropout=0.5, targets="all-linear", layers=1)
    model = get_peft_model(base, lora_config(lora, base))
    assert isinstance(model, PeftModel)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_log_probabilities_of_labels_are_those_of_the_models_logits(tmp_path: Path, name: str) -> None:
    """Row by row, in two rows of unlike length, padded on the right."""
    model = adapted(tmp_path, name)
    head = head_of_words(model)
    assert head is not None and model.training
    model.eval()
    rows, labels = [[5, 6, 7, 8, 9], [3, 4, 5]], [[IGNORED, IGNORED, 7, 8, 9], [IGNORED, 4, IGNORED]]
    found = batch_label_logprobs(
        model,
        head,
        torch.tensor([labels[0], labels[1] + 2 * [IGNORED]]),
        input_ids=torch.tensor([rows[0], [*rows[1], 0, 0]]),
        attention_mask=torch.tensor([[1] * 5, [1, 1, 1, 0, 0]]),
    )
    for row, wanted, told in zip(rows, labels, found, strict=True):
        logprobs = model(input_ids=torch.tensor([row])).logits[0].log_softmax(-1)
        for place, label in enumerate(wanted[1:]):
            expected = 0.0 if label == IGNORED else float(logprobs[place, label])
            assert float(told[place]) == pytest.approx(expected, abs=1e-5)
    assert found[1, 2:].tolist() == [0.0, 0.0]


def test_a_head_that_learns_or_is_not_all_of_the_logits_is_none(tmp_path: Path) -> None:
    """(A random model's logits are too small for Gemma 2's cap to show.)"""
    model = adapted(tmp_path / "gemma2", "gemma2")
    inner: Any = model.get_base_model()
    inner.get_output_embeddings().weight.data *= 1000
    assert head_of_words(model) is None
    learning = adapted(tmp_path / "qwen3", "qwen3")
    assert head_of_words(learning) is not None
    inner = learning.get_base_model()
    inner.get_output_embeddings().weight.requires_grad_(True)
    assert head_of_words(learning) is None
