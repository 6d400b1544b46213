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
from transformers import GenerationConfig, PreTrainedModel, set_seed

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
        set_seed(int(content_key(seed, number)[:8], 16))
        rows = _generate(model, [prompts[place] for place in places], sampler)
        found |= {place: cut(row, sampler.ends) for place, row in zip(places, rows, strict=True)}
    model.train(training)
    return [found[place] for place in range(len(prompts))]


@torch.inference_mode()
def _generate(
    model: PreTrainedModel | PeftModel, prompts: list[Sequence[int]], sampler: Sampler
) -> list[list[int]]:
    batch = left_padded(prompts, model.device)
    settings = GenerationConfig(
        max_new_tokens=sampler.max_new_tokens,
        do_sample=True,
        temperature=sampler.temperature,
        top_p=sampler.top_p,
        top_k=0,
        repetition_penalty=1.0,
        suppress_tokens=[sampler.pad],
        pad_token_id=sampler.pad,
        eos_token_id=sampler.ends,
    )
    inner: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    inner.generation_config = GenerationConfig()
    asked: Any = model
    tokens = asked.generate(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        position_ids=batch.position_ids,
        generation_config=settings,
    )
    found: list[list[int]] = tokens[:, batch.input_ids.shape[1] :].tolist()
    return found


def cut(tokens: Sequence[int], ends: Sequence[int]) -> Sampled:
    """What was generated, up to and with its first end token; behind that is padding."""
    end = next((place for place, token in enumerate(tokens) if token in ends), None)
    return Sampled(list(tokens if end is None else tokens[: end + 1]), end is not None)
