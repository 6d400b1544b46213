"""Models in NF4, for QLoRA (Dettmers et al. 2023, arXiv:2305.14314)."""

from pathlib import Path

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    BitsAndBytesConfig,
    PreTrainedModel,
)

from s2.kernel.errors import S2Error


BLOCK = 64  # weights that share a scale


def load_quantized(folder: Path, dtype: str, scalar: bool = False) -> PreTrainedModel:
    """A causal language model (or with `scalar` one with a single score in place of its head), its
    linear layers in NF4 with double quantisation, all else (embeddings, norms, head) and all computing
    in `dtype`, frozen; raises `S2Error` where bitsandbytes is not installed."""
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
        llm_int8_skip_modules=["score"] if scalar else None,
    )
    kind = AutoModelForSequenceClassification if scalar else AutoModelForCausalLM
    model: PreTrainedModel = kind.from_pretrained(
        folder,
        dtype=compute,
        quantization_config=quantization,
        device_map={"": torch.cuda.current_device()} if torch.cuda.is_available() else None,
        **({"num_labels": 1} if scalar else {}),
    )
    # Not PEFT's prepare_model_for_kbit_training: it casts all that is not quantised to float32, the
    # residual stream and attention with it, which costs twice the activations.
    model.requires_grad_(False)
    return model
