"""Adapters merged into their base."""

from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, PreTrainedModel

from s2.models.loading import load_tokenizer


def merge_simple(base: Path, adapter: Path, folder: Path) -> None:
    """Base in bf16 plus adapter, as one model with its tokenizer, saved into `folder`."""
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload(safe_merge=True)
    tokenizer = load_tokenizer(adapter)
    merged.generation_config.pad_token_id = tokenizer.pad_token_id
    merged.config.pad_token_id = tokenizer.pad_token_id
    merged.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
