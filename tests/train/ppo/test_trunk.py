from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from s2.models.adapters import lora_config
from s2.models.batches import left_padded
from s2.models.loading import load_model
from s2.models.packed import packed
from s2.models.reward import last_states
from s2.models.saving import save_causal_model
from s2.params.train import Lora
from s2.train.ppo.trunk import Trunk, layer_of
from tests.models.making import make_model

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["llama2", "qwen2", "gemma2", "gpt2", "neox"])
def test_roles_that_share_their_lower_layers_are_what_they_are_alone(tmp_path: Path, name: str) -> None:
    """Where an architecture cannot start in the middle (GPT-2 adds positions to what comes in; Gemma 2's
    layers see a window or all by their place), nothing is shared."""
    save_causal_model(make_model(tmp_path / "hub", name), tmp_path / "base")
    base = load_model(tmp_path / "base", "float32")
    lora = Lora(r=2, alpha=4, dropout=0.0, targets="all-linear", layers=1)
    model = get_peft_model(base, lora_config(lora, base))
    assert isinstance(model, PeftModel)
    for key, parameter in model.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(parameter, std=0.1)
    trunk = Trunk(model)
    assert trunk.adapted == [1]
    assert trunk.splits == (name not in ("gpt2", "gemma2"))
    assert trunk.packs == (name != "gemma2")
    rows = [[5, 6, 7, 8], [9, 10]]
    padded = left_padded(rows)
    with torch.inference_mode():
        batches = [packed(rows)] if trunk.packs else [packed([row]) for row in rows]
        below = [trunk.states(batch, stop=1) if trunk.splits else None for batch in batches]
        starts = [int(trunk.splits)] * len(batches)
        shared = torch.cat(list(map(trunk.states, batches, below, starts)), dim=1)
        whole = last_states(model.get_base_model(), padded)
    assert torch.allclose(shared[0], whole[padded.attention_mask.bool()], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("model.layers.14.self_attn.q_proj.lora_A.value.weight", 14),
        ("model.layers.3.mlp.experts.5.up_proj.lora_A.value.weight", 3),
        ("model.decoder.project_in.lora_A.value.weight", -1),
    ],
)
def test_the_layer_of_a_parameter_is_the_outermost(name: str, layer: int) -> None:
    assert layer_of(name) == layer


def test_where_something_is_adapted_outside_the_layers_nothing_is_shared(tmp_path: Path) -> None:
    save_causal_model(make_model(tmp_path / "hub", "llama2"), tmp_path / "base")
    lora = LoraConfig(r=2, target_modules=["q_proj", "embed_tokens"], init_lora_weights=False)
    model = get_peft_model(load_model(tmp_path / "base", "float32"), lora)
    assert isinstance(model, PeftModel)
    trunk = Trunk(model)
    assert trunk.adapted == [-1, 0, 1] and not trunk.splits
