"""Chat with any OpenAI-compatible endpoint, each reply cached by what was asked of whom."""

import os
import threading
from collections.abc import Callable
from typing import Any

import openai
from openai import OpenAI

from s2.kernel.cache import ContentCache, content_key
from s2.kernel.errors import S2Error
from s2.params.machine import Machine

KEY_VARIABLE = "OPENAI_API_KEY"


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
                    max_retries=self._machine.retries,
                )
            return self._opened

    def reply(self, request: dict[str, Any]) -> str:
        """The model's reply to the body of a chat request; raises `S2Error` that names the endpoint
        if it cannot be had."""
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
        try:
            completion = client.chat.completions.create(model=self._model, **request)
        except openai.AuthenticationError:
            raise S2Error(f"{where} refused the key: set {KEY_VARIABLE}") from None
        except openai.APIConnectionError as error:
            raise S2Error(
                f"{where} cannot be reached ({error}); replies so far are cached, "
                "so run again once it answers"
            ) from None
        except openai.APIStatusError as error:
            raise S2Error(f"{where}, model {self._model}: {error.message}") from None
        return completion.choices[0].message.content or ""


def request(system: str, prompt: str, max_tokens: int) -> dict[str, Any]:
    """The body of a chat request, deterministic (temperature 0)."""
    return {
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
        "temperature": 0,
    }
