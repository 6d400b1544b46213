"""What a model is judged on, asked of a judge: MT(S)-bench, its validation answers, and those beside
another model's."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from s2.evaluate.judge import LONGEST, SYSTEM, Question, compared, conversation, pairwise, rated, single
from s2.evaluate.rating import rating
from s2.evaluate.truth import Claim, is_informative, is_true, truthful
from s2.llm.client import ChatClient, Refused, request
from s2.models.prompts import question_in
from s2.params.evaluate import Price

Row = dict[str, Any]


@dataclass(frozen=True)
class JudgePrompt:
    """A prompt for a judge: of what `kind`, and of which example."""

    kind: str
    id: str
    prompt: str


def prompts(
    questions: Sequence[Question],
    talks: Sequence[Sequence[str]],
    rows: Sequence[Row],
    others: Sequence[Row],
    claims: Sequence[tuple[Claim, str]],
) -> list[JudgePrompt]:
    """All that a judge is asked of a model: `talks` are its answers to both turns of the questions
    (question, answer, question, answer), `rows` its validation answers, `others` another model's to the
    same examples, or none, and `claims` its answers to questions of truth."""
    found = []
    for number, (question, said) in enumerate(zip(questions, talks, strict=True), start=1):
        name = f"{question.category}-{number}"
        found.append(JudgePrompt("first", name, single(said[0], said[1])))
        found.append(JudgePrompt("second", name, conversation(said)))
    told = {row["id"]: row for row in others}
    for row in rows:
        asked = question_in(row["prompt"])
        found.append(JudgePrompt("validation", row["id"], single(asked, row["answer"], row["reference"])))
        if other := told.get(row["id"]):
            found.append(JudgePrompt("forth", row["id"], pairwise(asked, row["answer"], other["answer"])))
            found.append(JudgePrompt("back", row["id"], pairwise(asked, other["answer"], row["answer"])))
    for number, (claim, answer) in enumerate(claims, start=1):
        found.append(JudgePrompt("true", str(number), is_true(claim, answer)))
        found.append(JudgePrompt("informative", str(number), is_informative(claim, answer)))
    return found


def replies(client: ChatClient, asked: Sequence[JudgePrompt], workers: int) -> list[str]:
    """The judge's reply to each prompt, in their order; an empty one where it refuses."""

    def reply(one: JudgePrompt) -> str:
        try:
            return client.reply(
                _request(one), lambda text: one.kind in CHOOSING or rating(text) is not None
            )
        except Refused:
            return ""

    pool = ThreadPoolExecutor(workers)
    try:
        return list(
            tqdm(pool.map(reply, asked), total=len(asked), desc="judge", unit=" replies", disable=None)
        )
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


CHOOSING = ("forth", "back", "true", "informative")  # whose replies end with no rating


def _request(one: JudgePrompt) -> dict[str, Any]:
    return request(SYSTEM, one.prompt, LONGEST)


def verdicts(asked: Sequence[JudgePrompt], told: Sequence[str]) -> dict[str, Any]:
    """Flat metrics of a judge's replies: `mts.first`, `mts.second`, `mts.<category>` (both turns),
    `validation`, `against.*`, and `truthful.*`."""
    by_kind: dict[str, list[str]] = {}
    by_category: dict[str, list[str]] = {}
    for one, reply in zip(asked, told, strict=True):
        by_kind.setdefault(one.kind, []).append(reply)
        if one.kind in ("first", "second"):
            by_category.setdefault(one.id.rpartition("-")[0], []).append(reply)
    found: dict[str, Any] = {}
    for kind, name in (("first", "mts.first"), ("second", "mts.second"), ("validation", "validation")):
        found |= rated(name, by_kind.get(kind, []))
    for category, mine in by_category.items():
        found |= rated(f"mts.{category}", mine)
    pairs = compared(by_kind.get("forth", []), by_kind.get("back", []))
    found |= {f"against.{name}": value for name, value in pairs.items()}
    truths = zip(by_kind.get("true", []), by_kind.get("informative", []), strict=True)
    return found | {f"truthful.{name}": value for name, value in truthful(list(truths)).items()}


def cost(client: ChatClient, asked: Sequence[JudgePrompt], price: Price) -> dict[str, float]:
    """The tokens of all requests and replies, those that were kept too, and what they cost."""
    used = [client.usage(_request(one)) for one in asked]
    prompt, completion = sum(one.prompt for one in used), sum(one.completion for one in used)
    total = (prompt * price.prompt + completion * price.completion) / 1e6
    return {"prompt_tokens": prompt, "completion_tokens": completion, "cost": round(total, 4)}


def logged(judge: str, asked: Sequence[JudgePrompt], told: Sequence[str]) -> Iterator[Row]:
    """A row a reply, for `data/judge`."""
    for one, reply in zip(asked, told, strict=True):
        yield {"judge": judge, "kind": one.kind, "id": one.id, "reply": reply, "rating": rating(reply)}
