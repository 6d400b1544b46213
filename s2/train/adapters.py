"""The base model in memory, plain or quantised, and LoRA adapters on it.

(LoRA: Hu et al. 2021, arXiv:2106.09685; QLoRA's NF4: Dettmers et al. 2023, arXiv:2305.14314.)
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from s2.errors import S2Error
from s2.params import Lora, Sft
from s2.train.prompts import set_padding


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model folder, its padding token apart from its end token."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    set_padding(tokenizer)
    return tokenizer


def load_for_training(folder: Path, sft: Sft) -> Any:
    """The base model as training wants it: in `sft.dtype`, or in NF4 with computing in it."""
    dtype = getattr(torch, sft.dtype)
    if sft.quantization == "none":
        return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    if find_spec("bitsandbytes") is None:
        raise S2Error("sft.quantization nf4 needs bitsandbytes: pip install -e '.[qlora]'")
    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, quantization_config=quantization)
    return prepare_model_for_kbit_training(model, use_gradient_checkpointing=sft.gradient_checkpointing)


def lora_config(lora: Lora) -> LoraConfig:
    """PEFT's configuration of a causal language model's adapter."""
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets,
        task_type="CAUSAL_LM",
    )
