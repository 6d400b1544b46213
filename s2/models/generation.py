"""A model's answers: batched, prompts of like length together, sampled or greedy, each batch kept as
soon as it is there."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from s2.kernel.cache import ContentCache, content_key
from s2.kernel.tables import chunked
from s2.models.encoding import Encoder
from s2.models.loading import Loaded
from s2.models.prompts import HUMAN
from s2.models.sampling import Sampler, generate
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
        self._model, self._tokenizer, ends = loaded
        self._kept = kept
        self.encoder = Encoder(self._tokenizer, style, ends)

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
        self,
        said: Sequence[str],
        settings: Answers,
        seed: int,
        hear: Callable[[Tensor], None] | None = None,
    ) -> Answer:
        """The answer to the last turn of a conversation (question, answer, question …), each token of
        which `hear` is told as it comes, [1]."""
        (answer,) = self._generate([self.encoder.turns(said)], settings, seed, hear)
        return answer

    def _batch(self, encoded: list[list[int]], settings: Answers, seed: int) -> list[Answer]:
        kept = self._kept
        own_seed = content_key(seed, encoded)
        asked = settings.model_dump(exclude={"limit", "batch_size"})
        key = content_key("answers", kept.who, asked, own_seed) if kept else ""
        if kept and (known := kept.cache.get([key])):
            return [Answer(**answer) for answer in known[key]]
        # A seed for each batch, so that a run that goes on says what a whole one would.
        answers = self._generate(encoded, settings, int(own_seed[:8], 16))
        if kept:
            kept.cache.put({key: [asdict(answer) for answer in answers]})
        return answers

    def _generate(
        self,
        encoded: list[list[int]],
        settings: Answers,
        seed: int,
        hear: Callable[[Tensor], None] | None = None,
    ) -> list[Answer]:
        asked = settings.model_dump(exclude={"limit", "dtype", "quantization"})
        sampler = Sampler(ends=self.encoder.ends, pad=self._tokenizer.pad_token_id, **asked)
        chance = torch.Generator().manual_seed(seed)
        over = self._turns if self.encoder.style == "s2" else None
        return [self._cut(row) for row in generate(self._model, encoded, sampler, chance, over, hear)]

    def _turns(self, tokens: list[int]) -> bool:
        """Whether the model has begun the next turn, with the last of its tokens if not before: each has
        a byte of it at least."""
        return HUMAN in self._tokenizer.decode(tokens[-len(HUMAN) :], skip_special_tokens=True)

    def _cut(self, tokens: list[int]) -> Answer:
        ended = tokens[-1] in self.encoder.ends
        text = str(self._tokenizer.decode(tokens[:-1] if ended else tokens, skip_special_tokens=True))
        turn = ""
        if self.encoder.style == "s2":
            text, turn, _ = text.partition(HUMAN)
        return Answer(text.strip(), len(tokens), ended, next_turn=bool(turn))
