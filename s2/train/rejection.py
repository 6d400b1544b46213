"""Best of N (rejection sampling, Llama 2, arXiv:2307.09288, 3.2.3): of several answers of a model to a
prompt the one that the reward models like best."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import comb
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

from s2.graph.code import meaning
from s2.kernel.cache import ContentCache, content_key
from s2.kernel.hashes import fingerprint
from s2.kernel.stats import mean_and_se
from s2.kernel.tables import chunked
from s2.models.about import about
from s2.models.adapters import add_adapter
from s2.models.encoding import Encoder
from s2.models.loading import load_generation, load_model, load_tokenizer
from s2.models.reward import load_reward, rewards
from s2.models.sampling import Sampled, Sampler, sample
from s2.params.align import RejectionModel
from s2.params.models import PromptStyle

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Candidate:
    """An answer that may be chosen: its tokens, its text, and its reward."""

    ids: list[int]
    text: str
    reward: float = 0.0


def sample_all(
    base: Path,
    start: Path,
    prompts: Sequence[list[int]],
    rejection: RejectionModel,
    encoder: Encoder,
    seed: int,
    cache: ContentCache,
) -> list[list[Sampled]]:
    """`samples` answers to each prompt. Each batch is kept as soon as it is there: a killed run goes on
    with the next one, and says what a whole one would."""
    tokenizer = encoder.tokenizer
    model = add_adapter(
        load_model(base, rejection.dtype, rejection.quantization), start, "default"
    ).eval()
    sampler = Sampler(
        encoder.ends,
        int(tokenizer.pad_token_id),
        rejection.temperature,
        rejection.max_new_tokens,
        rejection.batch_size,
        rejection.top_p,
    )
    who = fingerprint([base, start], rejection.dtype, rejection.quantization, meaning(sample, load_model))
    found: list[list[Sampled]] = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    wanted = [(place, turn) for place in order for turn in range(rejection.samples)]
    with tqdm(total=len(wanted), desc="samples", unit=" answers", disable=None) as bar:
        for batch in chunked(wanted, rejection.batch_size):
            asked = [prompts[place] for place, _ in batch]
            key = content_key("samples", who, asdict(sampler), seed, batch, asked)
            known = cache.get([key])
            if key not in known:
                own_seed = int(content_key(seed, batch, asked)[:8], 16)
                known = {key: [asdict(answer) for answer in sample(model, asked, sampler, own_seed)]}
                cache.put(known)
            for (place, _), answer in zip(batch, known[key], strict=True):
                found[place].append(Sampled(**answer))
            bar.update(len(batch))
    return found


def score_all(
    base: Path,
    folders: Mapping[str, Path],
    sequences: Sequence[list[int]],
    rejection: RejectionModel,
) -> list[float]:
    """The weighted sum of the normalised rewards of each sequence; one reward model is in memory at a
    time."""
    totals = [0.0] * len(sequences)
    for name, folder in folders.items():
        model = load_reward(base, folder, rejection.dtype, rejection.quantization)
        known = about(folder)
        values = rewards(model, sequences, rejection.batch_size)
        weight = rejection.rewards[name] / (known["sd"] or 1.0)
        totals = [t + weight * (v - known["mean"]) for t, v in zip(totals, values, strict=True)]
    return totals


def candidates(
    encoder: Encoder, samples: Sequence[Sampled], earlier: str | None
) -> tuple[list[Candidate], int]:
    """What may be chosen of a prompt's answers: those that ended and say something, and the earlier
    round's; and how many did not."""
    found = []
    for answer in samples:
        text = str(encoder.tokenizer.decode(answer.ids, skip_special_tokens=True)).strip()
        if answer.ended and text:
            found.append(Candidate(answer.ids, text))
    lost = len(samples) - len(found)
    if earlier is not None:
        found.append(Candidate(encoder.reply(earlier), earlier))
    return found, lost


def best_of(values: Sequence[float], n: int) -> float:
    """The expected maximum of n of the values drawn without replacement: Σ v_(i) C(i-1, n-1)/C(N, n),
    over the values in order of size."""
    total = len(values)
    ordered = sorted(values)
    return sum(value * comb(place, n - 1) for place, value in enumerate(ordered)) / comb(total, n)


def curve(rewards_by_prompt: Sequence[Sequence[float]], samples: int) -> dict[int, list[float]]:
    """For each n up to `samples` the mean over prompts of the expected best of n, its standard error, the
    mean of the prompts' medians, its standard error, and the number of prompts: those with at least n
    answers that ended."""
    rows = {}
    for n in range(1, samples + 1):
        enough = [values for values in rewards_by_prompt if len(values) >= n]
        if enough:
            best = mean_and_se([best_of(values, n) for values in enough])
            middle = mean_and_se([median(values) for values in enough])
            rows[n] = [*best, *middle, float(len(enough))]
    return rows


def encoder_of(folder: Path, style: PromptStyle) -> Encoder:
    """The way in which the model of an adapter is asked."""
    return Encoder(load_tokenizer(folder), style, load_generation(folder))
