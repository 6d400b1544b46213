"""Pages to rows: what kind of page it is, and an article's paragraphs."""

from typing import Any

import pyarrow as pa

from s2.wiki import wikitext
from s2.wiki.dump import Page

ARTICLES = pa.schema(
    [
        ("id", pa.string()),
        ("title", pa.string()),
        ("namespace", pa.int64()),
        ("redirect", pa.bool_()),
        ("disambiguation", pa.bool_()),
        ("paragraphs", pa.list_(pa.string())),
        ("file", pa.string()),
    ]
)


def article(page: Page) -> dict[str, Any]:
    """A row of `ARTICLES`; only pages that may become answers are parsed."""
    redirect = page.redirect or wikitext.is_redirect(page.text)
    wanted = page.namespace == 0 and not redirect
    return {
        "id": f"wiki_{page.id}",
        "title": page.title,
        "namespace": page.namespace,
        "redirect": redirect,
        "disambiguation": wanted and wikitext.is_disambiguation(page.text),
        "paragraphs": wikitext.paragraphs(page.text) if wanted else [],
        "file": page.file,
    }
