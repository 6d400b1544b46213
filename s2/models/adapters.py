"""LoRA adapters on a base (Hu et al. 2021, arXiv:2106.09685)."""

from peft import LoraConfig

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
