"""Toxicity of texts: one interface over Detoxify's classifiers and profanity-check.

Scores are probabilities from 0 to 1, one for each label. Long texts are scored in overlapping
windows and the maximum of each label is kept; nothing is cut silently.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from s2.graph.code import meaning
from s2.kernel.cache import ContentCache, content_key
from s2.kernel.errors import S2Error
from s2.kernel.hashes import fingerprint
from s2.kernel.tables import chunked
from s2.quality.classifier import CHECKPOINT, CONFIG, DESCRIPTION

Scores = dict[str, float]
CACHE_BATCH = 512

# Detoxify's `original` names three of its labels otherwise than its other models do.
_LABELS = {
    "toxic": "toxicity",
    "severe_toxic": "severe_toxicity",
    "identity_hate": "identity_attack",
}


class ToxicityScorer(Protocol):
    """Anything that scores texts; `fingerprint` changes whenever its scores might."""

    labels: list[str]
    fingerprint: str

    def score(self, texts: Sequence[str]) -> list[Scores]: ...


def make_scorer(folder: Path, dtype: str, batch_tokens: int) -> ToxicityScorer:
    """The scorer in a folder of `s2.quality.classifier`; raises `S2Error` if there is none."""
    description = folder / DESCRIPTION
    if not description.is_file():
        raise S2Error(f"{description} is missing: build it with `dvc repro classifier`")
    if json.loads(description.read_text(encoding="utf-8"))["scorer"] == "profanity-check":
        return ProfanityCheck()
    return Detoxify(folder / CHECKPOINT, folder / CONFIG, dtype, batch_tokens)


class ProfanityCheck:
    """alt-profanity-check: a linear classifier on word counts, inside its own wheel."""

    labels: list[str]

    def __init__(self) -> None:
        self.labels = ["toxicity"]
        self.fingerprint = meaning(ProfanityCheck)

    def score(self, texts: Sequence[str]) -> list[Scores]:
        from profanity_check import predict_prob

        scores = predict_prob(list(texts)) if texts else []
        return [{"toxicity": round(float(score), 6)} for score in scores]


class Detoxify:
    """A checkpoint in Detoxify's own format, with its tokenizer and configuration from a folder.

    The file holds `config` (number of outputs, class names) and `state_dict`; it is read with
    `weights_only=True`. Texts are cut into windows of the model's length that overlap by a quarter,
    windows of like length share a batch, and a batch holds at most `batch_tokens` tokens.
    (Hanu and Unitary team, 2020, https://github.com/unitaryai/detoxify.)
    """

    def __init__(self, checkpoint: Path, config: Path, dtype: str, batch_tokens: int) -> None:
        import torch
        from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

        loaded = torch.load(checkpoint, map_location="cpu", weights_only=True)
        classes = loaded["config"]["dataset"]["args"]["classes"]
        self.labels = [_LABELS.get(name, name) for name in classes]
        self.fingerprint = fingerprint([checkpoint, config], dtype, meaning(Detoxify))
        self._tokenizer = AutoTokenizer.from_pretrained(config)
        settings = AutoConfig.from_pretrained(config, num_labels=_outputs(loaded["config"]))
        model = AutoModelForSequenceClassification.from_config(settings).eval()
        model.load_state_dict(_without_positions(loaded["state_dict"]))
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if dtype != "int8":
            self._model = model.to(self._device, getattr(torch, dtype))
        elif self._device.type == "cpu":
            # Of linear layers alone, whose inputs are quantised as they come.
            layers = {torch.nn.Linear}
            self._model = torch.ao.quantization.quantize_dynamic(model, layers, dtype=torch.qint8)
        else:
            raise S2Error("quality.toxicity.dtype: int8 is for CPUs; choose bfloat16 or float16")
        self._window = min(512, settings.max_position_embeddings - 2)
        self._batch_tokens = batch_tokens

    def score(self, texts: Sequence[str]) -> list[Scores]:
        windows = [(i, ids) for i, text in enumerate(texts) for ids in self._windows(text)]
        worst: list[Scores] = [dict.fromkeys(self.labels, 0.0) for _ in texts]
        for batch in token_batches(windows, self._batch_tokens):
            for (index, _), scores in zip(batch, self._classify(batch), strict=True):
                for label, value in zip(self.labels, scores, strict=True):
                    worst[index][label] = max(worst[index][label], round(value, 6))
        return worst

    def _windows(self, text: str) -> list[list[int]]:
        encoded = self._tokenizer(
            text,
            truncation=True,
            max_length=self._window,
            stride=self._window // 4,
            return_overflowing_tokens=True,
        )
        return encoded["input_ids"]

    def _classify(self, batch: list[tuple[int, list[int]]]) -> list[list[float]]:
        import torch

        rows = [{"input_ids": ids} for _, ids in batch]
        inputs = self._tokenizer.pad(rows, return_tensors="pt").to(self._device)
        with torch.inference_mode():
            logits = self._model(**inputs).logits[:, : len(self.labels)]
            return logits.float().sigmoid().tolist()


def _outputs(config: dict[str, Any]) -> int:
    """How many outputs the classifier has; behind those of its classes, `unbiased` has some for the
    identities that a text mentions, which say nothing of toxicity."""
    return int(config["arch"]["args"]["num_classes"])


def _without_positions(state: dict[str, Any]) -> dict[str, Any]:
    """Older checkpoints carry a buffer of position ids that newer models compute."""
    return {name: value for name, value in state.items() if not name.endswith(".position_ids")}


def token_batches(
    windows: list[tuple[int, list[int]]], budget: int
) -> Iterator[list[tuple[int, list[int]]]]:
    """Windows of like length together, each batch padded to at most `budget` tokens (or one row)."""
    batch: list[tuple[int, list[int]]] = []
    for window in sorted(windows, key=lambda item: len(item[1]), reverse=True):
        longest = len(batch[0][1]) if batch else len(window[1])
        if batch and longest * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def score_texts(
    scorer: ToxicityScorer, texts: Iterable[str], cache: ContentCache
) -> Iterator[tuple[Scores, bool]]:
    """Scores of each text in order, and whether they came out of the cache."""
    for group in chunked(tqdm(texts, desc="toxicity", unit=" texts"), CACHE_BATCH):
        keys = [content_key("toxicity", scorer.fingerprint, text) for text in group]
        known = cache.get(keys)
        new = {key: text for key, text in zip(keys, group, strict=True) if key not in known}
        fresh = dict(zip(new, scorer.score(list(new.values())), strict=True))
        cache.put(fresh)
        for key in keys:
            yield (known | fresh)[key], key in known
