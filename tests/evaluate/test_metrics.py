import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import evaluate
import pytest
from bert_score.utils import sent_encode
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertModel,
    MPNetConfig,
    MPNetModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

from s2.evaluate.metrics import BertScore, Readability, Repetition, Rouge, Toxicity, longest_input
from s2.evaluate.modules import AnswerModule
from s2.kernel.cache import ContentCache
from s2.quality.toxicity import ProfanityCheck

WORDS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "the", "sky", "is", "blue", "grass", "green", "."]


SHAPE: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}
# RoBERTa and MPNet count positions from the one behind the padding's.
ENCODERS: dict[str, PreTrainedModel] = {
    "bert": BertModel(BertConfig(**SHAPE)),
    "roberta": RobertaModel(RobertaConfig(**SHAPE, pad_token_id=1)),
    "mpnet": MPNetModel(MPNetConfig(**SHAPE, pad_token_id=1)),
}


def save_encoder(kind: str, folder: Path) -> Path:
    """A small encoder whose tokenizer states no model_max_length."""
    raw = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, "[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    PreTrainedTokenizerFast(tokenizer_object=raw, **special).save_pretrained(folder)
    ENCODERS[kind].save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_encoder("bert", tmp_path_factory.mktemp("encoder"))


def test_rouge_by_hand() -> None:
    scores = AnswerModule(Rouge()).compute(
        predictions=["The sky is blue."], references=["The sky was blue today."], use_aggregator=False
    )
    # Unigrams: 3 of 4 and of 5; bigrams: 1 of 3 and of 4 (the sky).
    assert scores["rouge1"] == [pytest.approx(2 * (3 / 4) * (3 / 5) / (3 / 4 + 3 / 5))]
    assert scores["rouge2"] == [pytest.approx(2 * (1 / 3) * (1 / 4) / (1 / 3 + 1 / 4))]
    assert scores["rougeL"] == scores["rouge1"]


def test_our_rouge_stems_and_the_published_does_not() -> None:
    texts = ["The cats were running."], ["The cat runs."]
    # Stemmed, the, cat and run are in both: 3 of 4 and of 3. As they stand, only the is.
    assert Rouge().each(*texts)["rouge1"] == [pytest.approx(2 * (3 / 4) * 1 / (3 / 4 + 1))]
    assert Rouge("published").each(*texts)["rouge1"] == [pytest.approx(2 * (1 / 4) * (1 / 3) / (7 / 12))]


def test_the_published_rouge_lsum_goes_by_line_alone() -> None:
    published = Rouge("published")
    assert published.each(["B b c. A a."], ["A a. B b c."])["rougeLsum"] < [1.0]
    assert published.each(["B b c.\nA a."], ["A a.\nB b c."])["rougeLsum"] == [1.0]


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


@pytest.mark.parametrize(("kind", "longest"), [("bert", 64), ("roberta", 62), ("mpnet", 62)])
def test_bertscore_of_texts_beyond_the_encoder(tmp_path: Path, kind: str, longest: int) -> None:
    long, short = "the sky is blue . " * 40, "the sky is blue ."
    assert longest_input(ENCODERS[kind]) == longest
    scores = BertScore(save_encoder(kind, tmp_path), 2, 2).each([long, short, long], [short, long, long])
    one, other, same = scores["bertscore_f1"]
    assert one is not None and 0 < one < 1 and one == pytest.approx(other, abs=1e-4)
    assert same == pytest.approx(1.0, abs=1e-4)


def test_the_first_word_has_its_space_as_in_the_published_scores(tmp_path: Path) -> None:
    """RoBERTa's tokenizer takes a word otherwise at the start of a text than behind another."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(["so the sky and the sky"] * 5, trainer)
    raw.model.save(str(tmp_path))
    settings = {"tokenizer_class": "RobertaTokenizer", "model_max_length": 512}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    shape = SHAPE | {"vocab_size": raw.get_vocab_size(), "pad_token_id": 1}
    RobertaModel(RobertaConfig(**shape)).save_pretrained(tmp_path)
    tokenizer = BertScore(tmp_path, 2, 2)._bert._tokenizer
    found = tokenizer.convert_ids_to_tokens(sent_encode(tokenizer, "the sky"))
    assert found == ["<s>", "Ġthe", "Ġsky", "</s>"]
    assert tokenizer.model_max_length == 62


def test_readability_of_an_answer_without_words_is_none() -> None:
    scores = Readability("report").each(["The cat sat on it. The dog ran to me.", " "])
    assert scores == {"ease": [117.16, None], "grade": [-1.9, None]}


def test_the_modules_combine(tmp_path: Path) -> None:
    """As `evaluate.combine` takes anybody's: each gets the columns that it knows, and gives means."""
    with ContentCache(tmp_path / "cache.sqlite") as cache:
        metrics = [Rouge(), Readability("report"), Toxicity(ProfanityCheck(), cache)]
        found = evaluate.combine([AnswerModule(metric) for metric in metrics]).compute(
            predictions=["The cat sat on it. The dog ran to me.", ""], references=["The cat.", "No."]
        )
    assert found["ease"] == 117.16 and found["grade"] == -1.9
    two = AnswerModule(Readability("report")).compute(
        predictions=["The cat sat on it. The dog ran to me.", "The cat sat."]
    )
    (other,) = Readability("report").each(["The cat sat."])["ease"]
    assert other is not None and two["ease"] == pytest.approx((117.16 + other) / 2)
    assert AnswerModule(Readability("report")).compute(predictions=[""]) == {"ease": None, "grade": None}
    assert 0 < found["rouge1"] < 1 and 0 <= found["toxicity"] < 0.3


class Labelled:
    """A scorer of two labels, as Detoxify is of seven: a text's words say them."""

    def __init__(self) -> None:
        self.fingerprint, self.labels = "labelled", ["toxicity", "insult"]

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]:
        return [dict(zip(self.labels, map(float, text.split()), strict=True)) for text in texts]


def test_every_label_of_toxicity_and_the_share_above_a_tenth(tmp_path: Path) -> None:
    with ContentCache(tmp_path / "cache.sqlite") as cache:
        found = Toxicity(Labelled(), cache).each(["0.05 0.3", "0.1 0.02"])
    assert found == {
        "toxicity": [0.3, 0.1],
        "toxic": [1.0, 0.0],
        "toxicity.toxicity": [0.05, 0.1],
        "toxicity.insult": [0.3, 0.02],
    }


def test_repetition() -> None:
    found = AnswerModule(Repetition()).compute(predictions=["a b c a b c", ""])
    assert found == {
        "repetition": pytest.approx(0.125),
        "distinct1": 0.5,
        "distinct2": pytest.approx(0.6),
    }
