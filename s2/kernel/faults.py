"""What a full or read-only disk looks like from the libraries that write to it, in one message."""

import errno
import re
from collections.abc import Iterator

FULL, CLOSED = "there is no space left", "it cannot be read or written"
_WORDS = {
    FULL: re.compile(r"no space left|disk is full|disk quota|out of disk space|file write failed", re.I),
    CLOSED: re.compile(r"read-only file system|readonly database", re.I),
}
_NUMBERS = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EROFS: CLOSED,
    errno.EACCES: CLOSED,
}
_PATH = re.compile(r"""['"]((?:[\w.-]*/)[^'"]+)['"]|file:?\s+(\S*/\S+)""")


def disk_fault(error: BaseException, folder: str) -> str | None:
    """A message for an error that a disk caused, which names the path and what to do; None for others.
    `folder` stands for the path where the error names none."""
    for cause in _chain(error):
        number = cause.errno if isinstance(cause, OSError) else None
        told = str(cause)
        what = _NUMBERS.get(number or 0) or next(
            (w for w, seen in _WORDS.items() if seen.search(told)), None
        )
        if what is None:
            continue
        named = cause.filename if isinstance(cause, OSError) and cause.filename else None
        found = _PATH.search(told)
        path = named or (next(group for group in found.groups() if group) if found else folder)
        return (
            f"{path}: {what}. Nothing half-written was left in its place; make room, or give the "
            "right to it, then run again: what was scored, asked and trained so far is kept in .s2"
        )
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
