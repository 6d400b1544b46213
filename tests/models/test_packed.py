"""Sequences packed into one row say what each says alone, whatever the architecture."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BloomConfig, BloomForCausalLM, MistralConfig, MistralForCausalLM

from s2.models.loading import load_model
from s2.models.packed import let_pack, packed, packed_states
from s2.models.saving import save_causal_model
from tests.models.making import ARCHITECTURES, make_model

ROWS = [[5, 6, 7, 8, 9, 10, 11], [12], [9, 10, 5], [8, 8, 8, 8, 8]]


def test_positions_count_from_each_sequences_start() -> None:
    batch = packed([[7, 8, 9], [5], [6, 4]])
    assert batch.input_ids.tolist() == [[7, 8, 9, 5, 6, 4]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 0, 0, 1]]
    assert batch.lengths == [3, 1, 2]


def alone(model: Any) -> torch.Tensor:
    with torch.no_grad():
        states = [model.base_model(input_ids=torch.tensor([row])).last_hidden_state for row in ROWS]
    return torch.cat(states, dim=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_packed_is_each_alone(tmp_path: Path, name: str) -> None:
    """Gemma 2 caps its attention, which SDPA cannot: it is read one sequence at a time."""
    save_causal_model(make_model(tmp_path / "hub", name), tmp_path / "base")
    model: Any = load_model(tmp_path / "base", "float32")
    expected = alone(model)
    assert let_pack(model) == (name != "gemma2")
    rows = [[row] for row in ROWS] if name == "gemma2" else [ROWS]
    with torch.no_grad():
        found = torch.cat([packed_states(model, packed(some)) for some in rows], dim=1)
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(alone(model), expected, atol=1e-5)  # batches as they come go on as before


@pytest.mark.parametrize(("dtype", "quantization"), [("bfloat16", "none"), ("bfloat16", "nf4")])
def test_rounding_is_no_reason_not_to_pack(tiny_model: Path, dtype: Any, quantization: Any) -> None:
    model: Any = load_model(tiny_model, dtype, quantization)
    expected = alone(model)
    assert let_pack(model)
    with torch.no_grad():
        found = packed_states(model, packed(ROWS))
    assert torch.allclose(found.float(), expected.float(), atol=0.05)


SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "vocab_size": 20}


def test_a_window_slides_within_a_sequence() -> None:
    torch.manual_seed(0)
    config = MistralConfig(**SMALL, intermediate_size=64, num_attention_heads=4, num_key_value_heads=2)
    config.sliding_window = 2
    model = MistralForCausalLM(config).eval()
    expected = alone(model)
    assert let_pack(model)
    with torch.no_grad():
        assert torch.allclose(packed_states(model, packed(ROWS)), expected, atol=1e-5)
        config.sliding_window = None
        assert not torch.allclose(packed_states(model, packed(ROWS)), expected, atol=1e-3)


def test_dropout_is_off_while_it_is_tried_and_on_again_after() -> None:
    torch.manual_seed(0)
    config = MistralConfig(**SMALL, intermediate_size=64, num_attention_heads=4, num_key_value_heads=2)
    config.attention_dropout = 0.5
    model = MistralForCausalLM(config).train()
    assert let_pack(model) and model.training


def test_a_model_with_an_attention_of_its_own_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    model = BloomForCausalLM(BloomConfig(**SMALL, n_head=4)).eval()
    expected = alone(model)
    assert not let_pack(model)
    assert torch.equal(alone(model), expected)


def test_gradients_are_those_of_each_alone() -> None:
    torch.manual_seed(0)
    config = MistralConfig(**SMALL, intermediate_size=64, num_attention_heads=4, num_key_value_heads=2)
    found = []
    model = MistralForCausalLM(config)
    assert let_pack(model)
    for rows in ([[row] for row in ROWS], [ROWS]):
        model.zero_grad()
        for some in rows:
            packed_states(model, packed(some)).pow(2).sum().backward()
        gradients = [parameter.grad for parameter in model.base_model.parameters()]
        found.append([gradient.clone() for gradient in gradients if gradient is not None])
    assert all(
        torch.allclose(one, other, rtol=1e-4, atol=1e-3) for one, other in zip(*found, strict=True)
    )
