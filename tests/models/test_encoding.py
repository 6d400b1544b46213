from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from tokenizers.decoders import Metaspace
from transformers import PreTrainedTokenizerFast

from s2.models.encoding import IGNORED, Encoder
from s2.models.loading import load_tokenizer
from s2.models.prompts import format_prompt

PROMPT = format_prompt("Why is the sky blue?")


@pytest.fixture
def tokenizer(tiny_model: Path) -> Any:
    return load_tokenizer(tiny_model)


def test_the_prompt() -> None:
    assert PROMPT == "### Human: Why is the sky blue? ### Assistant:"


def test_loss_is_on_the_answer_and_its_end_alone(tokenizer: Any) -> None:
    row = Encoder(tokenizer).row(PROMPT, "Light scatters.", 256)
    assert row is not None
    start = Encoder(tokenizer).prompt(PROMPT)
    assert row.input_ids[: len(start)] == start
    assert row.labels[: len(start)] == [IGNORED] * len(start)
    assert row.labels[len(start) :] == row.input_ids[len(start) :]
    assert row.labels[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(row.input_ids[:-1]) == f"{PROMPT} Light scatters."


def test_a_row_that_does_not_fit_with_its_end_is_none(tokenizer: Any) -> None:
    row = Encoder(tokenizer).row(PROMPT, "Light scatters.", 256)
    assert row is not None
    length = len(row.input_ids)
    assert Encoder(tokenizer).row(PROMPT, "Light scatters.", length) == row
    assert Encoder(tokenizer).row(PROMPT, "Light scatters.", length - 1) is None


def test_padding_is_not_the_end_token(tokenizer: Any) -> None:
    assert tokenizer.pad_token_id not in (tokenizer.eos_token_id, None)


def test_a_tokenizer_that_adds_the_space_itself() -> None:
    """As SentencePiece does: a leading space in the text would give two."""
    vocabulary = {token: i for i, token in enumerate(["<unk>", "</s>", "▁", *map(chr, range(33, 127))])}
    raw = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    raw.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    raw.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    raw.decoder = Metaspace("▁", "always")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="<unk>", eos_token="</s>")
    row = Encoder(tokenizer).row(PROMPT, "Light.", 256)
    assert row is not None
    assert tokenizer.decode(row.input_ids[:-1]) == f"{PROMPT} Light."
