"""Prompts of unlike length, read in one row before they are answered side by side."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from s2.models.packed import NAME, packed, told_apart


def can_prefill(model: Any, cache: DynamicCache) -> bool:
    """Whether a model takes sequences in one row (`let_pack`), and all layers of a cache keep all
    tokens."""
    packs: bool = model.config._attn_implementation == NAME
    return packs and all(type(layer) is DynamicLayer for layer in cache.layers)


def prefill(model: Any, prompts: Sequence[Sequence[int]], cache: DynamicCache) -> Tensor:
    """The logits behind each prompt, [prompts, vocabulary]; the prompts' keys and values go into an empty
    cache, as they would from a batch padded on the left, but no padding is computed."""
    batch = packed(prompts, model.device)
    in_a_row = DynamicCache(config=model.config)
    lengths = torch.tensor(batch.lengths, device=model.device)[:, None]
    ends = lengths.cumsum(0)
    logits: Tensor = model(
        input_ids=batch.input_ids,
        **told_apart(batch),
        past_key_values=in_a_row,
        use_cache=True,
        logits_to_keep=ends[:, 0] - 1,
    ).logits[0]
    before_end = torch.arange(max(batch.lengths), 0, -1, device=model.device)
    there = ends - torch.minimum(before_end, lengths)
    for layer, (keys, values, _) in enumerate(in_a_row):
        cache.update(keys[0][:, there].transpose(0, 1), values[0][:, there].transpose(0, 1), layer)
    return logits
