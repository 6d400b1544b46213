from pathlib import Path

import pytest

from s2.models.encoding import Encoder
from s2.models.loading import load_model, load_tokenizer
from s2.train.sft import encode
from s2.train.validation import validation_losses
from tests.train.test_sft import UNLIKE


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
