"""Pages to rows: what kind of page it is, and an article's paragraphs."""

from typing import Any

import pyarrow as pa

from s2.dumps.quarantine import Bad, unreadable
from s2.wiki import wikitext
from s2.wiki.dump import Block, Page, Site, pages

# Dumps are named by their dates, so that the last file has the latest revision.
LATEST = 'file DESC, "offset" DESC'

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
    rows: list[dict[str, Any]] = []
    for page in (item for item in found if isinstance(item, Page)):
        try:
            rows.append(article(page, block.site))
        except Exception as error:  # one page must not end a dump, whatever it makes the parser raise
            bad.append(unreadable(page.file, page.offset, error, page.text.encode("utf-8", "replace")))
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
