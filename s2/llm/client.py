"""Chat with any OpenAI-compatible endpoint, each reply cached by what was asked of whom.

`openai` is imported when somebody is asked: that takes a second or more, and most models are asked in
place.
"""

import json
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, NamedTuple

import httpx2
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from s2.kernel.cache import ContentCache, content_key
from s2.kernel.errors import S2Error
from s2.params.machine import Machine

KEY_VARIABLE = "OPENAI_API_KEY"
LONGEST_WAIT_S = 60
LONGEST_REPLY = 2**20  # bytes
SHOWN = 200  # characters of a reply that an error shows
_TRANSIENT = {408, 409, 429}
_USER = re.compile(r"//[^/@]*@")  # name and password in an address
# What says that this one request is not answered: malformed, too large, not to be processed.
_REFUSING = {400, 413, 422}


class Usage(NamedTuple):
    """Tokens of a request and of its reply, as the endpoint counts them, and why the reply ended
    (`stop`, `length`)."""

    prompt: int
    completion: int
    finish: str = ""


class NoCompletion(Exception):
    """What came under status 200 is no chat completion, in words."""


@dataclass(frozen=True)
class Kept:
    """Caches: of replies that were of use, of those that were not, and, where that is wanted, of what the
    replies took."""

    of_use: ContentCache
    apart: ContentCache
    usage: ContentCache | None = None


class Refused(Exception):
    """An endpoint's refusal of one request, in its words: a content filter, or a text that is too
    long. Another request may well be answered."""


class ChatClient:
    """Replies of one model at an endpoint, whose address is asked for when the first one is needed.

    `who` stands for the model in the caches' keys: two models never share a reply. Threads may share
    a client. Replies that were of use are kept in one cache, the others `apart` in another, so that
    these alone can be forgotten and asked for again.
    """

    def __init__(
        self,
        endpoint: Callable[[], str],
        model: str,
        who: list[str],
        kept: Kept,
        machine: Machine,
    ) -> None:
        self._endpoint = endpoint
        self._model = model
        self._who = who
        self._kept = kept
        self._machine = machine
        self._lock = threading.Lock()
        self._opened: Any = None

    def _open(self) -> Any:
        from openai import OpenAI

        with self._lock:
            if self._opened is None:
                self._opened = OpenAI(
                    base_url=self._endpoint(),
                    api_key=api_key(),
                    timeout=self._machine.timeout_s,
                    max_retries=0,  # its own waits end at 8 seconds
                )
            return self._opened

    def reply(self, request: dict[str, Any], is_of_use: Callable[[str], bool]) -> str:
        """The model's reply to the body of a chat request.

        Rate limits, server errors, broken connections and replies that are no chat completion are tried
        again `machine.retries` times, after growing random waits of up to a minute. Raises `Refused`
        if the endpoint answers others but not this one, `S2Error` that names the endpoint if no reply
        can be had.
        """
        key = content_key("reply", self._who, request)
        for cache in (self._kept.of_use, self._kept.apart):
            known = cache.get([key]).get(key)
            if isinstance(known, str):
                return known
        reply, usage = self._ask(request)
        if self._kept.usage is not None:
            self._kept.usage.put({key: usage})
        (self._kept.of_use if is_of_use(reply) else self._kept.apart).put({key: reply})
        return reply

    def usage(self, request: dict[str, Any]) -> Usage:
        """What the endpoint said that its reply to a request took, whenever that was; nothing of one that
        it did not say, or that was not asked."""
        key = content_key("reply", self._who, request)
        known = {} if self._kept.usage is None else self._kept.usage.get([key])
        return Usage(*known[key]) if key in known else Usage(0, 0)

    def _ask(self, request: dict[str, Any]) -> tuple[str, Usage]:
        import openai

        client = self._open()
        address = _USER.sub("//", str(client.base_url)).rstrip("/")
        where = f"endpoint {address}, model {self._model}"
        again = Retrying(
            retry=retry_if_exception(_may_pass),
            wait=wait_random_exponential(min=1, max=LONGEST_WAIT_S),
            stop=stop_after_attempt(1 + self._machine.retries),
            reraise=True,
        )
        try:
            return again(self._completion, client, request)
        except Refused as refusal:
            raise Refused(_without_key(f"{where}: {refusal}")) from None
        except NoCompletion as error:
            raise S2Error(_without_key(f"{where}: its reply is no chat completion: {error}")) from None
        except openai.AuthenticationError:
            raise S2Error(f"{where}: it refused the key: set {KEY_VARIABLE}") from None
        except openai.APIConnectionError as error:
            raise S2Error(
                f"{where} cannot be reached ({_without_key(str(error))}); replies so far are "
                "cached, so run again once it answers"
            ) from None
        except openai.APIStatusError as error:
            told = _without_key(f"{where}: {shorten(error.message, SHOWN)}")
            if error.status_code in _REFUSING:
                raise Refused(told) from None
            raise S2Error(told) from None

    def _completion(self, client: Any, request: dict[str, Any]) -> tuple[str, Usage]:
        """The text of one reply and what it took; no more than `LONGEST_REPLY` bytes are read."""
        body = bytearray()
        create = client.chat.completions.with_streaming_response.create
        try:
            with create(model=self._model, **request) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > LONGEST_REPLY:
                        raise NoCompletion(f"more than {LONGEST_REPLY:,} bytes")
        except httpx2.HTTPError as error:  # of a connection that broke in the middle of the body
            raise NoCompletion(f"{type(error).__name__} {error}".strip()) from None
        return read_completion(bytes(body)), read_usage(bytes(body))


