from pathlib import Path

import pytest
import torch

from s2.kernel.errors import S2Error
from s2.models.generation import Answerer
from s2.models.prompts import format_prompt
from s2.params.evaluate import Answers

PROMPTS = [format_prompt(question) for question in ("Why?", "Why is the sky so very blue today?", "How?")]


def settings(temperature: float, batch_size: int, new: int = 8) -> Answers:
    return Answers(
        max_new_tokens=new,
        temperature=temperature,
        top_p=1.0,
        batch_size=batch_size,
        dtype="float32",
        limit=None,
    )


def test_greedy_answers_do_not_depend_on_the_batch(tiny_model: Path) -> None:
    model = Answerer(tiny_model, "float32")
    alone = model.answer(PROMPTS, settings(0, 1), seed=1)
    together = model.answer(PROMPTS, settings(0, 3), seed=1)
    assert alone == together and len({answer.text for answer in alone}) > 1


def test_sampled_answers_are_those_of_their_seed(tiny_model: Path) -> None:
    model = Answerer(tiny_model, "float32")
    first = model.answer(PROMPTS, settings(1.0, 2), seed=1)
    assert model.answer(PROMPTS, settings(1.0, 2), seed=1) == first
    assert model.answer(PROMPTS, settings(1.0, 2), seed=2) != first


def test_an_answer_ends_at_its_end_token(tiny_model: Path) -> None:
    model = Answerer(tiny_model, "float32")
    end = model._tokenizer.eos_token_id
    pad = model._tokenizer.pad_token_id
    words = model._tokenizer("blue", add_special_tokens=False).input_ids
    ended = model._cut([*words, end, pad, pad])
    assert (ended.text, ended.tokens, ended.ended) == ("blue", len(words) + 1, True)
    cut = model._cut(words)
    assert (cut.text, cut.tokens, cut.ended) == ("blue", len(words), False)


def test_a_model_that_always_ends_says_so(tiny_model: Path) -> None:
    model = Answerer(tiny_model, "float32")
    end = model._tokenizer.eos_token_id
    with torch.no_grad():
        model._model.lm_head.weight.zero_()
        bias = torch.zeros(model._model.config.vocab_size)
        bias[end] = 50.0
        model._model.lm_head.bias = torch.nn.Parameter(bias)
    answers = model.answer(PROMPTS, settings(1.0, 2), seed=1)
    assert [(a.text, a.tokens, a.ended) for a in answers] == [("", 1, True)] * 3


def test_a_missing_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(S2Error, match="no model in"):
        Answerer(tmp_path, "float32")
