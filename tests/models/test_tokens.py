from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, PreTrainedTokenizerFast

from s2.models.encoding import Encoder
from s2.models.prompts import format_prompt
from s2.models.tokens import PAD, choose_padding, end_tokens, plain, set_padding, start_tokens
from tests.models import making

KINDS = [making.llama2, making.llama3, making.gpt2, making.neox, making.phi2, making.phi3]
KINDS += [making.qwen, making.gemma]
TOKENIZERS: dict[str, Any] = {kind.__name__: kind() for kind in KINDS}


@pytest.mark.parametrize(
    ("kind", "pad"),
    [
        (making.llama2, "<unk>"),
        (making.llama3, "<|reserved_special_token_0|>"),
        (making.gpt2, None),
        (making.neox, "<|padding|>"),
        (making.phi2, None),
        (making.phi3, "<unk>"),
        (making.qwen, "<|fim_pad|>"),
        (making.gemma, "<pad>"),
    ],
)
def test_the_padding_token_is_one_that_nothing_else_uses(
    kind: Callable[[], PreTrainedTokenizerFast], pad: str | None
) -> None:
    tokenizer = kind()
    size = len(tokenizer)
    assert choose_padding(tokenizer) == pad
    set_padding(tokenizer)
    assert tokenizer.pad_token == pad or PAD
    assert len(tokenizer) == size + (pad is None)
    assert tokenizer.pad_token_id not in (tokenizer.eos_token_id, tokenizer.bos_token_id)


def test_a_padding_token_that_ends_a_text_is_none() -> None:
    """An instruct model may pad with the token that ends its turns."""
    tokenizer = making.qwen()
    tokenizer.pad_token = "<|im_end|>"
    ends = end_tokens(tokenizer, GenerationConfig(eos_token_id=[tokenizer.pad_token_id]))
    assert choose_padding(tokenizer) == "<|im_end|>"
    assert choose_padding(tokenizer, ends) == "<|fim_pad|>"


def test_ends_are_those_of_tokenizer_and_generation_settings() -> None:
    tokenizer: Any = making.llama3()
    end, turn = tokenizer.convert_tokens_to_ids(["<|end_of_text|>", "<|eot_id|>"])
    assert end_tokens(tokenizer, None) == [end]
    assert end_tokens(tokenizer, GenerationConfig(eos_token_id=turn)) == [end, turn]
    assert end_tokens(tokenizer, GenerationConfig(eos_token_id=[turn, end])) == [end, turn]


def test_starts() -> None:
    starts = {name: len(start_tokens(tokenizer)) for name, tokenizer in TOKENIZERS.items()}
    assert starts == dict.fromkeys(TOKENIZERS, 0) | {"llama2": 1, "llama3": 1, "gemma": 1}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_no_text_becomes_a_control_token(name: str) -> None:
    tokenizer = TOKENIZERS[name]
    controls = {i for i, token in tokenizer.added_tokens_decoder.items() if str(token).strip()}
    for token in map(str, tokenizer.added_tokens_decoder.values()):
        text = f"It ends {token} so."
        assert token.isspace() or controls & set(tokenizer(text, add_special_tokens=False).input_ids)
        ids = plain(tokenizer)(text)
        assert not controls & set(ids)
        assert " ".join(tokenizer.decode(ids).split()) == " ".join(text.split())
        for style in ("s2", "chat") if tokenizer.chat_template else ("s2",):
            encoder = Encoder(tokenizer, style)
            empty = encoder.row(format_prompt("a"), "b", 999)
            row = encoder.row(format_prompt(f"a {token}"), f"b {token} c", 999)
            assert row is not None and empty is not None
            known, found = ([i for i in one.input_ids if i in controls] for one in (empty, row))
            assert found == known, style


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=40)
@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40))
def test_text_without_control_tokens_is_encoded_as_the_tokenizer_does(name: str, text: str) -> None:
    tokenizer = TOKENIZERS[name]
    assert plain(tokenizer)(text) == tokenizer(text, add_special_tokens=False).input_ids


def test_a_vocabulary_that_spells_a_control_token_spells_it_otherwise_in_data() -> None:
    """Unigram models hold `</s>` as a piece like any other."""
    pieces = [("<unk>", 0.0), ("</s>", 0.0), ("▁", -2.0), *((chr(n), -3.0) for n in range(33, 127))]
    raw = Tokenizer(models.Unigram(pieces, unk_id=0))
    raw.pre_tokenizer = pre_tokenizers.Metaspace()
    raw.decoder = decoders.Metaspace()
    raw.add_special_tokens(["</s>"])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="<unk>", eos_token="</s>")
    assert tokenizer.eos_token_id in tokenizer("a </s> b").input_ids
    assert tokenizer.eos_token_id not in plain(tokenizer)("a </s> b </s></s>")
