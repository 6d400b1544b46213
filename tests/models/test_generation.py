import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.modeling_outputs import CausalLMOutputWithPast

from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.models.generation import Answer, Answerer, KeptAnswers
from s2.models.loading import load_answering
from s2.models.prompts import format_prompt
from s2.params.evaluate import Answers

PROMPTS = [format_prompt(question) for question in ("Why?", "Why is the sky so very blue today?", "How?")]


def settings(temperature: float, batch_size: int, new: int = 8, **changes: Any) -> Answers:
    return Answers(
        max_new_tokens=new,
        temperature=temperature,
        batch_size=batch_size,
        dtype="float32",
        limit=None,
        quantization="none",
        **({"top_p": 1.0, "top_k": 0, "repetition_penalty": 1.0} | changes),
    )


def load(folder: Path) -> Answerer:
    return Answerer(load_answering(folder, folder, "float32", "none"))


def test_greedy_answers_do_not_depend_on_the_batch(tiny_model: Path) -> None:
    model = load(tiny_model)
    alone = model.answer(PROMPTS, settings(0, 1), seed=1)
    together = model.answer(PROMPTS, settings(0, 3), seed=1)
    assert alone == together and len({answer.text for answer in alone}) > 1


def test_sampled_answers_are_those_of_their_seed(tiny_model: Path) -> None:
    model = load(tiny_model)
    first = model.answer(PROMPTS, settings(1.0, 2), seed=1)
    assert model.answer(PROMPTS, settings(1.0, 2), seed=1) == first
    assert model.answer(PROMPTS, settings(1.0, 2), seed=2) != first


def test_an_answer_ends_at_its_end_token(tiny_model: Path) -> None:
    model = load(tiny_model)
    end = model._tokenizer.eos_token_id
    words = model._tokenizer("blue", add_special_tokens=False).input_ids
    ended = model._cut([*words, end])
    assert (ended.text, ended.tokens, ended.ended) == ("blue", len(words) + 1, True)
    cut = model._cut(words)
    assert (cut.text, cut.tokens, cut.ended) == ("blue", len(words), False)


def test_an_answer_ends_where_the_next_turn_begins(tiny_model: Path) -> None:
    model = load(tiny_model)
    turn = model._tokenizer(" blue. ### Human:", add_special_tokens=False).input_ids
    answer = model._cut(turn)
    assert (answer.text, answer.tokens) == ("blue.", len(turn))
    assert answer.next_turn and not answer.ended
    assert not model._cut(turn[:-1]).next_turn


def test_a_model_that_begins_the_next_turn_is_stopped(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that goes on to ask would go on to its longest answer."""
    model = load(tiny_model)
    turn = model._tokenizer("Blue. ### Human: And why?", add_special_tokens=False).input_ids
    size = model._model.config.vocab_size
    width = len(model.encoder.prompt(PROMPTS[0]))

    def forward(input_ids: Any, past_key_values: Any, position_ids: Any, **_: Any) -> Any:
        done = past_key_values.get_seq_length()
        logits = torch.zeros(len(input_ids), 1, size)
        logits[:, 0, turn[min(done + input_ids.shape[1] - width, len(turn) - 1)]] = 50.0
        past_key_values.update(
            torch.zeros(1, 1, input_ids.shape[1], 1), torch.zeros(1, 1, input_ids.shape[1], 1), 0
        )
        return CausalLMOutputWithPast(logits=logits, past_key_values=past_key_values)

    monkeypatch.setattr(model._model, "forward", forward)
    (answer,) = model.answer(PROMPTS[:1], settings(0, 1, new=60), seed=1)
    assert (answer.text, answer.next_turn, answer.ended) == ("Blue.", True, False)
    assert answer.tokens < len(turn)


def test_a_penalty_makes_answers_repeat_less(tiny_model: Path) -> None:
    model = load(tiny_model)
    plain, penalised = (
        model.answer(PROMPTS[:1], settings(0, 1, 40, repetition_penalty=penalty), seed=1)[0].text
        for penalty in (1.0, 5.0)
    )
    assert len(set(penalised)) / len(penalised) > len(set(plain)) / len(plain)


def test_of_one_token_to_sample_from_an_answer_is_greedy(tiny_model: Path) -> None:
    model = load(tiny_model)
    greedy = model.answer(PROMPTS, settings(0, 3), seed=1)
    assert model.answer(PROMPTS, settings(2.0, 3, top_k=1), seed=5) == greedy
    assert model.answer(PROMPTS, settings(2.0, 3, top_k=0), seed=5) != greedy


def test_a_model_that_always_ends_says_so(tiny_model: Path) -> None:
    model = load(tiny_model)
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
        load(tmp_path)


def test_a_killed_run_loses_one_batch(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in its second batch, it goes on from there, and says what a whole run says."""
    model = load(tiny_model)
    whole = model.answer(PROMPTS, settings(1.0, 1), seed=1)
    generate, calls = model._generate, []

    def killed_at_second(*arguments: Any) -> list[Answer]:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return generate(*arguments)

    with ContentCache(tmp_path / "a.sqlite") as cache:
        monkeypatch.setattr(model, "_generate", killed_at_second)
        monkeypatch.setattr(model, "_kept", KeptAnswers(cache, "m"))
        with pytest.raises(KeyboardInterrupt):
            model.answer(PROMPTS, settings(1.0, 1), 1)
        assert model.answer(PROMPTS, settings(1.0, 1), 1) == whole
        assert len(calls) == 4
        model.answer(PROMPTS, settings(1.0, 1), 2)
        monkeypatch.setattr(model, "_kept", KeptAnswers(cache, "another model"))
        model.answer(PROMPTS, settings(1.0, 1), 1)
        assert len(calls) == 10


def test_a_base_s_own_settings_do_not_leak_in(tiny_model: Path, tmp_path: Path) -> None:
    """A penalty and a length in generation_config.json change nothing of what is said."""
    own = tmp_path / "own"
    shutil.copytree(tiny_model, own)
    config = {
        "repetition_penalty": 9.0,
        "top_k": 1,
        "temperature": 0.1,
        "max_length": 3,
        "do_sample": True,
    }
    (own / "generation_config.json").write_text(json.dumps(config))
    for how in (settings(0, 3), settings(1.0, 3)):
        assert load(own).answer(PROMPTS, how, 1) == load(tiny_model).answer(PROMPTS, how, 1)


def test_an_answer_ends_at_any_end_of_the_model(tiny_model: Path, tmp_path: Path) -> None:
    """Instruct models end their turns by another token than their tokenizer's."""
    own = tmp_path / "own"
    shutil.copytree(tiny_model, own)
    turn_end = load(tiny_model)._tokenizer("x", add_special_tokens=False).input_ids[0]
    (own / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, turn_end]}))
    model = load(own)
    assert model.encoder.ends == [2, turn_end]
    with torch.no_grad():
        bias = torch.zeros(model._model.config.vocab_size)
        bias[turn_end] = 50.0
        model._model.lm_head.bias = torch.nn.Parameter(bias)
    (answer,) = model.answer(PROMPTS[:1], settings(1.0, 1), seed=1)
    assert (answer.text, answer.tokens, answer.ended) == ("", 1, True)


def test_a_conversation_is_its_turns(tiny_model: Path) -> None:
    model = load(tiny_model)
    ids = model.encoder.turns(["Why?", "So.", "How?"])
    said = model._tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    assert said == "### Human: Why? ### Assistant: So.</s> ### Human: How? ### Assistant:"
    assert model.reply(["Why?"], settings(0, 1), 1) == model.answer(PROMPTS[:1], settings(0, 1), 1)[0]
