"""A cache of results by content, in SQLite: nothing is paid for twice.

Each batch is one transaction, so a killed process loses at most the batch it was in, and several
processes may use one file. Threads may share one
`ContentCache`. A damaged file is set aside and begun anew.
"""

import hashlib
import json
import sqlite3
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def content_key(*parts: Any) -> str:
    """SHA-256 of JSON-able parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class ContentCache:
    """Maps content keys to JSON-able values in the SQLite file `path`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            damaged = path.with_suffix(".damaged")
            path.replace(damaged)
            print(f"cache {path} is damaged: set aside as {damaged}, starting anew", file=sys.stderr)
            self._open()

    def _open(self) -> None:
        self._db = sqlite3.connect(self.path, timeout=60, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS cache (key TEXT PRIMARY KEY, value TEXT)")

    def get(self, keys: Iterable[str]) -> dict[str, Any]:
        """The values of those `keys` that are there."""
        found: dict[str, Any] = {}
        with self._lock:
            for key in keys:
                row = self._db.execute("SELECT value FROM cache WHERE key = ?", (key,)).fetchone()
                if row:
                    found[key] = json.loads(row[0])
        return found

    def put(self, values: dict[str, Any]) -> None:
        """Store values in one transaction."""
        rows = [(key, json.dumps(value)) for key, value in values.items()]
        with self._lock, self._db:
            self._db.executemany("INSERT OR REPLACE INTO cache VALUES (?, ?)", rows)

    def __len__(self) -> int:
        with self._lock:
            (count,) = self._db.execute("SELECT count(*) FROM cache").fetchone()
        return int(count)

    def clear(self) -> None:
        """Forget all values."""
        with self._lock, self._db:
            self._db.execute("DELETE FROM cache")

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> "ContentCache":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
