"""What a tokenizer's special tokens are for: padding, ends, starts; and text in which there are none."""

import json
from collections.abc import Callable, Iterable
from functools import lru_cache

from tokenizers import Tokenizer
from transformers import GenerationConfig, PreTrainedTokenizerBase

PAD = "<|s2_pad|>"  # what is added where a tokenizer has no token to spare
_OF_IMAGES = ("image", "vision", "video", "audio")


def choose_padding(tokenizer: PreTrainedTokenizerBase, ends: Iterable[int] = ()) -> str | None:
    """The token to pad with: its own one unless it ends a text too; else one of its special tokens
    that nothing else uses, best one that is named for it; None if it has none to spare."""
    ends = {tokenizer.eos_token_id, *ends}
    if tokenizer.pad_token_id is not None and tokenizer.pad_token_id not in ends:
        return str(tokenizer.pad_token)
    template = str(tokenizer.chat_template or "")
    known = tokenizer.added_tokens_decoder.items()
    spare = [
        str(token)
        for index, token in known
        if token.special
        and index not in ends
        and str(token) not in (tokenizer.bos_token, tokenizer.unk_token)
        and str(token) not in template
        and not any(word in str(token).lower() for word in _OF_IMAGES)
    ]
    named = [token for token in spare if "pad" in token.lower()]
    unknown = [tokenizer.unk_token] if tokenizer.unk_token_id not in (None, *ends) else []
    unused = [token for token in spare if "reserved" in token.lower() or "unused" in token.lower()]
    return next(iter([*named, *unknown, *unused, *spare]), None)


def set_padding(tokenizer: PreTrainedTokenizerBase, ends: Iterable[int] = ()) -> None:
    """Give a tokenizer a padding token that is none of its ends; if it has none to spare, one more, for
    which a model may lack the embedding."""
    chosen = choose_padding(tokenizer, ends)
    if chosen is not None:
        tokenizer.pad_token = chosen
    else:
        tokenizer.add_special_tokens({"pad_token": PAD})


def end_tokens(tokenizer: PreTrainedTokenizerBase, generation: GenerationConfig | None) -> list[int]:
    """The tokens at which a model ends: its tokenizer's, and those of its generation settings, which
    for instruct models may be others."""
    listed = generation.eos_token_id if generation else None
    more = listed if isinstance(listed, list) else [listed]
    ends = dict.fromkeys([tokenizer.eos_token_id, *more])
    return [end for end in ends if end is not None]


def start_tokens(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The special tokens that a tokenizer puts before a text."""
    whole = tokenizer("a").input_ids
    bare = tokenizer("a", add_special_tokens=False).input_ids
    at = next(i for i in range(len(whole)) if whole[i : i + len(bare)] == bare)
    return list(whole[:at])


def control_strings(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """The strings that the tokenizer would take for one added token, white space left out: some
    tokenizers spell runs of it by added tokens."""
    return [str(token) for token in tokenizer.added_tokens_decoder.values() if str(token).strip()]


@lru_cache(maxsize=8)
def plain(tokenizer: PreTrainedTokenizerBase) -> Callable[[str], list[int]]:
    """The tokenizer for data: text is text, and no piece of it, such as `<|im_end|>`, becomes a
    control token."""
    if not tokenizer.is_fast:
        return lambda text: tokenizer(text, add_special_tokens=False, split_special_tokens=True).input_ids
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    spaces = [item for item in content["added_tokens"] if not item["content"].strip()]
    content |= {"added_tokens": spaces, "post_processor": None, "truncation": None, "padding": None}
    bare = Tokenizer.from_str(json.dumps(content))
    # Where tokens before them are left out, those that stay are numbered anew.
    original = {bare.token_to_id(item["content"]): item["id"] for item in spaces}
    strings = sorted(control_strings(tokenizer), key=len, reverse=True)
    controls = {tokenizer.convert_tokens_to_ids(string) for string in strings} - {tokenizer.unk_token_id}

    def encode(text: str) -> list[int]:
        ids = [original.get(i, i) for i in bare.encode(text, add_special_tokens=False).ids]
        if not controls.isdisjoint(ids):  # the vocabulary itself can spell one: cut it in two
            for string in (string for string in strings if string in text and len(string) > 1):
                cut = text.index(string) + 1
                return encode(text[:cut]) + encode(text[cut:])
        return ids

    return encode
