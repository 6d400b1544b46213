"""A model's answers: batched, prompts of like length together, sampled or greedy, each batch kept as
soon as it is there."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from peft import PeftModel
from tqdm import tqdm
from transformers import GenerationConfig, set_seed
from transformers.generation.streamers import BaseStreamer

from s2.kernel.cache import ContentCache, content_key
from s2.kernel.tables import chunked
from s2.models.encoding import Encoder
from s2.models.loading import Loaded
from s2.models.prompts import HUMAN
from s2.params.evaluate import Answers
from s2.params.models import PromptStyle


@dataclass(frozen=True)
class Answer:
    """What a model said, in how many new tokens, and whether it came to its end token, or went on to
    ask itself the next question, which is left out."""

    text: str
    tokens: int
    ended: bool
    next_turn: bool


@dataclass(frozen=True)
class KeptAnswers:
    """A cache of answers, and what stands in its keys for the model that gave them."""

    cache: ContentCache
    who: str


class Answerer:
    """A causal language model, ready to answer prompts in a prompt style."""

    def __init__(
        self, loaded: Loaded, style: PromptStyle = "s2", kept: KeptAnswers | None = None
    ) -> None:
        self.loaded = loaded
        self._model, self._tokenizer, generation = loaded
        self._kept = kept
        self.encoder = Encoder(self._tokenizer, style, generation)
        # Its own settings, such as a penalty or a top_k, would come in where ours say nothing.
        inner: Any = self._model
        inner = inner.get_base_model() if isinstance(inner, PeftModel) else inner
        inner.generation_config = GenerationConfig()

    def answer(self, prompts: Sequence[str], settings: Answers, seed: int) -> list[Answer]:
        """Answers in the order of the prompts; the same seed and batches give the same answers. A batch
        that is kept is not asked again."""
        return self._all([self.encoder.prompt(prompt) for prompt in prompts], settings, seed)

    def go_on(self, texts: Sequence[str], settings: Answers, seed: int) -> list[Answer]:
        """How the model goes on with texts, which are no questions to it."""
        return self._all([self.encoder.text(text) for text in texts], settings, seed)

    def _all(self, encoded: list[list[int]], settings: Answers, seed: int) -> list[Answer]:
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]), reverse=True)
        found: dict[int, Answer] = {}
        with tqdm(total=len(encoded), desc="answers", unit=" prompts", disable=None) as bar:
            for batch in chunked(order, settings.batch_size):
                replies = self._batch([encoded[i] for i in batch], settings, seed)
                found |= zip(batch, replies, strict=True)
                bar.update(len(batch))
        return [found[i] for i in range(len(encoded))]

    def reply(
        self, said: Sequence[str], settings: Answers, seed: int, streamer: BaseStreamer | None = None
    ) -> Answer:
        """The answer to the last turn of a conversation (question, answer, question …)."""
        set_seed(seed)
        (answer,) = self._generate([self.encoder.turns(said)], settings, streamer)
        return answer

    def _batch(self, encoded: list[list[int]], settings: Answers, seed: int) -> list[Answer]:
        kept = self._kept
        own_seed = content_key(seed, encoded)
        asked = settings.model_dump(exclude={"limit", "batch_size"})
        key = content_key("answers", kept.who, asked, own_seed) if kept else ""
        if kept and (known := kept.cache.get([key])):
            return [Answer(**answer) for answer in known[key]]
        # A seed for each batch, so that a run that goes on says what a whole one would.
        set_seed(int(own_seed[:8], 16))
        answers = self._generate(encoded, settings)
        if kept:
            kept.cache.put({key: [asdict(answer) for answer in answers]})
        return answers

    @torch.inference_mode()
    def _generate(
        self, encoded: list[list[int]], settings: Answers, streamer: BaseStreamer | None = None
    ) -> list[Answer]:
        rows = [{"input_ids": ids} for ids in encoded]
        inputs = self._tokenizer.pad(rows, padding_side="left", return_tensors="pt")
        inputs = inputs.to(self._model.device)
        tokens = self._model.generate(  # type: ignore[operator]  # its type is lost in a mixin
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            generation_config=GenerationConfig(
                max_new_tokens=settings.max_new_tokens,
                **_sampling(settings),
                pad_token_id=self._tokenizer.pad_token_id,
                eos_token_id=self.encoder.ends,
                stop_strings=self._stops,
            ),
            tokenizer=self._tokenizer,
            streamer=streamer,
        )
        width = inputs["input_ids"].shape[1]
        return [self._cut(row) for row in tokens[:, width:].tolist()]

    @property
    def _stops(self) -> list[str] | None:
        return [HUMAN] if self.encoder.style == "s2" else None

    def _cut(self, tokens: list[int]) -> Answer:
        end = next((i for i, token in enumerate(tokens) if token in self.encoder.ends), None)
        kept = tokens[:end]
        text, turn = str(self._tokenizer.decode(kept, skip_special_tokens=True)), False
        if self._stops:
            text, mark, _ = text.partition(HUMAN)
            turn = bool(mark)
        while turn and kept[-1] == self._tokenizer.pad_token_id:  # its batch went on
            kept = kept[:-1]
        return Answer(text.strip(), len(kept) + (end is not None), end is not None, turn)


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
