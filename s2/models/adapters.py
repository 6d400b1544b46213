"""LoRA adapters on a base (Hu et al. 2021, arXiv:2106.09685)."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from peft import LoraConfig, PeftModel
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from s2.kernel.errors import S2Error
from s2.kernel.files import write_json
from s2.params.train import Lora


def lora_config(lora: Lora, model: PreTrainedModel) -> LoraConfig:
    """PEFT's configuration of a causal language model's adapter; raises `S2Error` for a target that
    the model does not have."""
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=target_modules(model, lora.targets),
        task_type="CAUSAL_LM",
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
    )


def target_modules(model: PreTrainedModel, targets: list[str] | str) -> list[str] | str:
    """Names of the modules to adapt: those that `targets` names, or with `all-linear` every linear
    layer of the language model but its head.

    A model that also sees or hears (Gemma 3) has layers of the same names in its towers: there the
    result is a pattern of the language model's own.
    """
    decoder = model.get_decoder()
    inside = {id(module) for module in decoder.modules()}
    linear = dict(_linear(model))
    ours = {name.rpartition(".")[2] for name, module in linear.items() if id(module) in inside}
    chosen = sorted(ours if targets == "all-linear" else targets)
    if unknown := sorted(set(chosen) - ours):
        raise S2Error(
            f"sft.lora.targets: the model has no linear layer {', '.join(unknown)}; "
            f"there are: {', '.join(sorted(ours))}"
        )
    if all(id(module) in inside for name, module in linear.items() if name.rpartition(".")[2] in chosen):
        return chosen
    root = next(name for name, module in model.named_modules() if module is decoder)
    return rf"{re.escape(root)}\..*\.(?:{'|'.join(map(re.escape, chosen))})"


def _linear(model: PreTrainedModel) -> Iterator[tuple[str, nn.Module]]:
    """The linear layers (GPT-2's are called Conv1D), the head left out."""
    head = model.get_output_embeddings()
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | Conv1D) and module is not head:
            yield name, module


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Save a model's adapter; the names of its modules, which PEFT keeps as a set, in order, so that
    the same adapter is the same bytes."""
    model.save_pretrained(str(folder))
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    write_json(path, config)
