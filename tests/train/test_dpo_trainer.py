import math
from pathlib import Path
from typing import Any

import pytest
import torch

from s2.train.dpo_trainer import PaddedCollator, WeightedDpoTrainer, dpo_losses
from tests.train.test_dpo import settings, trained


def test_every_loss_by_hand() -> None:
    """β 0.5, log-ratios 1 and -1: z = 1; with a margin of ρ 1 on ln 2: z = 0.3069."""
    ratios, lengths = torch.tensor([[1.0, -1.0]]), torch.tensor([[2, 4]])
    margins = torch.tensor([math.log(2)])

    def loss(**changes: Any) -> float:
        return float(dpo_losses(ratios, lengths, margins, settings(beta=0.5, **changes))[0])

    assert loss() == pytest.approx(math.log(1 + math.exp(-1)))
    assert loss(label_smoothing=0.1) == pytest.approx(
        0.9 * math.log(1 + math.exp(-1)) + 0.1 * math.log(1 + math.exp(1))
    )
    assert loss(loss="robust", label_smoothing=0.1) == pytest.approx(
        (0.9 * math.log(1 + math.exp(-1)) - 0.1 * math.log(1 + math.exp(1))) / 0.8
    )
    assert loss(margin=1.0) == pytest.approx(math.log(1 + math.exp(-(1 - math.log(2)))))
    assert loss(loss="hinge", margin=1.0) == pytest.approx(math.log(2))
    # 1/2 + 1/4 - 1/(2 · 0.5) = -0.25
    assert loss(loss="ipo") == pytest.approx(0.0625)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["packed", "padded", "logits"])
def test_the_loss_without_weights_is_trls_own(
    in_tmp: Path,
    tiny_model: Path,
    tiny_adapter: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    """In value and gradients, after some steps, of the same pairs: packed, padded, or with whole logits;
    TRL's knows neither weights nor margins."""
    if how == "padded":
        monkeypatch.setattr("s2.train.dpo_trainer.let_pack", lambda model: False)
    if how == "logits":
        monkeypatch.setattr("s2.train.dpo_trainer.head_of_words", lambda model: None)
    model, trainer, _ = trained(tiny_model, tiny_adapter, in_tmp, epochs=6)
    trainer.train()
    rows = [row | {"weight": 1.0} for row in list(trainer.train_dataset)[:3]]
    inputs = trainer.data_collator(rows)
    assert ("attention_mask" in inputs) == (how != "packed")
    assert (trainer._head is None) == (how == "logits")
    padded = PaddedCollator(pad_token_id=0)(rows)
    theirs_of = super(WeightedDpoTrainer, trainer)._compute_loss
    kept = {name: padded[name] for name in ("input_ids", "attention_mask", "completion_mask")}
    found = []
    for loss in (trainer.compute_loss(model, inputs), theirs_of(model, kept, False)):
        model.zero_grad()
        loss.backward()
        gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
        found.append((float(loss), gradients))
    (ours, gradients), (theirs, their_gradients) = found
    assert ours == pytest.approx(theirs, abs=1e-6) and ours < 0.69
    assert gradients.keys() == their_gradients.keys() and len(gradients) > 10
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, their_gradients[name], rtol=1e-3, atol=1e-6), name
