from pathlib import Path

import evaluate
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from s2.evaluate.metrics import BertScore, Readability, Rouge, Toxicity
from s2.kernel.cache import ContentCache
from s2.quality.toxicity import ProfanityCheck

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
    scores = Rouge().compute(
        predictions=["The sky is blue."], references=["The sky was blue today."], use_aggregator=False
    )
    # Unigrams: 3 of 4 and of 5; bigrams: 1 of 3 and of 4 (the sky).
    assert scores["rouge1"] == [pytest.approx(2 * (3 / 4) * (3 / 5) / (3 / 4 + 3 / 5))]
    assert scores["rouge2"] == [pytest.approx(2 * (1 / 3) * (1 / 4) / (1 / 3 + 1 / 4))]
    assert scores["rougeL"] == scores["rouge1"]


def test_rouge_lsum_goes_by_sentence() -> None:
    scores = Rouge().each(["B b c. A a."], ["A a. B b c."])
    assert scores["rougeLsum"] == [1.0] and scores["rougeL"] < [1.0]


def test_rouge_of_nothing_is_nothing() -> None:
    assert all(values == [0.0] for values in Rouge().each([""], ["Text."]).values())


def test_bertscore_is_one_for_the_same_and_zero_for_nothing(encoder: Path) -> None:
    scores = BertScore(encoder, 2, 2).each(
        ["the sky is blue .", " ", "grass is green ."], ["the sky is blue ."] * 3
    )
    same, empty, other = scores["bertscore_f1"]
    assert same == pytest.approx(1.0, abs=1e-4)
    assert empty == 0.0
    assert other is not None and other < 0.999


def test_bertscore_of_only_empty_answers(encoder: Path) -> None:
    assert BertScore(encoder, 2, 2).each([""], ["the sky"])["bertscore_f1"] == [0.0]


def test_bertscore_of_a_text_beyond_the_encoder(encoder: Path) -> None:
    (score,) = BertScore(encoder, 2, 2).each(["the sky is blue . " * 40], ["the sky is blue ."])[
        "bertscore_f1"
    ]
    assert score is not None and 0 < score < 1


def test_readability_of_an_answer_without_words_is_none() -> None:
    scores = Readability("report").each(["The cat sat on it. The dog ran to me.", " "])
    assert scores == {"ease": [117.16, None], "grade": [-1.9, None]}


def test_the_modules_combine(tmp_path: Path) -> None:
    """As `evaluate.combine` takes anybody's: each gets the columns that it knows, and gives means."""
    with ContentCache(tmp_path / "cache.sqlite") as cache:
        modules = evaluate.combine([Rouge(), Readability("report"), Toxicity(ProfanityCheck(), cache)])
        found = modules.compute(
            predictions=["The cat sat on it. The dog ran to me.", ""], references=["The cat.", "No."]
        )
    assert found["ease"] == 117.16 and found["grade"] == -1.9
    assert 0 < found["rouge1"] < 1 and 0 <= found["toxicity"] < 0.3
