"""A model's answers, where it lies at an endpoint: as `s2.models.generation` has those of a local one."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tqdm import tqdm

from s2.kernel.errors import S2Error
from s2.llm.client import ChatClient, Refused
from s2.models.generation import Answer
from s2.models.prompts import question_in
from s2.params.evaluate import Answers

ROLES = ("user", "assistant")


class RemoteAnswerer:
    """A chat model at an endpoint, ready to answer; its client keeps what it has answered."""

    def __init__(self, client: ChatClient, workers: int) -> None:
        self._client, self._workers = client, workers

    def answer(self, prompts: Sequence[str], settings: Answers, seed: int) -> list[Answer]:
        """Answers in the order of the prompts, an empty one where the endpoint refuses. Raises `S2Error`
        if it refuses all, which no prompt is to blame for."""
        refusals: list[str] = []

        def one(prompt: str) -> Answer:
            return self._ask([question_in(prompt)], settings, seed, refusals)

        pool = ThreadPoolExecutor(self._workers)
        try:
            told = pool.map(one, prompts)
            found = list(tqdm(told, total=len(prompts), desc="answers", unit=" prompts", disable=None))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if prompts and len(refusals) == len(prompts):
            raise S2Error(f"all {len(prompts):,} prompts were refused, the first with: {refusals[0]}")
        return found

    def reply(self, said: Sequence[str], settings: Answers, seed: int) -> Answer:
        """The answer to the last turn of a conversation (question, answer, question …)."""
        return self._ask(said, settings, seed, [])

    def _ask(self, said: Sequence[str], settings: Answers, seed: int, refusals: list[str]) -> Answer:
        body = request(said, settings, seed)
        try:
            text = self._client.reply(body, bool)
        except Refused as refusal:
            refusals.append(str(refusal))
            return Answer("", 0, ended=True, next_turn=False)
        usage = self._client.usage(body)
        return Answer(text.strip(), usage.completion, usage.finish != "length", next_turn=False)


def request(said: Sequence[str], settings: Answers, seed: int) -> dict[str, Any]:
    """The body of a chat request. The interface knows neither `top_k` nor a repetition penalty."""
    return {
        "messages": [{"role": ROLES[number % 2], "content": text} for number, text in enumerate(said)],
        "max_tokens": settings.max_new_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "seed": seed,
    }
