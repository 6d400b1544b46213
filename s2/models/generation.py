"""A model's answers: batched, prompts of like length together, sampled or greedy."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from transformers import set_seed

from s2.kernel.tables import chunked
from s2.models.encoding import encode_prompt
from s2.models.loading import load_model, load_tokenizer
from s2.models.prompts import HUMAN
from s2.params.evaluate import Answers


@dataclass(frozen=True)
class Answer:
    """What a model said, in how many new tokens, and whether it came to its end token, or went on to
    ask itself the next question, which is left out."""

    text: str
    tokens: int
    ended: bool
    next_turn: bool


class Answerer:
    """A causal language model in a folder, ready to answer prompts."""

    def __init__(self, folder: Path, dtype: str) -> None:
        self._model = load_model(folder, dtype)
        self._tokenizer = load_tokenizer(folder)

    def answer(self, prompts: Sequence[str], settings: Answers, seed: int) -> list[Answer]:
        """Answers in the order of the prompts; the same seed and prompts give the same answers."""
        set_seed(seed)
        encoded = [encode_prompt(self._tokenizer, prompt) for prompt in prompts]
        order = sorted(range(len(prompts)), key=lambda i: len(encoded[i]), reverse=True)
        found: dict[int, Answer] = {}
        with tqdm(total=len(prompts), desc="answers", unit=" prompts") as bar:
            for batch in chunked(order, settings.batch_size):
                replies = self._generate([encoded[i] for i in batch], settings)
                found |= zip(batch, replies, strict=True)
                bar.update(len(batch))
        return [found[i] for i in range(len(prompts))]

    @torch.inference_mode()
    def _generate(self, encoded: list[list[int]], settings: Answers) -> list[Answer]:
        rows = [{"input_ids": ids} for ids in encoded]
        inputs = self._tokenizer.pad(rows, padding_side="left", return_tensors="pt")
        inputs = inputs.to(self._model.device)
        tokens = self._model.generate(  # type: ignore[operator]  # its type is lost in a mixin
            **inputs,
            max_new_tokens=settings.max_new_tokens,
            **_sampling(settings),
            pad_token_id=self._tokenizer.pad_token_id,
            eos_token_id=self._tokenizer.eos_token_id,
            stop_strings=[HUMAN],
            tokenizer=self._tokenizer,
        )
        width = inputs["input_ids"].shape[1]
        return [self._cut(row) for row in tokens[:, width:].tolist()]

    def _cut(self, tokens: list[int]) -> Answer:
        end, pad = self._tokenizer.eos_token_id, self._tokenizer.pad_token_id
        ended = end in tokens
        kept = tokens[: tokens.index(end)] if ended else tokens
        text, next_turn, _ = str(self._tokenizer.decode(kept, skip_special_tokens=True)).partition(HUMAN)
        while next_turn and kept[-1] == pad:  # its batch went on
            kept = kept[:-1]
        return Answer(text.strip(), len(kept) + ended, ended, bool(next_turn))


def _sampling(settings: Answers) -> dict[str, Any]:
    """Arguments of `generate`: sampling at a temperature, or greedy at 0."""
    penalty = {"repetition_penalty": settings.repetition_penalty}
    if settings.temperature == 0:
        return penalty | {"do_sample": False}
    return penalty | {
        "do_sample": True,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": settings.top_k,
    }
