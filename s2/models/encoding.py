"""How a prompt and an answer become `input_ids` and `labels`.

Rows are put together segment by segment, because the same string tokenises differently in context:
the tokens of the prompt are the same in training and in answering.
"""

from dataclasses import dataclass
from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from s2.kernel.errors import S2Error
from s2.models.prompts import format_prompt

IGNORED = -100


@dataclass(frozen=True)
class Encoded:
    """`input_ids` and `labels` of one row ([length] each; -100 on the prompt)."""

    input_ids: list[int]
    labels: list[int]


def encode_prompt(tokenizer: PreTrainedTokenizerBase, prompt: str) -> list[int]:
    """Tokens of a prompt, with the special tokens that the tokenizer puts first."""
    return tokenizer(prompt).input_ids


def encode_row(
    tokenizer: PreTrainedTokenizerBase, prompt: str, answer: str, max_length: int
) -> Encoded | None:
    """A training row: the prompt, the answer and the end token, or None if it has more than
    `max_length` tokens: a row that lost its end would teach not to end."""
    start = encode_prompt(tokenizer, prompt)
    lead = _lead(tokenizer)
    words = tokenizer(lead + answer, add_special_tokens=False).input_ids
    reply = [*words, tokenizer.eos_token_id]
    if len(start) + len(reply) > max_length:
        return None
    return Encoded(start + reply, [IGNORED] * len(start) + reply)


@lru_cache(maxsize=8)
def _lead(tokenizer: PreTrainedTokenizerBase) -> str:
    """What to put before an answer so that it decodes behind a prompt with one space between:
    byte-level tokenizers want the space, SentencePiece ones add it themselves."""
    start = encode_prompt(tokenizer, format_prompt("a"))
    for lead in (" ", ""):
        ids = start + tokenizer(lead + "b", add_special_tokens=False).input_ids
        decoded = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
        if str(decoded).endswith("Assistant: b"):
            return lead
    raise S2Error("this tokenizer cannot join a prompt and an answer with one space")


def set_padding(tokenizer: PreTrainedTokenizerBase) -> None:
    """Give the tokenizer a padding token that is not its end token, without adding one to the
    vocabulary; raises `S2Error` if it has no token to spare."""
    if tokenizer.pad_token_id not in (None, tokenizer.eos_token_id):
        return
    spare = [tokenizer.unk_token, *tokenizer.all_special_tokens]
    for token in spare:
        if token is not None and token not in (tokenizer.eos_token, tokenizer.bos_token):
            tokenizer.pad_token = token
            return
    raise S2Error("this tokenizer has no special token, besides start and end, to pad with")
