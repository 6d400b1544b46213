"""`s2 ask` and `s2 chat`: questions to a model that the graph has built."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase, TextStreamer
from transformers.utils import logging

from s2.kernel.errors import S2Error
from s2.models.generation import Answer, Answerer
from s2.models.loading import load_answering
from s2.models.outside import ASKED, asked
from s2.models.prompts import HUMAN, has_prompt_mark
from s2.params.evaluate import Answers
from s2.params.loading import check
from s2.params.models import section_of
from s2.params.whole import BASE, Params, load_params


@dataclass(frozen=True)
class Wishes:
    """What a user wants otherwise than `answers` in params.yaml, None for what not."""

    temperature: float | None
    top_p: float | None
    max_tokens: int | None
    seed: int | None

    def over(self, answers: Answers) -> Answers:
        """The settings with these wishes; raises `S2Error` at one that cannot be."""
        asked = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_new_tokens": self.max_tokens,
        }
        changed = answers.model_dump() | {key: value for key, value in asked.items() if value is not None}
        return check(changed, Answers, "answers", Path("the command line"))


class Talk:
    """A conversation with a model of `evaluate.models`, the last one by default."""

    def __init__(self, model: str | None, wishes: Wishes) -> None:
        params = load_params()
        self._settings = wishes.over(params.answers)
        self._seed = params.seed if wishes.seed is None else wishes.seed
        logging.disable_progress_bar()
        folder, answers = _folder(params, model), params.answers
        how = asked(folder, params.model.prompt)
        if how.endpoint:
            raise S2Error(f"the model of {folder} lies at {how.endpoint}: ask it there")
        loaded = load_answering(folder, Path(BASE), answers.dtype, answers.quantization)
        self._answerer = Answerer(loaded, how.prompt)
        self._tokenizer = loaded.tokenizer
        known = loaded.model.config.get_text_config().to_dict()
        self._room = known.get("max_position_embeddings") or sys.maxsize  # some know no longest text
        self._said: list[str] = []

    def ask(self, question: str) -> Answer:
        """Print the answer to a question as it comes, and return it; raises `S2Error` at a question that
        imitates the prompt's marks."""
        if has_prompt_mark(question):
            raise S2Error(f"the question holds the prompt's own mark, such as {HUMAN!r}: leave it out")
        said = self._fitting([*self._said, question])
        stops = HUMAN if self._answerer.encoder.style == "s2" else None
        printer = _Printer(self._tokenizer, stops)
        answer = self._answerer.reply(said, self._settings, self._seed, printer.put)
        printer.end()
        print("" if answer.ended or answer.next_turn else " …")
        self._said = [*said, answer.text]
        return answer

    def _fitting(self, said: Sequence[str]) -> list[str]:
        """The last turns for which the model has room beside its answer."""
        left = list(said)
        while len(self._answerer.encoder.turns(left)) + self._settings.max_new_tokens > self._room:
            if len(left) < 3:
                raise S2Error(f"the question is too long: the model has room for {self._room} tokens")
            left = left[2:]
        return left


class _Printer(TextStreamer):
    """Prints an answer as it comes, up to where the model begins the next turn."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop: str | None) -> None:
        super().__init__(tokenizer, skip_special_tokens=True)
        self._stop = stop
        self._waiting = ""
        self._begun = self._over = False

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        self._waiting += text if self._begun else text.lstrip()
        self._begun = self._begun or bool(self._waiting)
        if self._stop and self._stop in self._waiting:
            self._say(self._waiting.partition(self._stop)[0].rstrip())
            self._over = True
        held = len(self._stop) - 1 if self._stop and not stream_end else 0
        ready = self._waiting[: len(self._waiting) - held]
        self._waiting = self._waiting[len(ready) :]
        self._say(ready.rstrip() if stream_end else ready)

    def _say(self, text: str) -> None:
        if not self._over:
            print(text, end="", flush=True)


def ask(question: str, model: str | None, wishes: Wishes) -> None:
    """Print a model's answer; raises `S2Error` if the model is not declared, or not built."""
    Talk(model, wishes).ask(question)


def chat(model: str | None, wishes: Wishes) -> None:
    """Ask question after question, each in the light of those before, until the input ends."""
    talk = Talk(model, wishes)
    print("An empty line, or Ctrl-D, ends it.")
    for question in _questions():
        try:
            talk.ask(question)
        except S2Error as error:
            print(f"error: {error}")


def _questions() -> Iterator[str]:
    while True:
        try:
            question = input("> ").strip()
        except EOFError:
            print()
            return
        if not question:
            return
        yield question


def _folder(params: Params, model: str | None) -> Path:
    models = params.evaluate.models
    name = model or list(models)[-1]
    if name not in models:
        raise S2Error(f"there is no model {name!r} in evaluate.models; there are: {', '.join(models)}")
    folder = Path(models[name])
    if not any((folder / file).is_file() for file in ("config.json", "adapter_config.json", ASKED)):
        stage = "@".join(filter(None, section_of(models[name])))
        raise S2Error(f"{folder} is not built yet: build it with `dvc repro {stage}`")
    return folder
