"""A client against real HTTP servers: one that speaks the protocol, one that refuses, and none."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.llm.client import ChatClient
from s2.params import Questions

ROOT = Path(__file__).parents[2]


def settings() -> Questions:
    content = yaml.safe_load((ROOT / "profiles/sample.yaml").read_text(encoding="utf-8"))["questions"]
    return Questions.model_validate(content | {"retries": 0, "timeout_s": 5})


@contextmanager
def server(status: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that answers every chat with the last message in capitals, or with an error."""
    seen: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append(body | {"path": self.path, "key": self.headers["Authorization"]})
            text = body["messages"][-1]["content"].upper()
            good = {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}
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
        client = ChatClient(url, "m", settings(), "model one", cache)
        assert client.reply("why?") == "WHY?" == client.reply("why?")
        assert len(seen) == 1
        assert ChatClient(url, "m", settings(), "model two", cache).reply("why?") == "WHY?"
        assert len(seen) == 2
    asked = seen[0]
    assert (asked["path"], asked["key"], asked["model"]) == ("/v1/chat/completions", "Bearer secret", "m")
    assert asked["temperature"] == 0 and asked["max_tokens"] == settings().max_tokens
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert b"secret" not in (tmp_path / "c.sqlite").read_bytes()


def test_an_unreachable_endpoint_is_named(tmp_path: Path) -> None:
    with ContentCache(tmp_path / "c.sqlite") as cache:
        client = ChatClient("http://127.0.0.1:9/v1", "m", settings(), "id", cache)
        with pytest.raises(S2Error, match="questions.base_url http://127.0.0.1:9/v1 cannot be reached"):
            client.reply("why?")


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "refused the key: set OPENAI_API_KEY"), (404, "model m: .*no such model")],
)
def test_a_refusal_is_told(tmp_path: Path, status: int, message: str) -> None:
    with server(status) as (url, _), ContentCache(tmp_path / "c.sqlite") as cache:
        with pytest.raises(S2Error, match=message):
            ChatClient(url, "m", settings(), "id", cache).reply("why?")
        assert cache._db.execute("SELECT count(*) FROM cache").fetchone() == (0,)
