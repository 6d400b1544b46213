"""Models in memory: plain or in NF4, on the device that there is, with their tokenizers.

(QLoRA's NF4: Dettmers et al. 2023, arXiv:2305.14314.)
"""

from pathlib import Path

import torch
from peft import prepare_model_for_kbit_training
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from s2.kernel.errors import S2Error
from s2.models.encoding import set_padding


def device() -> torch.device:
    """The accelerator, or else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder, its padding token apart from its end token."""
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    set_padding(tokenizer)
    return tokenizer


def load_model(folder: Path, dtype: str) -> PreTrainedModel:
    """A causal language model in `dtype`, ready to answer; raises `S2Error` if there is none."""
    if not (folder / "config.json").is_file():
        raise S2Error(f"there is no model in {folder}")
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    model.to(device())  # type: ignore[arg-type]  # the stubs lose `self` behind a decorator
    return model.eval()


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
