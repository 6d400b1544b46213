"""Models in NF4, for QLoRA (Dettmers et al. 2023, arXiv:2305.14314)."""

from pathlib import Path

import torch
from peft import prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel

from s2.kernel.errors import S2Error


def load_quantized(folder: Path, dtype: str, gradient_checkpointing: bool) -> PreTrainedModel:
    """A causal language model in NF4 with double quantisation, computing in `dtype`, to be trained
    with adapters; raises `S2Error` where bitsandbytes is not installed."""
    try:
        import bitsandbytes  # noqa: F401  # transformers imports it; here its version counts
    except ImportError:
        raise S2Error("quantization nf4 needs bitsandbytes: pip install -e '.[qlora]'") from None
    compute = getattr(torch, dtype)
    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
    )
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        folder, dtype=compute, quantization_config=quantization
    )
    return prepare_model_for_kbit_training(model, use_gradient_checkpointing=gradient_checkpointing)
