"""A client against real HTTP servers: one that speaks the protocol, one that refuses, and none."""

import json
import random
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.llm.client import ChatClient, Kept, Refused, request
from s2.params.machine import Machine

WHY = request("Be brief.", "why?", 24)


def client(
    url: str, who: str, cache: ContentCache, retries: int = 0, usage: ContentCache | None = None
) -> ChatClient:
    machine = Machine(
        workers=1, memory=1, requests=1, timeout_s=5, retries=retries, checkpoint_every=0.5, processes=1
    )
    return ChatClient(lambda: url, "m", [who], Kept(cache, cache, usage), machine)


def of_use(reply: str) -> bool:
    return True


@contextmanager
def server(
    *statuses: int, finish: str = "stop", body: bytes | None = None
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that answers every chat with the last message in capitals, or with an error: by the
    statuses in turn, the last of them for ever; or with a body of its own."""
    seen: list[dict[str, Any]] = []
    turns = iter(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append(asked | {"path": self.path, "key": self.headers["Authorization"]})
            text = asked["messages"][-1]["content"].upper()
            status = next(turns, statuses[-1])
            message = {"role": "assistant", "content": text}
            good: dict[str, Any] = {
                "choices": [{"index": 0, "message": message, "finish_reason": finish}],
                "usage": {"prompt_tokens": 7, "completion_tokens": 2},
            }
            bad = {"error": {"message": f"no such model {self.headers['Authorization']}"}}
            reply = json.dumps(good if status == 200 else bad)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(reply.encode() if body is None else body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/v1", seen
    finally:
        http.shutdown()
        http.server_close()


def test_replies_are_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with server(200) as (url, seen), ContentCache(tmp_path / "c.sqlite") as cache:
        one = client(url, "one", cache)
        assert one.reply(WHY, of_use) == "WHY?" == one.reply(WHY, of_use)
        assert len(seen) == 1
        assert client(url, "two", cache).reply(WHY, of_use) == "WHY?"
        assert len(seen) == 2
    asked = seen[0]
    assert (asked["path"], asked["key"], asked["model"]) == ("/v1/chat/completions", "Bearer secret", "m")
    assert asked["temperature"] == 0 and asked["max_tokens"] == 24
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert b"secret" not in (tmp_path / "c.sqlite").read_bytes()


def test_what_a_reply_took_is_known_later(tmp_path: Path) -> None:
    caches = ContentCache(tmp_path / "c.sqlite"), ContentCache(tmp_path / "u.sqlite")
    with server(200) as (url, _), caches[0] as cache, caches[1] as usage:
        client(url, "one", cache, usage=usage).reply(WHY, of_use)
        assert client(url, "one", cache, usage=usage).usage(WHY) == (7, 2, "stop")
        assert client(url, "two", cache, usage=usage).usage(WHY) == (0, 0, "")
        assert client(url, "one", cache).usage(WHY) == (0, 0, "")


@pytest.mark.parametrize("said", [b"", b', "usage": null', b', "usage": {"prompt_tokens": "7"}'])
def test_an_endpoint_need_not_say_what_a_reply_took(tmp_path: Path, said: bytes) -> None:
    body = b'{"choices": [{"message": {"content": "So."}}]' + said + b"}"
    caches = ContentCache(tmp_path / "c.sqlite"), ContentCache(tmp_path / "u.sqlite")
    with server(200, body=body) as (url, _), caches[0] as cache, caches[1] as usage:
        assert client(url, "one", cache, usage=usage).reply(WHY, of_use) == "So."
        assert client(url, "one", cache, usage=usage).usage(WHY) == (0, 0, "")


def test_an_unreachable_endpoint_is_named(tmp_path: Path) -> None:
    with (
        ContentCache(tmp_path / "c.sqlite") as cache,
        pytest.raises(S2Error, match="endpoint http://127.0.0.1:9/v1, model m cannot be reached"),
    ):
        client("http://127.0.0.1:9/v1", "id", cache).reply(WHY, of_use)


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "refused the key: set OPENAI_API_KEY"), (404, "model m: .*no such model")],
)
def test_a_refusal_is_told(tmp_path: Path, status: int, message: str) -> None:
    with server(status) as (url, _), ContentCache(tmp_path / "c.sqlite") as cache:
        with pytest.raises(S2Error, match=message):
            client(url, "id", cache).reply(WHY, of_use)
        assert cache._db.execute("SELECT count(*) FROM cache").fetchone() == (0,)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_one_refused_request_is_no_end(tmp_path: Path, status: int) -> None:
    with server(status, 200) as (url, seen), ContentCache(tmp_path / "c.sqlite") as cache:
        one = client(url, "id", cache, retries=3)
        with pytest.raises(Refused, match="model m: .*no such model"):
            one.reply(WHY, of_use)
        assert one.reply(WHY, of_use) == "WHY?" and len(seen) == 2


def test_a_content_filter_refuses(tmp_path: Path) -> None:
    with (
        server(200, finish="content_filter") as (url, _),
        ContentCache(tmp_path / "c.sqlite") as cache,
        pytest.raises(Refused, match="content filter"),
    ):
        client(url, "id", cache).reply(WHY, of_use)


def test_busy_endpoints_are_asked_again_after_growing_random_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    random.seed(8)
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    busy = [429, 500, 503, 408, 502, 409, 429, 429]
    with server(*busy, 200) as (url, seen), ContentCache(tmp_path / "c.sqlite") as cache:
        assert client(url, "id", cache, retries=8).reply(WHY, of_use) == "WHY?"
        assert len(seen) == 9 and len(waits) == 8
    assert all(1 <= wait <= 60 for wait in waits) and len(set(waits)) > 1
    assert waits[0] < 2.1 and max(waits[5:]) > 4
    with (
        server(429) as (url, seen),
        ContentCache(tmp_path / "d.sqlite") as cache,
        pytest.raises(S2Error, match="model m: .*no such model"),
    ):
        client(url, "id", cache, retries=2).reply(WHY, of_use)
    assert len(seen) == 3


def test_the_endpoint_is_not_needed_for_what_is_known(tmp_path: Path) -> None:
    with server(200) as (url, _), ContentCache(tmp_path / "c.sqlite") as cache:
        client(url, "one", cache).reply(WHY, of_use)
        assert client("http://127.0.0.1:9/v1", "one", cache).reply(WHY, of_use) == "WHY?"
        with pytest.raises(S2Error):
            client("http://127.0.0.1:9/v1", "one", cache).reply(request("Be brief.", "why?", 25), of_use)


def completion(content: Any, **more: Any) -> bytes:
    message = {"role": "assistant", "content": content}
    return json.dumps({"choices": [{"index": 0, "message": message, **more}]}).encode()


NO_COMPLETIONS = {
    "html": (b"<html><body>Bad gateway</body></html>", "not JSON, it begins '<html>"),
    "text": (b"OK", "not JSON, it begins 'OK'"),
    "nothing": (b"", "not JSON, it begins ''"),
    "half": (completion("What is it?")[:-9], "not JSON"),
    "deep": (b"[" * 100_000, "not JSON"),
    "a list": (b"[]", "there is no choices"),
    "null": (b"null", "there is no choices"),
    "no choices": (b'{"choices": []}', "there is no choices"),
    "null choices": (b'{"choices": null}', "there is no choices"),
    "no message": (b'{"choices": [{"text": "old"}]}', "there is no choices"),
    "null message": (b'{"choices": [{"message": null}]}', "there is no choices"),
    "error": (b'{"error": {"message": "overloaded"}}', "an error under status 200: .*overloaded"),
    "content as a list": (completion([{"type": "text", "text": "Why?"}]), "its content is no text"),
    "too long": (completion("x" * 10_000_000), "more than 1,048,576 bytes"),
}


@pytest.mark.parametrize("kind", NO_COMPLETIONS)
def test_what_is_no_completion_is_told_and_never_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    body, message = NO_COMPLETIONS[kind]
    with ContentCache(tmp_path / "c.sqlite") as cache:
        with server(200, body=body) as (url, seen):
            told = f"model m: its reply is no chat completion: {message}"
            with pytest.raises(S2Error, match=f"(?s){told}") as error:
                client(url, "id", cache, retries=2).reply(WHY, of_use)
            assert len(seen) == 3 and "\n" not in str(error.value) and len(str(error.value)) < 500
        assert len(cache) == 0
        with server(200) as (url, _):
            assert client(url, "id", cache).reply(WHY, of_use) == "WHY?"


@pytest.mark.parametrize("content", ["", None, "An animal.", "What is \ud800 it?"])
def test_replies_that_are_of_no_use_are_kept_apart(tmp_path: Path, content: str | None) -> None:
    with (
        ContentCache(tmp_path / "good.sqlite") as good,
        ContentCache(tmp_path / "apart.sqlite") as apart,
    ):
        machine = Machine(
            workers=1, memory=1, requests=1, timeout_s=5, retries=0, checkpoint_every=0.5, processes=1
        )
        with server(200, body=completion(content)) as (url, seen):
            one = ChatClient(lambda: url, "m", ["id"], Kept(good, apart), machine)
            said = one.reply(WHY, lambda reply: False)
            assert said == one.reply(WHY, lambda reply: False) and len(seen) == 1
        said.encode()  # no lone surrogate, which no file can hold
        assert (len(good), len(apart)) == (0, 1)
        apart.clear()
        with server(200) as (url, seen):
            other = ChatClient(lambda: url, "m", ["id"], Kept(good, apart), machine)
            assert other.reply(WHY, of_use) == "WHY?" and len(seen) == 1
        assert (len(good), len(apart)) == (1, 0)


def test_what_an_earlier_version_kept_that_is_no_text_is_asked_again(tmp_path: Path) -> None:
    with server(200) as (url, _), ContentCache(tmp_path / "c.sqlite") as cache:
        one = client(url, "id", cache)
        one.reply(WHY, of_use)
        (key,) = (row[0] for row in cache._db.execute("SELECT key FROM cache"))
        cache.put({key: [{"type": "text", "text": "no"}]})
        assert one.reply(WHY, of_use) == "WHY?"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "OPENAI_API_KEY is empty"),
        (" ", "OPENAI_API_KEY is empty"),
        ("secret\n", "OPENAI_API_KEY holds white space or signs that no key has"),
        ("s\u00e9cret", "OPENAI_API_KEY holds white space or signs that no key has"),
    ],
)
def test_a_key_that_cannot_be_sent_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, message: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with server(200) as (url, _), ContentCache(tmp_path / "c.sqlite") as cache:
        with pytest.raises(S2Error, match=message) as error:
            client(url, "id", cache).reply(WHY, of_use)
        assert "cret" not in str(error.value)


@pytest.mark.parametrize("status", [404, 400, 200])
def test_a_key_that_the_endpoint_echoes_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    body = b'{"error": {"message": "sk-secret is no key"}}' if status == 200 else None
    with (
        server(status, body=body) as (url, _),
        ContentCache(tmp_path / "c.sqlite") as cache,
        pytest.raises((S2Error, Refused)) as error,
    ):
        client(url, "id", cache).reply(WHY, of_use)
    assert "secret" not in "".join(traceback.format_exception(error.value))
