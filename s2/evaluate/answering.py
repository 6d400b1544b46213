"""Whoever is to answer: the model in a folder, or the one at the endpoint that the folder names."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from s2.graph.code import meaning
from s2.kernel.cache import ContentCache
from s2.kernel.hashes import fingerprint
from s2.kernel.paths import local
from s2.llm.answers import RemoteAnswerer
from s2.llm.client import ChatClient, Kept
from s2.models.generation import Answerer, KeptAnswers
from s2.models.loading import load_answering
from s2.models.outside import asked
from s2.params.evaluate import Answers
from s2.params.machine import Machine
from s2.params.models import PromptStyle


@contextmanager
def answering(
    folder: Path, base: Path, settings: Answers, style: PromptStyle, machine: Machine
) -> Iterator[Answerer | RemoteAnswerer]:
    """Who answers for a model folder (an adapter's on `base`), in `style` or as an outside model is
    asked; what was answered before is kept, and not asked again."""
    how = asked(folder, style)
    with ExitStack() as stack:
        if how.endpoint and how.model:
            caches = [
                ContentCache(local("cache", f"{name}.sqlite"))
                for name in ("replies", "unusable", "usage")
            ]
            kept = Kept(*map(stack.enter_context, caches))
            url, name = how.endpoint, how.model
            client = ChatClient(lambda: url, name, [url, name], kept, machine)
            yield RemoteAnswerer(client, machine.requests)
        else:
            who = fingerprint([folder, base], how.prompt, meaning(Answerer, load_answering))
            cache = stack.enter_context(ContentCache(local("cache", "answers.sqlite")))
            loaded = load_answering(folder, base, settings.dtype, settings.quantization)
            yield Answerer(loaded, how.prompt, KeptAnswers(cache, who))
