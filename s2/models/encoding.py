"""How questions and answers become `input_ids` and `labels`.

Rows are put together segment by segment, because the same string tokenises differently in context:
the tokens of a prompt are the same in training and in answering. What comes from data is encoded
as text alone: no piece of it becomes a control token.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from transformers import GenerationConfig, PreTrainedTokenizerBase

from s2.kernel.errors import S2Error
from s2.models.prompts import chat_template, format_prompt, question_in
from s2.models.tokens import control_strings, end_tokens, plain, start_tokens
from s2.params.models import PromptStyle

IGNORED = -100
_SLOT = "\u2060s2-slot-{}\u2060"  # stands for a message's text in a rendered template
# Templates may say the day, which would change prompts every day, or let the model think aloud first.
_DAY = datetime(2024, 7, 26)
_NOW = re.compile(r"""strftime_now\(\s*(["'])(.*?)\1\s*\)""")
_FIXED: dict[str, Any] = {"date_string": f"{_DAY:%d %b %Y}", "enable_thinking": False}


@dataclass(frozen=True)
class Encoded:
    """`input_ids` and `labels` of one row ([length] each; -100 on the prompt)."""

    input_ids: list[int]
    labels: list[int]


class Encoder:
    """One tokenizer's way to put questions, in S2's prompt or in the model's own chat template.

    Raises `S2Error` where the style is `chat` and the tokenizer has no template.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        style: PromptStyle = "s2",
        generation: GenerationConfig | None = None,
    ) -> None:
        if style == "chat" and not tokenizer.chat_template:
            raise S2Error("model.prompt is chat, but the model has no chat template: take s2")
        self.tokenizer = tokenizer
        self.style = style
        self._text = plain(tokenizer)
        self._generation = generation

    @cached_property
    def ends(self) -> list[int]:
        """The tokens that end an answer, the one that training teaches first."""
        return list(dict.fromkeys([self._end, *end_tokens(self.tokenizer, self._generation)]))

    def prompt(self, prompt: str) -> list[int]:
        """Tokens of a prompt of `format_prompt`, with the special tokens before it."""
        return self.turns([question_in(prompt)])

    def text(self, text: str) -> list[int]:
        """Tokens of a text that is to be gone on with, with the special tokens before it."""
        return [*start_tokens(self.tokenizer), *self._text(text)]

    def turns(self, said: Sequence[str]) -> list[int]:
        """Tokens of a conversation: question, answer, question …, the last one to be answered."""
        if self.style == "chat":
            return self._chat(said)
        ids = start_tokens(self.tokenizer)
        for number, text in enumerate(said):
            if number % 2:
                ids += self.reply(text)
            else:
                ids += self._text((" " if number else "") + format_prompt(text))
        return ids

    def row(self, prompt: str, answer: str, max_length: int) -> Encoded | None:
        """A training row: the prompt, the answer and the end token, or None if it has more than
        `max_length` tokens: a row that lost its end would teach not to end."""
        start = self.prompt(prompt)
        reply = self.reply(answer)
        if len(start) + len(reply) > max_length:
            return None
        return Encoded(start + reply, [IGNORED] * len(start) + reply)

    def reply(self, answer: str) -> list[int]:
        """Tokens of an answer and its end; in a chat template with what stands around it there."""
        if self.style == "chat":
            lead, tail = self._around
            return [*self._behind(lead + answer + tail, self._text), self._end]
        return [*self._text(self._lead + answer), self._end]

    def _behind(self, text: str, encode: Callable[[str], list[int]]) -> list[int]:
        """Tokens of a text in the middle of another, where SentencePiece puts no space before it."""
        anchor, ids = encode("\n"), encode("\n" + text)
        return ids[len(anchor) :] if ids[: len(anchor)] == anchor else encode(text)

    @property
    def template(self) -> str:
        """The chat template by which others ask a model that was trained by this encoder; it says one
        day for ever."""
        if self.style == "chat":
            own = str(self.tokenizer.get_chat_template())  # of several, the one by default
            return _NOW.sub(lambda form: repr(_DAY.strftime(form[2])), own)
        return chat_template("".join(self._tokens(start_tokens(self.tokenizer))))

    def _tokens(self, ids: list[int]) -> list[str]:
        return [str(self.tokenizer.convert_ids_to_tokens(index)) for index in ids]

    @cached_property
    def _lead(self) -> str:
        """What to put before an answer so that it decodes behind S2's prompt with one space between:
        byte-level tokenizers want the space, SentencePiece ones add it themselves."""
        start = self.turns(["a"])
        wanted = f"{self._decode(start)} b"
        for lead in (" ", ""):
            if self._decode(start + self._text(f"{lead}b")) == wanted:
                return lead
        raise S2Error("this tokenizer cannot join a prompt and an answer with one space")

    def _decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, clean_up_tokenization_spaces=False))

    @cached_property
    def _around(self) -> tuple[str, str]:
        """What a chat template puts between a question's prompt and its answer, and between the answer
        and its end token."""
        asked, told = self._rendered(1), self._rendered(2)
        lead, _, behind = told.removeprefix(asked).partition(_SLOT.format(1))
        tail, end, _ = behind.partition(self._tokens([self._end])[0])
        return lead if told.startswith(asked) else "", tail if end else ""

    @cached_property
    def _end(self) -> int:
        """What an answer ends with: in a chat template the first special token behind it."""
        if self.style == "s2":
            return int(self.tokenizer.eos_token_id)
        behind = self._rendered(2).partition(_SLOT.format(1))[2]
        ids = self._template_ids(behind)
        special = self.tokenizer.added_tokens_decoder
        return next(
            (i for i in ids if i in special and str(special[i]).strip()), self.tokenizer.eos_token_id
        )

    def _rendered(self, turns: int) -> str:
        """The chat template of a conversation with a slot for each text."""
        messages = [
            {"role": ("user", "assistant")[number % 2], "content": _SLOT.format(number)}
            for number in range(turns)
        ]
        asks = bool(turns % 2)
        return str(
            self.tokenizer.apply_chat_template(
                messages,
                chat_template=self.template,
                tokenize=False,
                add_generation_prompt=asks,
                **_FIXED,
            )
        )

    def _chat(self, said: Sequence[str]) -> list[int]:
        """The template's own tokens; where a text holds what is written like a control token, it is
        encoded apart."""
        rest, segments = self._rendered(len(said)), list[tuple[str, str]]()
        for number, text in enumerate(said):
            before, _, rest = rest.partition(_SLOT.format(number))
            segments.append((before, text))
        controls = control_strings(self.tokenizer)
        if not any(control in text for text in said for control in controls):
            whole = "".join(before + text for before, text in segments) + rest
            return self._template_ids(whole)
        (first, text), *others = segments
        ids = self._template_ids(first) + self._behind(text, self._text)
        for before, text in others:
            ids += self._behind(before, self._template_ids) + self._behind(text, self._text)
        return ids + self._behind(rest, self._template_ids)

    def _template_ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False).input_ids)
