from pathlib import Path

import pytest
import torch

from s2.models.encoding import IGNORED, Encoder
from s2.models.loading import load_model, load_tokenizer
from s2.train.sft import encode, make_trainer
from s2.train.validation import validation_losses
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


@pytest.mark.parametrize("number", [0, 1])
def test_each_process_reads_its_part_and_has_all(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Two processes, of which the other's part is what it would send."""
    model = load_model(tiny_model, "float32")
    rows = encode(Encoder(load_tokenizer(tiny_model)), UNLIKE[:5], 256)
    whole = validation_losses(model, rows, 1)
    theirs = [(i, (whole[0][i], whole[1][i])) for i in range(5) if i % 2 != number]
    monkeypatch.setenv("RANK", str(number))
    monkeypatch.setenv("WORLD_SIZE", "2")
    sent: list[tuple[int, tuple[float, int]]] = []

    def gather(mine: list[tuple[int, tuple[float, int]]]) -> list[tuple[int, tuple[float, int]]]:
        sent.extend(mine)
        return mine + theirs

    monkeypatch.setattr("s2.train.validation.gather_object", gather)
    assert validation_losses(model, rows, 1) == whole
    assert [i for i, _ in sent] == [i for i in range(5) if i % 2 == number]
