"""Models in NF4, for QLoRA (Dettmers et al. 2023, arXiv:2305.14314)."""

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    BitsAndBytesConfig,
    PreTrainedModel,
)
from transformers.pytorch_utils import Conv1D
from transformers.quantizers.base import get_keys_to_not_convert
from transformers.quantizers.quantizers_utils import should_convert_module

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


def quantized_modules(folder: Path) -> dict[str, bool]:
    """The names of the modules whose weights `load_quantized` puts into NF4: every linear layer but the
    head, by the model's structure, without its weights; True of one that keeps its weight transposed
    (GPT-2's Conv1D)."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    kept = get_keys_to_not_convert(model)
    return {
        name: isinstance(module, Conv1D)
        for name, module in model.named_modules()
        if (type(module) is nn.Linear or isinstance(module, Conv1D)) and should_convert_module(name, kept)
    }


def through_nf4(weight: Tensor, dtype: torch.dtype, transposed: bool = False) -> Tensor:
    """A weight as training in `dtype` sees it: quantised as `load_quantized` does (in blocks of 64,
    doubly), and back in `dtype`. `transposed` says that it is [in, out] instead of [out, in]."""
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    weight = weight.to(dtype)
    laid = weight.T.contiguous() if transposed else weight.contiguous()
    packed, state = quantize_4bit(laid, blocksize=BLOCK, compress_statistics=True, quant_type="nf4")
    found: Tensor = dequantize_4bit(packed, state).to(dtype)
    return found.T.contiguous() if transposed else found