def read_usage(body: bytes) -> Usage:
    """The tokens that a chat completion took, and why it ended; nothing of what it does not say."""
    content = json.loads(body)
    usage = content.get("usage")
    told = usage if isinstance(usage, dict) else {}
    counts = [told.get(f"{part}_tokens") for part in ("prompt", "completion")]
    prompt, completion = (count if isinstance(count, int) else 0 for count in counts)
    return Usage(prompt, completion, str(content["choices"][0].get("finish_reason") or ""))


def read_completion(body: bytes) -> str:
    """The text of a chat completion (https://platform.openai.com/docs/api-reference/chat/object).

    Raises `Refused` for one that refuses, `NoCompletion` for what is none.
    """
    start = shorten(body[:SHOWN].decode("utf-8", "replace"), SHOWN)
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise NoCompletion(f"not JSON, it begins {start!r}") from None
    if isinstance(content, dict) and content.get("error"):
        raise NoCompletion(f"an error under status 200: {shorten(str(content['error']), SHOWN)}")
    try:
        choice = content["choices"][0]
        message = choice["message"]
        refusal, text = message.get("refusal"), message.get("content")
        finish = choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise NoCompletion(f"there is no choices[0].message in {start!r}") from None
    if refusal:
        raise Refused(shorten(str(refusal), SHOWN))
    if finish == "content_filter":
        raise Refused("stopped by its content filter")
    if text is not None and not isinstance(text, str):
        raise NoCompletion(f"its content is no text but {shorten(str(text), SHOWN)!r}")
    return (text or "").encode("utf-8", "replace").decode()


def api_key() -> str:
    """The key for endpoints; raises `S2Error` for one that cannot be sent."""
    key = os.environ.get(KEY_VARIABLE, "none")
    if not key or not key.isascii() or not key.isprintable() or key != key.strip():
        what = "is empty" if not key.strip() else "holds white space or signs that no key has"
        raise S2Error(f"{KEY_VARIABLE} {what}: set it to the endpoint's key, or unset it")
    return key


def _without_key(text: str) -> str:
    """A message as it may be shown: endpoints may echo the key."""
    key = os.environ.get(KEY_VARIABLE, "")
    return text.replace(key, "…") if key else text


def _may_pass(error: BaseException) -> bool:
    """Whether the same request may be answered later."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return error.status_code in _TRANSIENT or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError | NoCompletion)


def request(system: str, prompt: str, max_tokens: int) -> dict[str, Any]:
    """The body of a chat request, deterministic (temperature 0)."""
    return {
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
        "temperature": 0,
    }
