from pathlib import Path

import pytest
import torch
from s2.evaluate.overlap import bertscore, rouge
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

WORDS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "the", "sky", "is", "blue", "grass", "green", "."]


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small BERT whose tokenizer states no model_max_length."""
    folder = tmp_path_factory.mktemp("encoder")
    raw = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, "[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    PreTrainedTokenizerFast(tokenizer_object=raw, **special).save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=len(WORDS),
            hidden_size=32,
            num_hidden_layers=3,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
        )
    ).save_pretrained(folder)
    return folder


def test_rouge_by_hand() -> None:
    (scores,) = rouge(["The sky is blue."], ["The sky was blue today."])
    # Unigrams: 3 of 4 and of 5; bigrams: 1 of 3 and of 4 (the sky).
    assert scores["rouge1"] == pytest.approx(2 * (3 / 4) * (3 / 5) / (3 / 4 + 3 / 5))
    assert scores["rouge2"] == pytest.approx(2 * (1 / 3) * (1 / 4) / (1 / 3 + 1 / 4))
    assert scores["rougeL"] == scores["rouge1"]


def test_rouge_lsum_goes_by_sentence() -> None:
    (scores,) = rouge(["B b c. A a."], ["A a. B b c."])
    assert scores["rougeLsum"] == 1.0 > scores["rougeL"]


def test_rouge_of_nothing_is_nothing() -> None:
    (scores,) = rouge([""], ["Text."])
    assert set(scores.values()) == {0.0}


def test_bertscore_is_one_for_the_same_and_zero_for_nothing(encoder: Path) -> None:
    same, empty, other = bertscore(
        ["the sky is blue .", " ", "grass is green ."], ["the sky is blue ."] * 3, encoder, 2, 2
    )
    assert same["bertscore_f1"] == pytest.approx(1.0, abs=1e-4)
    assert set(empty.values()) == {0.0}
    assert other["bertscore_f1"] < 0.999


def test_bertscore_of_only_empty_answers(encoder: Path) -> None:
    (scores,) = bertscore([""], ["the sky"], encoder, 2, 2)
    assert set(scores.values()) == {0.0}


def test_bertscore_of_a_text_beyond_the_encoder(encoder: Path) -> None:
    (scores,) = bertscore(["the sky is blue . " * 40], ["the sky is blue ."], encoder, 2, 2)
    assert 0 < scores["bertscore_f1"] < 1
