"""Sampling for training: answers as token ids, from the whole distribution at a temperature.

Nothing is cut off the distribution (top-p, top-k, penalties), since an importance ratio is of the
whole, and none of the base's own generation settings comes in (trl#6789, transformers#42762). The
padding token alone can never be sampled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel, TopPLogitsWarper

from s2.kernel.cache import content_key
from s2.models.batches import by_length, left_padded


@dataclass(frozen=True)
class Sampler:
    """How answers are sampled: until one of `ends`, or `max_new_tokens`."""

    ends: list[int]
    pad: int
    temperature: float
    max_new_tokens: int
    batch_size: int
    top_p: float = 1.0


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
        rows = _generate(model, [prompts[place] for place in places], sampler, chance)
        found |= {place: cut(row, sampler.ends) for place, row in zip(places, rows, strict=True)}
    model.train(training)
    return [found[place] for place in range(len(prompts))]


@torch.inference_mode()
def _generate(
    model: PreTrainedModel | PeftModel,
    prompts: list[Sequence[int]],
    sampler: Sampler,
    chance: torch.Generator,
) -> list[list[int]]:
    """New tokens of each prompt. A row leaves the batch with its end token, so that it costs no more; all
    rows are drawn for at each step, so that what one says does not hang on when others end."""
    inner: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    cache = DynamicCache(config=inner.config)
    tokens, mask, positions = left_padded(prompts, model.device)
    ends = torch.tensor(sampler.ends, device=model.device)
    going = torch.arange(len(prompts), device=model.device)
    found: list[list[int]] = [[] for _ in prompts]
    for _ in range(sampler.max_new_tokens):
        logits = model(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        draws = torch.rand(len(prompts), generator=chance).to(model.device)[going]
        chosen = choose(logits, draws, sampler)
        for row, token in zip(going.tolist(), chosen.tolist(), strict=True):
            found[row].append(token)
        on = (~torch.isin(chosen, ends)).nonzero()[:, 0]
        if len(on) < len(going):
            cache.batch_select_indices(on)
            going, chosen, mask, positions = going[on], chosen[on], mask[on], positions[on]
        if not len(going):
            break
        tokens = chosen[:, None]
        mask = torch.cat([mask, torch.ones_like(tokens)], dim=1)
        positions = positions[:, -1:] + 1
    return found


def choose(logits: Tensor, draws: Tensor, sampler: Sampler) -> Tensor:
    """The token of each row at which the sum of the probabilities passes its draw from [0, 1), [rows], of
    logits [rows, vocabulary]. (`torch.multinomial` draws a number for each token of the vocabulary, which
    on a CPU is a tenth of a small model's step.)"""
    logits = logits.float() / sampler.temperature
    logits[:, sampler.pad] = -torch.inf
    if sampler.top_p < 1:
        logits = TopPLogitsWarper(sampler.top_p)(torch.empty(0), logits)
    passed = logits.softmax(-1).double().cumsum(-1)
    return torch.searchsorted(passed, draws[:, None] * passed[:, -1:], right=True)[:, 0]


def cut(tokens: Sequence[int], ends: Sequence[int]) -> Sampled:
    """What was generated, up to and with its first end token; behind that is padding."""
    end = next((place for place, token in enumerate(tokens) if token in ends), None)
    return Sampled(list(tokens if end is None else tokens[: end + 1]), end is not None)
