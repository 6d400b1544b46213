"""A client against real HTTP servers: one that speaks the protocol, one that refuses, and none."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.llm.client import ChatClient, Refused, request
from s2.params.machine import Machine

WHY = request("Be brief.", "why?", 24)


def client(url: str, who: str, cache: ContentCache, retries: int = 0) -> ChatClient:
    machine = Machine(workers=1, memory=1, requests=1, timeout_s=5, retries=retries, checkpoint_every=0.5)
    return ChatClient(lambda: url, "m", [who], cache, machine)


@contextmanager
def server(*statuses: int, finish: str = "stop") -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that answers every chat with the last message in capitals, or with an error: by the
    statuses in turn, the last of them for ever."""
    seen: list[dict[str, Any]] = []
    turns = iter(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append(body | {"path": self.path, "key": self.headers["Authorization"]})
            text = body["messages"][-1]["content"].upper()
            status = next(turns, statuses[-1])
            message = {"role": "assistant", "content": text}
            good = {"choices": [{"index": 0, "message": message, "finish_reason": finish}]}
            reply = json.dumps(good if status == 200 else {"error": {"message": "no such model"}})
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(reply.encode())

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/v1", seen
    finally:
        http.shutdown()
        http.server_close()


def test_replies_are_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with server(200) as (url, seen), ContentCache(tmp_path / "c.sqlite") as cache:
        one = client(url, "one", cache)
        assert one.reply(WHY) == "WHY?" == one.reply(WHY)
        assert len(seen) == 1
        assert client(url, "two", cache).reply(WHY) == "WHY?"
        assert len(seen) == 2
    asked = seen[0]
    assert (asked["path"], asked["key"], asked["model"]) == ("/v1/chat/completions", "Bearer secret", "m")
    assert asked["temperature"] == 0 and asked["max_tokens"] == 24
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert b"secret" not in (tmp_path / "c.sqlite").read_bytes()


def test_an_unreachable_endpoint_is_named(tmp_path: Path) -> None:
    with (
        ContentCache(tmp_path / "c.sqlite") as cache,
        pytest.raises(S2Error, match="endpoint http://127.0.0.1:9/v1 cannot be reached"),
    ):
        client("http://127.0.0.1:9/v1", "id", cache).reply(WHY)


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "refused the key: set OPENAI_API_KEY"), (404, "model m: .*no such model")],
)
def test_a_refusal_is_told(tmp_path: Path, status: int, message: str) -> None:
    with server(status) as (url, _), ContentCache(tmp_path / "c.sqlite") as cache:
        with pytest.raises(S2Error, match=message):
            client(url, "id", cache).reply(WHY)
        assert cache._db.execute("SELECT count(*) FROM cache").fetchone() == (0,)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_one_refused_request_is_no_end(tmp_path: Path, status: int) -> None:
    with server(status, 200) as (url, seen), ContentCache(tmp_path / "c.sqlite") as cache:
        one = client(url, "id", cache, retries=3)
        with pytest.raises(Refused, match="model m: .*no such model"):
            one.reply(WHY)
        assert one.reply(WHY) == "WHY?" and len(seen) == 2


def test_a_content_filter_refuses(tmp_path: Path) -> None:
    with (
        server(200, finish="content_filter") as (url, _),
        ContentCache(tmp_path / "c.sqlite") as cache,
        pytest.raises(Refused, match="content filter"),
    ):
        client(url, "id", cache).reply(WHY)


def test_busy_endpoints_are_asked_again_after_growing_random_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    random.seed(8)
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    busy = [429, 500, 503, 408, 502, 409, 429, 429]
    with server(*busy, 200) as (url, seen), ContentCache(tmp_path / "c.sqlite") as cache:
        assert client(url, "id", cache, retries=8).reply(WHY) == "WHY?"
        assert len(seen) == 9 and len(waits) == 8
    assert all(1 <= wait <= 60 for wait in waits) and len(set(waits)) > 1
    assert waits[0] < 2.1 and max(waits[5:]) > 4
    with (
        server(429) as (url, seen),
        ContentCache(tmp_path / "d.sqlite") as cache,
        pytest.raises(S2Error, match="model m: .*no such model"),
    ):
        client(url, "id", cache, retries=2).reply(WHY)
    assert len(seen) == 3


def test_the_endpoint_is_not_needed_for_what_is_known(tmp_path: Path) -> None:
    with server(200) as (url, _), ContentCache(tmp_path / "c.sqlite") as cache:
        client(url, "one", cache).reply(WHY)
        assert client("http://127.0.0.1:9/v1", "one", cache).reply(WHY) == "WHY?"
        with pytest.raises(S2Error):
            client("http://127.0.0.1:9/v1", "one", cache).reply(request("Be brief.", "why?", 25))
