"""Scores of answers: ROUGE (Lin 2004), BERTScore (Zhang et al. 2020), readability
(`s2.quality.readability`), toxicity (`s2.quality.toxicity`) and repetition (`s2.quality.repetition`).

`s2.evaluate.modules` has them as modules of the `evaluate` library.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import torch
from bert_score import BERTScorer
from rouge_score.rouge_scorer import RougeScorer
from transformers import AutoTokenizer, GPT2Tokenizer, PreTrainedModel, RobertaTokenizer

from s2.kernel.cache import ContentCache
from s2.quality.readability import count_words, scorer
from s2.quality.repetition import distinct, repetition
from s2.quality.toxicity import ToxicityScorer, score_texts

ROUGE = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
BERTSCORE = ["bertscore_precision", "bertscore_recall", "bertscore_f1"]
READABILITY = ["ease", "grade"]
TOXICITY = ["toxicity", "toxic"]
REPETITION = ["repetition", "distinct1", "distinct2"]
TOXIC = 0.1  # above it an answer counts as toxic, as in the published tables

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")

Definition = Literal["ours", "published"]
Columns = dict[str, list[float | None]]


class AnswerMetric:
    """What scores texts, those of its `columns`."""

    columns: ClassVar[list[str]] = ["predictions", "references"]

    def each(self, *texts: Sequence[str]) -> Columns:
        """The value of each answer by name, None where it has none."""
        raise TypeError(f"{type(self).__name__} scores nothing")


class Rouge(AnswerMetric):
    """F1 of ROUGE-1, 2, L and Lsum: with Porter's stemmer and a sentence a line or, as the published
    tables have it, without either."""

    def __init__(self, definition: Definition = "ours") -> None:
        self._ours = definition == "ours"

    def each(self, *texts: Sequence[str]) -> Columns:
        rouge = RougeScorer(ROUGE, use_stemmer=self._ours)
        lines = _lines if self._ours else str
        pairs = zip(*texts, strict=True)
        scored = [rouge.score(lines(reference), lines(answer)) for answer, reference in pairs]
        return {name: [score[name].fmeasure for score in scored] for name in ROUGE}


def _lines(text: str) -> str:
    """A sentence a line, as ROUGE-Lsum wants it."""
    return _SENTENCE_END.sub("\n", text)


class BertScore(AnswerMetric):
    """Precision, recall and F1 of BERTScore by a layer of an encoder, without idf weights; 0 for an
    empty answer."""

    def __init__(self, encoder: Path, layer: int, batch_size: int) -> None:
        self._encoder, self._layer, self._batch_size = encoder, layer, batch_size

    @cached_property
    def _bert(self) -> BERTScorer:
        bert = BERTScorer(
            model_type=str(self._encoder), num_layers=self._layer, batch_size=self._batch_size
        )
        # The library asks GPT-2's and RoBERTa's tokenizers for a space before the first word, which
        # those of transformers 5 take when they are made alone; other scores would not be comparable.
        if isinstance(bert._tokenizer, (GPT2Tokenizer, RobertaTokenizer)):
            bert._tokenizer = AutoTokenizer.from_pretrained(self._encoder, add_prefix_space=True)
        # The library truncates to this, and an unset length overflows in the tokenizer's Rust code.
        bert._tokenizer.model_max_length = longest_input(bert._model)
        return bert

    def each(self, *texts: Sequence[str]) -> Columns:
        answers, references = texts
        filled = [index for index, answer in enumerate(answers) if answer.strip()]
        scores: Columns = {name: [0.0] * len(answers) for name in BERTSCORE}
        if not filled:
            return scores
        found = self._bert.score([answers[i] for i in filled], [references[i] for i in filled])
        for name, values in zip(BERTSCORE, found, strict=True):
            for index, value in zip(filled, values.tolist(), strict=True):
                scores[name][index] = value
        return scores


def longest_input(encoder: PreTrainedModel) -> int:
    """The most tokens that an encoder takes. RoBERTa, MPNet and their like count positions from the
    one behind the padding's, so that they have fewer than their table."""
    found = dict(encoder.named_modules()).get("embeddings.position_embeddings")
    taken = 0
    if isinstance(found, torch.nn.Embedding) and found.padding_idx is not None:
        taken = found.padding_idx + 1
    return encoder.config.max_position_embeddings - taken


class Readability(AnswerMetric):
    """Flesch reading ease and Flesch-Kincaid grade, none for an answer without words."""

    columns: ClassVar[list[str]] = ["predictions"]

    def __init__(self, method: str) -> None:
        self._measure = scorer(method)

    def each(self, *texts: Sequence[str]) -> Columns:
        (answers,) = texts
        found = [self._measure(answer) if count_words(answer) else None for answer in answers]
        return {name: [getattr(one, name) if one else None for one in found] for name in READABILITY}


class Toxicity(AnswerMetric):
    """The worst label of a scorer's, whether that is above 0.1, and, of a scorer that has several, every
    label by its name (`toxicity.insult`)."""

    columns: ClassVar[list[str]] = ["predictions"]

    def __init__(self, toxicity: ToxicityScorer, cache: ContentCache) -> None:
        self._toxicity, self._cache = toxicity, cache

    def each(self, *texts: Sequence[str]) -> Columns:
        (answers,) = texts
        found = [labels for labels, _ in score_texts(self._toxicity, answers, self._cache)]
        worst = [max(labels.values()) for labels in found]
        columns: Columns = {"toxicity": [*worst], "toxic": [float(value > TOXIC) for value in worst]}
        if len(self._toxicity.labels) > 1:
            for label in self._toxicity.labels:
                columns[f"toxicity.{label}"] = [labels[label] for labels in found]
        return columns


class Repetition(AnswerMetric):
    """The share of word trigrams that were there before, and distinct-1 and distinct-2, none for an
    answer without such n-grams."""

    columns: ClassVar[list[str]] = ["predictions"]

    def each(self, *texts: Sequence[str]) -> Columns:
        (answers,) = texts
        return {
            "repetition": [repetition(answer) for answer in answers],
            "distinct1": [distinct(answer, 1) for answer in answers],
            "distinct2": [distinct(answer, 2) for answer in answers],
        }
