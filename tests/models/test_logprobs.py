from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from s2.models.encoding import IGNORED, Encoded, Encoder
from s2.models.loading import load_tokenizer
from s2.models.logprobs import label_logprobs, label_losses
from s2.models.prompts import format_prompt


@pytest.fixture
def model(tiny_model: Path) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)


def rows(folder: Path) -> list[Encoded]:
    tokenizer = load_tokenizer(folder)
    answers = {"Why?": "It is the sun.", "How so very long?": "So."}
    found = [Encoder(tokenizer).row(format_prompt(q), a, 128) for q, a in answers.items()]
    return [row for row in found if row]


def test_log_probabilities_are_those_of_all_logits(model: PreTrainedModel, tiny_model: Path) -> None:
    found = label_logprobs(model, rows(tiny_model), batch_size=2)
    for row, logprobs in zip(rows(tiny_model), found, strict=True):
        logits = model(input_ids=torch.tensor([row.input_ids])).logits[0].log_softmax(-1)
        expected = [logits[i - 1, label].item() for i, label in enumerate(row.labels) if label != IGNORED]
        assert logprobs.tolist() == pytest.approx(expected, abs=1e-5)


def test_losses_are_those_of_the_library(model: PreTrainedModel, tiny_model: Path) -> None:
    model.train()
    sums, counts = label_losses(model, rows(tiny_model), 2)
    assert model.training
    for row, total, count in zip(rows(tiny_model), sums, counts, strict=True):
        labels = torch.tensor([row.labels])
        loss = model(input_ids=torch.tensor([row.input_ids]), labels=labels).loss.item()
        assert count == sum(label != IGNORED for label in row.labels)
        assert total == pytest.approx(loss * count, rel=1e-5)


def test_losses_do_not_depend_on_the_batch(model: PreTrainedModel, tiny_model: Path) -> None:
    alone, together = (label_losses(model, rows(tiny_model), size)[0] for size in (1, 2))
    assert alone == pytest.approx(together, rel=1e-5)
