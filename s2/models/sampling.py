"""Answers as token ids, a batch at a time, for training and for what is scored.

Training samples from the whole distribution at a temperature, with nothing cut off (top-p, top-k,
penalties), since an importance ratio is of the whole. None of the base's own generation settings comes in
(trl#6789, transformers#42762). The padding token can never be chosen.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from s2.kernel.cache import content_key
from s2.kernel.errors import S2Error
from s2.models.batches import by_length, left_padded
from s2.models.prefill import can_prefill, prefill
from s2.models.thin import thin_products

LIKELY = 1000  # tokens among which a nucleus is looked for first


@dataclass(frozen=True)
class Sampler:
    """How answers are sampled (greedily at a temperature of 0): until one of `ends`, or
    `max_new_tokens`."""

    ends: list[int]
    pad: int
    temperature: float
    max_new_tokens: int
    batch_size: int
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0


@dataclass(frozen=True)
class Sampled:
    """The tokens of an answer, its end token included, and whether it came to one."""

    ids: list[int]
    ended: bool


def sample(
    model: PreTrainedModel | PeftModel, prompts: Sequence[Sequence[int]], sampler: Sampler, seed: int
) -> list[Sampled]:
    """One answer to each prompt, in their order; the same seed and prompts give the same answers,
    whatever was sampled before. The model is in evaluation mode meanwhile, and generates with its adapter
    unmerged, which in NF4 would be quantised again."""
    training = model.training
    model.eval()
    found: dict[int, Sampled] = {}
    for number, places in enumerate(by_length([len(ids) for ids in prompts], sampler.batch_size)):
        # On the CPU, whose draws are the same beside any device.
        chance = torch.Generator().manual_seed(int(content_key(seed, number)[:8], 16))
        rows = generate(model, [prompts[place] for place in places], sampler, chance)
        found |= {place: cut(row, sampler.ends) for place, row in zip(places, rows, strict=True)}
    model.train(training)
    return [found[place] for place in range(len(prompts))]


@torch.inference_mode()
def generate(
    model: PreTrainedModel | PeftModel,
    prompts: Sequence[Sequence[int]],
    sampler: Sampler,
    chance: torch.Generator,
    over: Callable[[list[int]], bool] | None = None,
    hear: Callable[[Tensor], None] | None = None,
) -> list[list[int]]:
    """New tokens of each prompt. A row leaves the batch with its end token, or when `over` says of its
    tokens that it is over, so that it costs no more; all rows are drawn for at each step, so that what
    one says does not hang on when others end. `hear` is told the tokens of each step, [rows].

    Raises `S2Error` at an architecture that keeps another state than keys and values.
    """
    inner: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    if (
        not {"past_key_values", "position_ids"}
        <= inspect.signature(type(inner).forward).parameters.keys()
    ):
        raise S2Error(
            f"{type(inner).__name__} has no keys and values by position to go on from: serve the model "
            "at an endpoint and name that as its source, or take another"
        )
    with thin_products(inner):
        return _generate(model, inner.config, prompts, sampler, chance, over, hear)


def _generate(
    model: PreTrainedModel | PeftModel,
    config: Any,
    prompts: Sequence[Sequence[int]],
    sampler: Sampler,
    chance: torch.Generator,
    over: Callable[[list[int]], bool] | None,
    hear: Callable[[Tensor], None] | None,
) -> list[list[int]]:
    cache = DynamicCache(config=config)
    tokens, mask, positions = left_padded(prompts, model.device)
    ends = torch.tensor(sampler.ends, device=model.device)
    going = torch.arange(len(prompts), device=model.device)
    found: list[list[int]] = [[] for _ in prompts]
    said = tokens.masked_fill(mask == 0, sampler.pad)
    for step in range(sampler.max_new_tokens):
        if not step and len(prompts) > 1 and can_prefill(model, cache):
            logits = prefill(model, prompts, cache)
        else:
            logits = model(
                input_ids=tokens,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
        draws = torch.rand(len(prompts), generator=chance).to(model.device)[going]
        chosen = choose(logits, draws, sampler, said)
        for row, token in zip(going.tolist(), chosen.tolist(), strict=True):
            found[row].append(token)
        if hear:
            hear(chosen)
        ended = torch.isin(chosen, ends).tolist()
        on = [
            place
            for place, row in enumerate(going.tolist())
            if not (ended[place] or (over and over(found[row])))
        ]
        if len(on) < len(going):
            kept = torch.tensor(on, dtype=torch.long, device=model.device)
            cache.batch_select_indices(kept)
            going, chosen, said = going[kept], chosen[kept], said[kept]
            mask, positions = mask[kept], positions[kept]
        if not on:
            break
        tokens = chosen[:, None]
        said = torch.cat([said, tokens], dim=1)
        mask = torch.cat([mask, torch.ones_like(tokens)], dim=1)
        positions = positions[:, -1:] + 1
    return found


def choose(logits: Tensor, draws: Tensor, sampler: Sampler, said: Tensor | None = None) -> Tensor:
    """The token of each row at which the sum of the probabilities passes its draw from [0, 1), [rows], of
    logits [rows, vocabulary]; with a temperature of 0 the likeliest. A repetition penalty (Keskar et al.
    2019, arXiv:1909.05858) is on what was `said` before, [rows, tokens].

    (`torch.multinomial` draws a number for each token of the vocabulary, which is a tenth of a small
    model's step on a CPU.)
    """
    logits = logits.float() / (sampler.temperature or 1.0)
    logits[:, sampler.pad] = -torch.inf
    if said is not None and sampler.repetition_penalty != 1:
        told = logits.gather(1, said)
        less = torch.where(told < 0, told * sampler.repetition_penalty, told / sampler.repetition_penalty)
        logits.scatter_(1, said, less)
    if sampler.temperature == 0:
        return logits.argmax(-1)
    places = None
    if 0 < sampler.top_k < logits.shape[1]:
        logits, places = logits.topk(sampler.top_k)
    odds = logits.softmax(-1)
    if sampler.top_p < 1:
        odds, kept = nucleus(odds, sampler.top_p)
        places = kept if places is None else places.gather(1, kept)
    passed = odds.double().cumsum(-1)
    found = torch.searchsorted(passed, draws[:, None] * passed[:, -1:], right=True)
    return (found if places is None else places.gather(1, found))[:, 0]


def nucleus(odds: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """The probabilities of the likeliest tokens, largest first, 0 from where those before make `top_p`
    (Holtzman et al. 2020, arXiv:1904.09751), and their places, [rows, tokens] each. Where a thousand
    tokens make it in every row, which is nearly always, the rest of the vocabulary is not sorted."""
    likely, places = odds.topk(min(LIKELY, odds.shape[1]))
    if bool((likely.sum(-1) < top_p).any()):
        likely, places = odds.sort(descending=True)
    before = likely.cumsum(-1) - likely
    return likely.masked_fill(before >= top_p, 0.0), places


def cut(tokens: Sequence[int], ends: Sequence[int]) -> Sampled:
    """What was generated, up to and with its first end token; behind that is padding."""
    end = next((place for place, token in enumerate(tokens) if token in ends), None)
    return Sampled(list(tokens if end is None else tokens[: end + 1]), end is not None)
