"""Model files as the graph keeps them: bf16 safetensors with a tokenizer, and encoders as they are."""

import shutil
from pathlib import Path

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GgufConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from s2.kernel.errors import S2Error
from s2.params.models import Fresh


def save_causal_model(files: Path, folder: Path, fresh: Fresh | None = None) -> None:
    """Save a causal language model and its tokenizer as bf16 safetensors into `folder`.

    `files` is a folder of safetensors, or a GGUF file, whose weights are dequantised. With `fresh`
    the model has random weights in that size instead, and of the files the architecture and the
    tokenizer alone.
    """
    gguf = {"gguf_file": files.name} if files.suffix == ".gguf" else {}
    where = files.parent if gguf else files
    if not gguf and not any(files.glob("*.safetensors")):
        raise S2Error(f"{files} holds no *.safetensors; other weight formats are not loaded")
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(where, **gguf)
    model = _fresh_model(where, gguf, fresh) if fresh else _model(where, gguf)
    model.config._name_or_path = ""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _model(where: Path, gguf: dict[str, str]) -> PreTrainedModel:
    options: dict[str, object] = dict(gguf)
    if gguf:
        options["quantization_config"] = GgufConfig(dequantize=True, **gguf)
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(where, dtype=torch.bfloat16, **options)
    vars(model).pop("hf_quantizer", None)
    vars(model.config).pop("quantization_config", None)
    return model


def _fresh_model(where: Path, gguf: dict[str, str], size: Fresh) -> PreTrainedModel:
    """Random weights, the same ones every time, with four attention heads."""
    config = AutoConfig.from_pretrained(where, **gguf)
    config.num_hidden_layers, config.hidden_size = size.layers, size.hidden
    config.intermediate_size = 4 * size.hidden
    config.num_attention_heads = config.num_key_value_heads = 4
    config.head_dim = size.hidden // 4
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)


def copy_encoder(files: Path, folder: Path) -> None:
    """Copy a sentence encoder's folder, and check that it has what it needs."""
    if not (files / "config.json").is_file() or not any(files.glob("*.safetensors")):
        raise S2Error(f"{files} is no sentence encoder: config.json and *.safetensors are needed")
    shutil.copytree(files, folder, dirs_exist_ok=True)
