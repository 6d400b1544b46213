"""Merges tensor by tensor, against PEFT's own and against the model as it was trained."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from s2.evaluate.drift import drift
from s2.kernel.errors import S2Error
from s2.models.adapters import note_training
from s2.models.encoding import IGNORED, Encoded
from s2.models.loading import load_model
from s2.train import merge as module
from s2.train.merge import merge
from tests.models.making import ARCHITECTURES, make_model

pytestmark = pytest.mark.slow

ROWS = [
    Encoded([1, 5, 9, 30, 40, 2], [IGNORED, IGNORED, 9, 30, 40, 2]),
    Encoded([1, 7, 8, 20], [IGNORED, IGNORED, 8, 20]),
]


def test_simple_is_pefts_merge(in_tmp: Path, tiny_model: Path, tiny_adapter: Path) -> None:
    """To the rounding to bf16, which PEFT does twice."""
    adapter = Path(shutil.copytree(tiny_adapter, in_tmp / "adapter"))
    note_training(adapter, "float32", "none")
    (in_tmp / "merged").mkdir()
    sha = merge(tiny_model, [adapter], in_tmp / "merged", careful=False)
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.bfloat16).float()
    theirs = PeftModel.from_pretrained(base, str(adapter)).merge_and_unload().state_dict()
    ours = load_file(in_tmp / "merged/model.safetensors")
    assert len(ours) > 10 and all(tensor.dtype == torch.bfloat16 for tensor in ours.values())
    for name, tensor in ours.items():
        assert torch.allclose(tensor.float(), theirs[name], rtol=2**-7, atol=1e-6), name
    assert len(sha) == 64
    # Nothing was quantised in training, so that nothing goes through NF4.
    (in_tmp / "careful").mkdir()
    assert merge(tiny_model, [adapter], in_tmp / "careful", careful=True) == sha


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["llama2", "qwen2", "phi2", "gpt2", "gemma3"])
def test_careful_is_the_model_as_it_was_trained(in_tmp: Path, name: str, dtype: Any) -> None:
    """Every weight is that of the quantised model, biases and what was not quantised as in the base."""
    from peft import get_peft_model

    from s2.models.adapters import lora_config, save_adapter
    from s2.models.encoding import Encoder
    from s2.models.loading import load_tokenizer
    from s2.models.saving import save_asking, save_causal_model
    from s2.params.train import Lora

    save_causal_model(make_model(in_tmp / "hub", name), in_tmp / "base")
    base = in_tmp / "base"
    plain = load_model(base, "float32")
    lora = Lora(r=2, alpha=4, dropout=0.0, targets="all-linear", layers=None)
    torch.manual_seed(3)
    adapted = get_peft_model(plain, lora_config(lora, plain))
    assert isinstance(adapted, PeftModel)
    save_adapter(adapted, in_tmp / "adapter")  # whose deltas are zero
    save_asking(Encoder(load_tokenizer(base)), in_tmp / "adapter")
    note_training(in_tmp / "adapter", dtype, "nf4")
    (in_tmp / "merged").mkdir()
    merge(base, [in_tmp / "adapter"], in_tmp / "merged", careful=True)
    quantised = load_model(base, dtype, "nf4")
    expected = quantised.dequantize(dtype=getattr(torch, dtype)).state_dict()
    found = AutoModelForCausalLM.from_pretrained(in_tmp / "merged", dtype=torch.bfloat16).state_dict()
    raw = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16).state_dict()
    assert found.keys() == raw.keys() and len(found) > 5
    changed = [key for key in found if not torch.equal(found[key], raw[key])]
    assert changed and not [key for key in changed if "bias" in key or "embed" in key or "norm" in key]
    for key in found:
        wanted = expected[key].to(torch.bfloat16)
        if name == "gpt2" and key in changed:  # whose layers are transposed ones, and come back plain
            wanted = wanted.T
        assert torch.equal(found[key], wanted), key
    assert "quantization_config" not in json.loads((in_tmp / "merged/config.json").read_text())
    assert name in ARCHITECTURES


def test_careful_is_nearer_to_what_was_trained_in_nf4(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path
) -> None:
    adapter = Path(shutil.copytree(tiny_adapter, in_tmp / "adapter"))
    note_training(adapter, "float32", "nf4")
    trained = PeftModel.from_pretrained(load_model(tiny_model, "float32", "nf4"), str(adapter)).eval()
    found = {}
    for method in ("simple", "careful"):
        (in_tmp / method).mkdir()
        merge(tiny_model, [adapter], in_tmp / method, careful=method == "careful")
        found[method] = drift(trained, load_model(in_tmp / method, "float32"), ROWS)
    assert found["careful"]["kl"] < found["simple"]["kl"] / 10
    assert found["careful"]["tokens"] == 6 and found["careful"]["rows"] == 2
    same = drift(trained, trained, ROWS)
    assert (same["kl"], same["agreement"], same["loss_difference"]) == (0, 1, 0)
    assert same["trained_perplexity"] == same["other_perplexity"] > 1


def test_stacked_adapters_add_up(in_tmp: Path, tiny_model: Path, tiny_adapter: Path) -> None:
    adapter = Path(shutil.copytree(tiny_adapter, in_tmp / "adapter"))
    note_training(adapter, "float32", "none")
    for name, count in (("one", 1), ("two", 2)):
        (in_tmp / name).mkdir()
        merge(tiny_model, [adapter] * count, in_tmp / name, careful=False)
    one, two = (load_file(in_tmp / name / "model.safetensors") for name in ("one", "two"))
    base = load_file(tiny_model / "model.safetensors")
    key = "model.layers.0.self_attn.q_proj.weight"
    added = one[key].float() - base[key].bfloat16().float()
    assert torch.allclose(two[key].float() - base[key].float(), 2 * added, atol=2e-3)


def test_large_models_are_written_in_shards(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (in_tmp / "whole").mkdir()
    merge(tiny_model, [tiny_adapter], in_tmp / "whole", careful=False)
    write = module.write_shards
    monkeypatch.setattr(module, "write_shards", lambda tensors, folder: write(tensors, folder, 20_000))
    (in_tmp / "parts").mkdir()
    merge(tiny_model, [tiny_adapter], in_tmp / "parts", careful=False)
    assert len(list((in_tmp / "parts").glob("model-*-of-*.safetensors"))) > 3
    whole, parts = (
        AutoModelForCausalLM.from_pretrained(in_tmp / name).state_dict() for name in ("whole", "parts")
    )
    assert whole.keys() == parts.keys() and all(torch.equal(whole[key], parts[key]) for key in whole)


def test_an_adapter_of_another_base_is_refused(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path
) -> None:
    base = Path(shutil.copytree(tiny_model, in_tmp / "base"))
    tensors = load_file(base / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    from safetensors.torch import save_file

    save_file(tensors, base / "model.safetensors", {"format": "pt"})
    (in_tmp / "merged").mkdir()
    with pytest.raises(S2Error, match=r"the base has no weight for model\.layers\.1\.mlp\.up_proj"):
        merge(base, [tiny_adapter], in_tmp / "merged", careful=False)
