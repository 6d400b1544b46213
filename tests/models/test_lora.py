"""The fused layers say what PEFT's say, forth and back."""

from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor

from s2.models.loading import load_model
from s2.models.lora import FusedLinear, fuse

IDS = torch.tensor([[5, 6, 7, 8, 9], [9, 8, 7, 6, 5]])


def adapted(folder: Path, dropout: float = 0.0) -> PeftModel:
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=12, lora_dropout=dropout, target_modules="all-linear")
    model = get_peft_model(load_model(folder, "float32"), config)
    model.add_adapter("other", config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def told(model: PeftModel) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits, and the gradients of a loss that weighs them unlike."""
    logits = model(input_ids=IDS).logits
    model.zero_grad()
    (logits.softmax(-1) * torch.linspace(0, 1, logits.shape[-1])).pow(2).sum().backward()
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    return logits.detach(), found


@pytest.mark.parametrize("adapter", ["default", "other"])
def test_outputs_and_gradients_are_peft_s(tiny_model: Path, adapter: str) -> None:
    model = adapted(tiny_model)
    model.set_adapter(adapter)
    logits, gradients = told(model)
    fuse(model)
    assert sum(type(module) is FusedLinear for module in model.modules()) == 14  # 7 of each layer
    again, found = told(model)
    assert torch.allclose(again, logits, atol=1e-6)
    assert found.keys() == gradients.keys() and len(found) == 28
    for name, gradient in gradients.items():
        assert torch.allclose(found[name], gradient, rtol=1e-4, atol=1e-7), name


def test_what_is_off_or_dropped_out_stays_peft_s(tiny_model: Path) -> None:
    model = adapted(tiny_model, dropout=0.5)
    plain = load_model(tiny_model, "float32")
    fuse(model)
    with torch.no_grad(), model.disable_adapter():
        assert torch.equal(model(input_ids=IDS).logits, plain(input_ids=IDS).logits)
    model.train()
    with torch.no_grad():
        assert not torch.equal(model(input_ids=IDS).logits, model(input_ids=IDS).logits)


def test_a_base_in_bf16_is_left_alone(tiny_model: Path) -> None:
    config = LoraConfig(r=4, target_modules="all-linear")
    model = get_peft_model(load_model(tiny_model, "bfloat16"), config)
    fuse(model)
    assert not [module for module in model.modules() if type(module) is FusedLinear]
