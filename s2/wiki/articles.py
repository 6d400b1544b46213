"""Pages to rows: what kind of page it is, and an article's paragraphs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.quarantine import Bad
from s2.tables import scan
from s2.wiki import wikitext
from s2.wiki.dump import Block, Page, Site, pages

ARTICLES = pa.schema(
    [
        ("id", pa.string()),
        ("title", pa.string()),
        ("namespace", pa.int64()),
        ("redirect", pa.bool_()),
        ("disambiguation", pa.bool_()),
        ("list", pa.bool_()),
        ("paragraphs", pa.list_(pa.string())),
        ("file", pa.string()),
        ("offset", pa.int64()),
    ]
)


def articles(block: Block | Bad) -> list[pa.RecordBatch | Bad]:
    """A block of pages as a record batch of `ARTICLES`, and what could not be read."""
    found = list(pages(block)) if isinstance(block, Block) else [block]
    bad = [item for item in found if isinstance(item, Bad)]
    if not isinstance(block, Block):
        return bad
    rows = [article(item, block.site) for item in found if isinstance(item, Page)]
    return [pa.RecordBatch.from_pylist(rows, ARTICLES), *bad]


def article(page: Page, site: Site) -> dict[str, Any]:
    """A row of `ARTICLES`; only pages that may become answers are parsed."""
    redirect = page.redirect or wikitext.is_redirect(page.text)
    wanted = page.namespace == 0 and not redirect
    return {
        "id": f"wiki_{page.id}",
        "title": page.title,
        "namespace": page.namespace,
        "redirect": redirect,
        "disambiguation": wanted and wikitext.is_disambiguation(page.text),
        "list": wanted and wikitext.is_list(page.text),
        "paragraphs": wikitext.paragraphs(page.text, site.media) if wanted else [],
        "file": page.file,
        "offset": page.offset,
    }


def latest_of_each_id(path: Path) -> str:
    """SQL for one row an id, that of the last file, since dumps are named by their date."""
    return f"""
        FROM {scan(path)}
        QUALIFY row_number() OVER (PARTITION BY id ORDER BY file DESC, "offset" DESC) = 1
        ORDER BY id"""
