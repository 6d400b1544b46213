"""Adapters merged into their base."""

from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from s2.train.adapters import load_tokenizer


def merge_simple(base: Path, adapter: Path, folder: Path) -> None:
    """Base in bf16 plus adapter, as one model with its tokenizer, saved into `folder`."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload(safe_merge=True)
    tokenizer = load_tokenizer(adapter)
    merged.generation_config.pad_token_id = tokenizer.pad_token_id
    merged.config.pad_token_id = tokenizer.pad_token_id
    merged.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
