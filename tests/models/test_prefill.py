"""Reading prompts in one row leaves what reading them side by side leaves."""

from pathlib import Path
from typing import Any

import torch
from transformers import DynamicCache

from s2.models.batches import left_padded
from s2.models.loading import load_model
from s2.models.packed import let_pack
from s2.models.prefill import can_prefill, prefill

PROMPTS = [[5, 6, 7, 8, 9, 10, 11], [12], [9, 10, 5], [8, 8, 8, 8, 8]]


def test_a_cache_is_filled_as_by_a_batch_that_is_padded_on_the_left(tiny_model: Path) -> None:
    model: Any = load_model(tiny_model, "float32")
    assert let_pack(model)
    found, expected = DynamicCache(config=model.config), DynamicCache(config=model.config)
    ids, mask, positions = left_padded(PROMPTS)
    with torch.no_grad():
        logits = prefill(model, PROMPTS, found)
        told = model(ids, mask, positions, past_key_values=expected, use_cache=True).logits[:, -1]
    assert torch.allclose(logits, told, atol=1e-5)
    real = mask[:, None, :, None].bool()
    for (keys, values, _), (other_keys, other_values, _) in zip(found, expected, strict=True):
        assert torch.allclose(keys * real, other_keys * real, atol=1e-5)
        assert torch.allclose(values * real, other_values * real, atol=1e-5)


def test_only_a_model_that_packs_and_a_cache_that_keeps_all_are_filled_so(tiny_model: Path) -> None:
    model: Any = load_model(tiny_model, "float32")
    assert not can_prefill(model, DynamicCache(config=model.config))
    assert let_pack(model)
    assert can_prefill(model, DynamicCache(config=model.config))
    model.config.sliding_window = 2
    model.config.layer_types = ["sliding_attention"] * model.config.num_hidden_layers
    assert not can_prefill(model, DynamicCache(config=model.config))
