from pathlib import Path
from typing import Any

import pytest
import torch

from s2.models.encoding import IGNORED, Encoder
from s2.models.loading import load_model, load_tokenizer
from s2.train.answer_trainer import AnswerTrainer
from s2.train.sft import encode, make_trainer
from tests.train.test_sft import UNLIKE, settings


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_the_loss_is_that_of_all_tokens_whatever_rows_share_a_batch(
    in_tmp: Path, tiny_model: Path, batch_size: int
) -> None:
    encoder = Encoder(load_tokenizer(tiny_model))
    rows = encode(encoder, UNLIKE[:5], 256)
    parameters = settings(batch_size=batch_size)
    model = load_model(tiny_model, parameters.dtype)
    totals, tokens = [], []
    with torch.no_grad():
        for row in rows:
            labels = torch.tensor(row.labels[1:])
            logits = model(torch.tensor([row.input_ids])).logits[0, :-1]
            totals.append(float(torch.nn.functional.cross_entropy(logits, labels, reduction="sum")))
            tokens.append(int((labels != IGNORED).sum()))
    trainer = make_trainer(model, encoder, rows, rows, parameters, 1, in_tmp / "checkpoints")
    told = trainer.evaluate()["eval_loss"]
    assert told == pytest.approx(sum(totals) / sum(tokens), abs=1e-5)
    means = [total / count for total, count in zip(totals, tokens, strict=True)]
    assert abs(told - sum(means) / len(means)) > 1e-3
    assert trainer.state.log_history[-1]["eval_loss"] == told


@pytest.mark.parametrize("packs", [True, False])
def test_the_loss_that_is_learned_from_is_trls(
    in_tmp: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, packs: bool
) -> None:
    """In value and gradients, of three rows of unlike length, of the seventeen label tokens of a step."""
    if not packs:
        monkeypatch.setattr("s2.train.sft.let_pack", lambda model: False)
    encoder = Encoder(load_tokenizer(tiny_model))
    rows = encode(encoder, UNLIKE[:3], 256)
    trainer = make_trainer(
        load_model(tiny_model, "float32"), encoder, rows, rows, settings(batch_size=3), 1, in_tmp / "c"
    )
    model: Any = trainer.model
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # zeros, of which the gradient of lora_A is none
            torch.nn.init.normal_(parameter, std=0.1)
    learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
    found: list[tuple[float, dict[str, Any]]] = []
    for loss_of in (trainer.compute_loss, super(AnswerTrainer, trainer).compute_loss):
        inputs = next(iter(trainer.get_train_dataloader()))
        assert ("attention_mask" in inputs) != packs
        loss = loss_of(model, inputs, num_items_in_batch=torch.tensor(17))
        loss.backward()
        found.append((float(loss), {name: p.grad for name, p in learning.items()}))
        model.zero_grad()
    (ours, gradients), (theirs, their_gradients) = found
    assert ours == pytest.approx(theirs, rel=1e-5) and ours > 0
    for name, gradient in gradients.items():
        assert gradient.abs().sum() > 0, name
        assert torch.allclose(gradient, their_gradients[name], rtol=1e-3, atol=1e-6), name
