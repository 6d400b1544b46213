"""Prompts in a model's own chat template, and S2's prompt as one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s2.kernel.errors import S2Error
from s2.models.encoding import IGNORED, Encoder
from s2.models.prompts import format_prompt, has_prompt_mark, question_in
from s2.models.saving import save_causal_model
from tests.models import making

CHATTING = [making.llama3, making.qwen, making.gemma, making.llama2]
QUESTION = "Why is the sky blue?"


@pytest.mark.parametrize("kind", CHATTING)
def test_a_question_is_asked_in_the_model_s_own_template(
    kind: Callable[[], Any],
) -> None:
    tokenizer = kind()
    messages = [{"role": "user", "content": QUESTION}]
    expected = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    encoder = Encoder(tokenizer, "chat")
    assert encoder.prompt(format_prompt(QUESTION)) == expected
    assert encoder.template == tokenizer.chat_template


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        (making.llama3, "<|eot_id|>"),
        (making.qwen, "<|im_end|>"),
        (making.gemma, "<end_of_turn>"),
        (making.llama2, "</s>"),
    ],
)
def test_an_answer_is_learnt_up_to_the_end_of_its_turn(kind: Callable[[], Any], end: str) -> None:
    tokenizer = kind()
    encoder = Encoder(tokenizer, "chat")
    row = encoder.row(format_prompt(QUESTION), "It scatters.", 999)
    assert row is not None
    learnt = [label for label in row.labels if label != IGNORED]
    assert learnt[-1] == tokenizer.convert_tokens_to_ids(end) == encoder.ends[0]
    assert tokenizer.eos_token_id in encoder.ends
    assert tokenizer.decode(learnt[:-1]).strip() == "It scatters."
    messages = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "It scatters."}]
    whole = tokenizer.apply_chat_template(messages, tokenize=False)
    assert whole.replace(" ", "").startswith(tokenizer.decode(row.input_ids[:-1]).replace(" ", ""))


@pytest.mark.parametrize("kind", [*CHATTING, making.gpt2, making.neox, making.phi3])
def test_s2_s_prompt_as_a_template_gives_the_tokens_of_training(
    kind: Callable[[], Any],
) -> None:
    """What pipelines and servers ask a merged model is what it was trained on."""
    tokenizer = kind()
    encoder = Encoder(tokenizer)
    tokenizer.chat_template = encoder.template
    messages = [{"role": "user", "content": QUESTION}]
    asked = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    assert asked == encoder.prompt(format_prompt(QUESTION))
    messages += [{"role": "assistant", "content": "So."}, {"role": "user", "content": "How?"}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    end = tokenizer.eos_token
    assert text.endswith(f"### Human: {QUESTION} ### Assistant: So.{end} ### Human: How? ### Assistant:")


def test_a_base_without_a_template_cannot_chat(tmp_path: Path) -> None:
    files = making.make_model(tmp_path / "gpt2", "gpt2")
    with pytest.raises(S2Error, match=r"model\.prompt is chat, but the model has no chat template"):
        save_causal_model(files, tmp_path / "base", style="chat")


def test_the_question_of_a_prompt_is_what_it_was_made_of() -> None:
    for question in (QUESTION, "", "### Assistant:", "a ### Human: b"):
        assert question_in(format_prompt(question)) == question


@pytest.mark.parametrize(
    "text", ["### Human: so", "a ###Assistant: b", "## human : c", "x\n### ASSISTANT:"]
)
def test_what_imitates_the_prompt_s_marks(text: str) -> None:
    assert has_prompt_mark(text)
    assert not has_prompt_mark(text.replace("#", "")) and not has_prompt_mark(text.replace(":", ""))


def zephyr() -> Any:
    """SentencePiece, its template with a newline before each text."""
    tokenizer = making.llama2()
    tokenizer.chat_template = (
        "{% for m in messages %}{{ '<|' + m['role'] + '|>\\n' + m['content'] + eos_token + '\\n' }}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
    )
    return tokenizer


@pytest.mark.parametrize("kind", [*CHATTING, zephyr])
def test_a_row_is_the_template_s_own_tokens(kind: Callable[[], Any]) -> None:
    tokenizer = kind()
    encoder = Encoder(tokenizer, "chat")
    messages = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "So."}]
    whole = tokenizer.apply_chat_template(messages, return_dict=False)
    row = encoder.row(format_prompt(QUESTION), "So.", 999)
    assert row is not None and row.input_ids == whole[: len(row.input_ids)]
    # A control string in one text changes no token of the others.
    plain, spoiled = (encoder.turns([text, "So.", "How?"]) for text in ("Why?", "Why? </s>"))
    assert spoiled[-8:] == plain[-8:] and spoiled[:4] == plain[:4]


def test_a_template_that_says_the_day_says_one_day() -> None:
    tokenizer = making.llama3()
    tokenizer.chat_template = "{{ strftime_now('%Y-%m-%d %H:%M:%S.%f') }} " + making.LLAMA3
    encoder = Encoder(tokenizer, "chat")
    assert "2024-07-26 00:00:00" in str(tokenizer.decode(encoder.turns(["a"])))


def test_of_several_templates_the_one_by_default_is_kept() -> None:
    tokenizer = making.llama3()
    tokenizer.chat_template = {"default": making.LLAMA3, "tool_use": "x"}
    assert Encoder(tokenizer, "chat").template == making.LLAMA3
