"""Models and their tokenizers in memory, on the device that there is."""

from pathlib import Path

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
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
