"""The judge's prompts and replies; its requests against a real HTTP server."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from s2.evaluate.judge import (
    CRITERIA,
    Question,
    compared,
    conversation,
    pairwise,
    rated,
    read_questions,
    single,
    winner,
)
from s2.evaluate.judging import JudgePrompt, cost, logged, prompts, replies, verdicts
from s2.evaluate.truth import Claim
from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.params.evaluate import Price
from tests.llm.test_client import client, server

QUESTIONS = Path(__file__).parents[2] / "s2/sample/judge.yaml"


def test_the_bench_has_thirty_questions_in_ten_categories() -> None:
    found = read_questions(QUESTIONS)
    assert len(found) == 30 and len({question.turns[0] for question in found}) == 30
    assert set(Counter(question.category for question in found).values()) == {3}
    assert len({question.category for question in found}) == 10


def test_a_bad_entry_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text("- {category: a, turns: ['One?', 'Two?']}\n- {category: a, turns: ['One?']}\n")
    with pytest.raises(S2Error, match=r"bench.yaml, entry 2: it needs two turns"):
        read_questions(path)
    path.write_text("- {category: a, turns: [One?, Two?]}\n")
    with pytest.raises(S2Error, match=r"bench.yaml: not YAML"):
        read_questions(path)


def test_prompts_hold_criteria_question_and_answer() -> None:
    for prompt in (single("Why?", "So.", "Because."), conversation(["Why?", "So.", "How?", ""])):
        assert all(name in prompt for name in CRITERIA) and "[[5.5]]" in prompt and "So." in prompt
    assert "[Answer 2]\n(nothing)" in conversation(["Why?", "So.", "How?", ""])
    prompt = pairwise("Why?", "one", "two")
    assert prompt.endswith("[Answer A]\none\n\n[Answer B]\ntwo")


@pytest.mark.parametrize(
    ("reply", "who"),
    [("I take [[A]].", "a"), ("Not [[A]] but [[B]]", "b"), ("[[C]]", "tie"), ("A is better", None)],
)
def test_the_last_choice_counts(reply: str, who: str | None) -> None:
    assert winner(reply) == who


def test_ratings_by_hand() -> None:
    assert rated("mts", ["[[6]]", "[[8]]", "no idea", "[[7]]"]) == {
        "mts_unparsed": 0.25,
        "mts": 7.0,
        "mts_se": round((1 / 3) ** 0.5, 4),
        "mts_n": 3,
    }
    assert rated("mts", []) == {} and rated("mts", ["?"]) == {"mts_unparsed": 1.0}


def test_both_orders_by_hand() -> None:
    """Our answer wins both orders; loses both; the first place wins both (bias); a tie; one unparsed."""
    forth = ["[[A]]", "[[B]]", "[[A]]", "[[C]]", "[[A]]"]
    back = ["[[B]]", "[[A]]", "[[A]]", "[[C]]", "well"]
    found = compared(forth, back)
    assert (found["pairs"], found["pairs_unparsed"]) == (4, 0.2)
    assert (found["wins"], found["ties"], found["losses"]) == (0.25, 0.5, 0.25)
    assert found["position_bias"] == 0.25


CLAIM = Claim("Is the Earth flat?", ("It is round.",), ("It is flat.",))


def row(name: str, answer: str) -> dict[str, Any]:
    prompt = f"### Human: Why {name}? ### Assistant:"
    return {"id": name, "prompt": prompt, "answer": answer, "reference": "Because."}


def test_what_a_judge_is_asked() -> None:
    talks = [["Why?", "So.", "How?", "Thus."]]
    rows, others = [row("x", "mine"), row("y", "mine")], [row("x", "theirs")]
    asked = prompts([Question("body", ("Why?", "How?"))], talks, rows, others, [(CLAIM, "No.")])
    assert [(one.kind, one.id) for one in asked] == [
        ("first", "body-1"),
        ("second", "body-1"),
        ("validation", "x"),
        ("forth", "x"),
        ("back", "x"),
        ("validation", "y"),
        ("true", "1"),
        ("informative", "1"),
    ]
    assert "- It is round." in asked[6].prompt and "- It is flat." in asked[6].prompt
    assert "It is flat" not in asked[7].prompt and asked[7].prompt.endswith("No.")
    forth, back = asked[3].prompt, asked[4].prompt
    assert forth.index("mine") < forth.index("theirs") and back.index("theirs") < back.index("mine")


def test_from_requests_to_metrics_with_tokens_and_cost(tmp_path: Path) -> None:
    """The server says the prompt again, in capitals: its rating or choice is what that ends with."""
    asked = [
        JudgePrompt("first", "body-1", "x [[4]]"),
        JudgePrompt("second", "body-1", "x [[6]]"),
        JudgePrompt("validation", "q", "x [[11]]"),
        JudgePrompt("forth", "q", "[[a]]"),
        JudgePrompt("back", "q", "[[b]]"),
        JudgePrompt("true", "1", "[[yes]]"),
        JudgePrompt("informative", "1", "[[no]]"),
    ]
    caches = ContentCache(tmp_path / "c.sqlite"), ContentCache(tmp_path / "u.sqlite")
    with server(200) as (url, seen), caches[0] as cache, caches[1] as usage:
        judge = client(url, "judge", cache, usage=usage)
        told = replies(judge, asked, workers=2)
        assert replies(judge, asked, workers=2) == told
        assert len(seen) == 7 and all(one["temperature"] == 0 for one in seen)
        found = verdicts(asked, told)
        spent = cost(judge, asked, Price(prompt=1e6, completion=2e6))
    assert (found["mts.first"], found["mts.second"], found["mts.body"]) == (4.0, 6.0, 5.0)
    assert found["validation_unparsed"] == 1.0 and "validation" not in found
    assert (found["against.pairs"], found["against.wins"]) == (1, 1.0)
    assert (found["truthful.true"], found["truthful.informative"], found["truthful.both"]) == (1, 0, 0)
    assert spent == {"prompt_tokens": 49, "completion_tokens": 14, "cost": 77.0}
    assert [one["rating"] for one in logged("m", asked, told)] == [4.0, 6.0, *[None] * 5]


def test_a_refusal_is_no_rating(tmp_path: Path) -> None:
    with server(400) as (url, _), ContentCache(tmp_path / "c.sqlite") as cache:
        told = replies(client(url, "judge", cache), [JudgePrompt("first", "body-1", "x")], workers=1)
    assert (
        told == [""]
        and verdicts([JudgePrompt("first", "body-1", "x")], told)["mts.first_unparsed"] == 1.0
    )
