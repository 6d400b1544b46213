"""Fingerprints of files and values."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from s2.kernel.cache import ContentCache, content_key
from s2.kernel.files import files_under
from s2.kernel.paths import local

LARGE = 2**24  # bytes from which on a file's hash is remembered


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def known_sha256(path: Path) -> str:
    """`sha256`, of a large file once: it is remembered in `.s2` until the file's size, time or inode
    changes, by which DVC too tells whether a file may have changed."""
    stat = path.stat()
    if stat.st_size < LARGE:
        return sha256(path)
    key = content_key(str(path.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ino)
    with ContentCache(local("cache", "hashes.sqlite")) as cache:
        known = cache.get([key])
        if key not in known:
            known = {key: sha256(path)}
            cache.put(known)
    return str(known[key])


def fingerprint(paths: Iterable[Path], *values: Any) -> str:
    """SHA-256 over the names and bytes of files and over JSON-able values."""
    digest = hashlib.sha256()
    for file in files_under(paths):
        digest.update(file.name.encode())
        digest.update(bytes.fromhex(known_sha256(file)))
    digest.update(json.dumps(values, sort_keys=True).encode())
    return digest.hexdigest()
