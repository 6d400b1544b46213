"""Adapters merged into their base."""

from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, PreTrainedModel

from s2.models.loading import load_generation, load_tokenizer


def merge_simple(base: Path, adapter: Path, folder: Path) -> None:
    """Base in bf16 plus adapter, as one model, saved into `folder` with the tokenizer, the chat template
    and the ends that it was trained with."""
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload(safe_merge=True)
    tokenizer = load_tokenizer(adapter)
    merged.generation_config = load_generation(adapter) or merged.generation_config
    merged.generation_config.pad_token_id = tokenizer.pad_token_id
    merged.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    merged.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
