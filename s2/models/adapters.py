"""LoRA adapters on a base (Hu et al. 2021, arXiv:2106.09685)."""

import json
from pathlib import Path

from peft import LoraConfig, PeftModel

from s2.kernel.files import write_json
from s2.params.train import Lora


def lora_config(lora: Lora) -> LoraConfig:
    """PEFT's configuration of a causal language model's adapter."""
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets,
        task_type="CAUSAL_LM",
    )


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Save a model's adapter; the names of its modules, which PEFT keeps as a set, in order, so that
    the same adapter is the same bytes."""
    model.save_pretrained(str(folder))
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    write_json(path, config)
