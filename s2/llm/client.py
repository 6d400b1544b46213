"""Chat with any OpenAI-compatible endpoint, each reply cached by what was asked of whom."""

import os
import threading
from collections.abc import Callable
from typing import Any

import openai
from openai import OpenAI
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from s2.kernel.cache import ContentCache, content_key
from s2.kernel.errors import S2Error
from s2.params.machine import Machine

KEY_VARIABLE = "OPENAI_API_KEY"
LONGEST_WAIT_S = 60
_TRANSIENT = {408, 409, 429}
# What says that this one request is not answered: malformed, too large, not to be processed.
_REFUSING = (openai.BadRequestError, openai.UnprocessableEntityError)
_TOO_LARGE = 413


class Refused(Exception):
    """An endpoint's refusal of one request, in its words: a content filter, or a text that is too
    long. Another request may well be answered."""


class ChatClient:
    """Replies of one model at an endpoint, whose address is asked for when the first one is needed.

    `who` stands for the model in the cache's keys: two models never share a reply. Threads may share
    a client.
    """

    def __init__(
        self,
        endpoint: Callable[[], str],
        model: str,
        who: list[str],
        cache: ContentCache,
        machine: Machine,
    ) -> None:
        self._endpoint = endpoint
        self._model = model
        self._who = who
        self._cache = cache
        self._machine = machine
        self._lock = threading.Lock()
        self._opened: OpenAI | None = None

    def _open(self) -> OpenAI:
        with self._lock:
            if self._opened is None:
                self._opened = OpenAI(
                    base_url=self._endpoint(),
                    api_key=os.environ.get(KEY_VARIABLE, "none"),
                    timeout=self._machine.timeout_s,
                    max_retries=0,  # its own waits end at 8 seconds
                )
            return self._opened

    def reply(self, request: dict[str, Any]) -> str:
        """The model's reply to the body of a chat request.

        Rate limits, server errors and broken connections are tried again `machine.retries` times,
        after growing random waits of up to a minute. Raises `Refused` if the endpoint answers others
        but not this one, `S2Error` that names the endpoint if no reply can be had.
        """
        key = content_key("reply", self._who, request)
        known = self._cache.get([key])
        if key in known:
            return known[key]
        reply = self._ask(request)
        self._cache.put({key: reply})
        return reply

    def _ask(self, request: dict[str, Any]) -> str:
        client = self._open()
        where = f"endpoint {client.base_url}".rstrip("/")
        again = Retrying(
            retry=retry_if_exception(_may_pass),
            wait=wait_random_exponential(min=1, max=LONGEST_WAIT_S),
            stop=stop_after_attempt(1 + self._machine.retries),
            reraise=True,
        )
        try:
            completion = again(client.chat.completions.create, model=self._model, **request)
        except openai.AuthenticationError:
            raise S2Error(f"{where} refused the key: set {KEY_VARIABLE}") from None
        except openai.APIConnectionError as error:
            raise S2Error(
                f"{where} cannot be reached ({error}); replies so far are cached, "
                "so run again once it answers"
            ) from None
        except openai.APIStatusError as error:
            told = f"{where}, model {self._model}: {error.message}"
            if isinstance(error, _REFUSING) or error.status_code == _TOO_LARGE:
                raise Refused(told) from None
            raise S2Error(told) from None
        if not completion.choices:
            raise S2Error(f"{where}, model {self._model}: a reply without choices")
        choice = completion.choices[0]
        if choice.message.refusal:
            raise Refused(f"{where}, model {self._model}: {choice.message.refusal}")
        if choice.finish_reason == "content_filter":
            raise Refused(f"{where}, model {self._model}: stopped by its content filter")
        return choice.message.content or ""


def _may_pass(error: BaseException) -> bool:
    """Whether the same request may be answered later."""
    if isinstance(error, openai.APIStatusError):
        return error.status_code in _TRANSIENT or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError)


def request(system: str, prompt: str, max_tokens: int) -> dict[str, Any]:
    """The body of a chat request, deterministic (temperature 0)."""
    return {
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
        "temperature": 0,
    }
