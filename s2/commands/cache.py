"""`s2 cache`: what is kept in `.s2/cache`, and how it is forgotten, so that it is asked or computed
again."""

from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.kernel.paths import local

CACHES = {
    "replies": "replies of language models that were questions",
    "unusable": "replies of language models that were none",
    "toxicity": "scores of texts",
    "answers": "answers of models, by batch",
    "samples": "answers sampled for best of N, by batch",
    "losses": "losses of base models",
    "hashes": "hashes of large files",
}


def show() -> None:
    """Print each cache, how many values it holds, and its size."""
    for name, what in CACHES.items():
        path = local("cache", f"{name}.sqlite")
        if path.is_file():
            with ContentCache(path) as cache:
                print(f"{name}: {len(cache):,} {what}, {path.stat().st_size / 1e6:,.1f} MB")


def forget(name: str) -> None:
    """Forget all that a cache holds; print how much that was. Raises `S2Error` at an unknown one."""
    if name not in CACHES:
        raise S2Error(f"there is no cache {name!r}; there are: {', '.join(CACHES)}")
    path = local("cache", f"{name}.sqlite")
    if not path.is_file():
        print(f"nothing to forget: {path} is not there")
        return
    with ContentCache(path) as cache:
        count = len(cache)
        cache.clear()
    print(f"forgotten: {count:,} {CACHES[name]}")
