"""How far an answer overlaps its reference: ROUGE (Lin 2004) and BERTScore (Zhang et al. 2020)."""

import re
from collections.abc import Sequence
from pathlib import Path

from rouge_score.rouge_scorer import RougeScorer

ROUGE = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
BERTSCORE = ["bertscore_precision", "bertscore_recall", "bertscore_f1"]

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def rouge(answers: Sequence[str], references: Sequence[str]) -> list[dict[str, float]]:
    """F1 of ROUGE-1, 2, L and Lsum for each pair, with Porter's stemmer."""
    scorer = RougeScorer(ROUGE, use_stemmer=True)
    pairs = zip(answers, references, strict=True)
    scored = [scorer.score(_lines(reference), _lines(answer)) for answer, reference in pairs]
    return [{name: score[name].fmeasure for name in ROUGE} for score in scored]


def _lines(text: str) -> str:
    """A sentence a line, as ROUGE-Lsum wants it."""
    return _SENTENCE_END.sub("\n", text)


def bertscore(
    answers: Sequence[str], references: Sequence[str], encoder: Path, layer: int, batch_size: int
) -> list[dict[str, float]]:
    """Precision, recall and F1 for each pair by the encoder's `layer`; 0 for an empty answer."""
    from bert_score import BERTScorer

    filled = [index for index, answer in enumerate(answers) if answer.strip()]
    scores = [dict.fromkeys(BERTSCORE, 0.0) for _ in answers]
    if not filled:
        return scores
    scorer = BERTScorer(model_type=str(encoder), num_layers=layer, batch_size=batch_size)
    # The library truncates to this, and an unset length overflows in the tokenizer's Rust code.
    scorer._tokenizer.model_max_length = scorer._model.config.max_position_embeddings
    columns = scorer.score([answers[i] for i in filled], [references[i] for i in filled])
    for position, index in enumerate(filled):
        values = [float(column[position]) for column in columns]
        scores[index] = dict(zip(BERTSCORE, values, strict=True))
    return scores
