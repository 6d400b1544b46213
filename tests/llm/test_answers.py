from pathlib import Path

import pytest

from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.llm.answers import RemoteAnswerer
from s2.models.generation import Answer
from s2.models.prompts import format_prompt
from tests.llm.test_client import client, server
from tests.models.test_generation import settings

PROMPTS = [format_prompt("why?"), format_prompt("how?")]


def test_a_model_at_an_endpoint_answers_as_a_local_one_does(tmp_path: Path) -> None:
    caches = ContentCache(tmp_path / "c.sqlite"), ContentCache(tmp_path / "u.sqlite")
    with server(200) as (url, seen), caches[0] as cache, caches[1] as usage:
        model = RemoteAnswerer(client(url, "m", cache, usage=usage), 2)
        found = model.answer(PROMPTS, settings(0.6, 1), seed=17)
        assert found == [Answer("WHY?", 2, True, False), Answer("HOW?", 2, True, False)]
        assert model.answer(PROMPTS, settings(0.6, 1), seed=17) == found and len(seen) == 2
        model.answer(PROMPTS, settings(0.6, 1), seed=18)
        assert len(seen) == 4
        model.reply(["a", "b", "c"], settings(0.6, 1), seed=17)
    first = next(one for one in seen if one["messages"][0]["content"] == "why?")
    assert first["messages"] == [{"role": "user", "content": "why?"}]
    assert (first["temperature"], first["top_p"], first["max_tokens"], first["seed"]) == (0.6, 1.0, 8, 17)
    assert [message["role"] for message in seen[-1]["messages"]] == ["user", "assistant", "user"]


def test_an_answer_that_was_cut_has_not_ended(tmp_path: Path) -> None:
    caches = ContentCache(tmp_path / "c.sqlite"), ContentCache(tmp_path / "u.sqlite")
    with server(200, finish="length") as (url, _), caches[0] as cache, caches[1] as usage:
        (found,) = RemoteAnswerer(client(url, "m", cache, usage=usage), 1).answer(
            PROMPTS[:1], settings(0.6, 1), 1
        )
    assert not found.ended


def test_one_refusal_is_an_empty_answer_and_all_are_an_error(tmp_path: Path) -> None:
    with server(400, 200) as (url, _), ContentCache(tmp_path / "c.sqlite") as cache:
        found = RemoteAnswerer(client(url, "m", cache), 1).answer(PROMPTS, settings(0.6, 1), seed=1)
    assert [answer.text for answer in found] == ["", "HOW?"]
    with (
        server(400) as (url, _),
        ContentCache(tmp_path / "d.sqlite") as cache,
        pytest.raises(S2Error, match="all 2 prompts were refused, the first with: .*no such model"),
    ):
        RemoteAnswerer(client(url, "m", cache), 1).answer(PROMPTS, settings(0.6, 1), seed=1)
