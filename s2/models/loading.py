"""Models and their tokenizers in memory, on the device that there is."""

from pathlib import Path
from typing import NamedTuple

import torch
from peft import PeftModel
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from s2.kernel.errors import S2Error
from s2.models.lora import lean
from s2.models.quantized import load_quantized
from s2.models.tokens import choose_padding, end_tokens
from s2.params.base import Dtype, Quantization


class Loaded(NamedTuple):
    """A model, its tokenizer, and the settings that say where it ends."""

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    generation: GenerationConfig | None


def device() -> torch.device:
    """The accelerator, or else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder, its padding token apart from its ends; raises `S2Error` if it
    has none to spare, which a base of the graph always has."""
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    chosen = choose_padding(tokenizer, end_tokens(tokenizer, load_generation(folder)))
    if chosen is None:
        raise S2Error(f"the tokenizer in {folder} has no token to pad with: bring it in as model.base")
    tokenizer.pad_token = chosen
    return tokenizer


def load_generation(folder: Path) -> GenerationConfig | None:
    """A model folder's generation settings, if it has any."""
    if not (folder / "generation_config.json").is_file():
        return None
    return GenerationConfig.from_pretrained(folder)


def load_model(
    folder: Path, dtype: Dtype, quantization: Quantization = "none", scalar: bool = False
) -> PreTrainedModel:
    """A causal language model in `dtype`, or in NF4 with computing in it, in evaluation mode; with
    `scalar` it has a single fresh score in place of its head. Raises `S2Error` if there is none."""
    if not (folder / "config.json").is_file():
        raise S2Error(f"there is no model in {folder}")
    if quantization == "nf4":
        return load_quantized(folder, dtype, scalar).eval()
    kind = AutoModelForSequenceClassification if scalar else AutoModelForCausalLM
    options = {"num_labels": 1} if scalar else {}
    model: PreTrainedModel = kind.from_pretrained(folder, dtype=getattr(torch, dtype), **options)
    model.to(device())  # type: ignore[arg-type]  # the stubs lose `self` behind a decorator
    return model.eval()


def load_answering(folder: Path, base: Path, dtype: Dtype, quantization: Quantization) -> Loaded:
    """The model in a folder, ready to answer; an adapter's on `base`, without a merge."""
    if not (folder / "adapter_config.json").is_file():
        model = load_model(folder, dtype, quantization)
        return Loaded(model, load_tokenizer(folder), load_generation(folder))
    adapted = PeftModel.from_pretrained(load_model(base, dtype, quantization), str(folder))
    lean(adapted)
    return Loaded(adapted.eval(), load_tokenizer(folder), load_generation(folder))
