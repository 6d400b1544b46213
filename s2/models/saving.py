"""A causal language model as the graph keeps it: bf16 safetensors with its tokenizer."""

from pathlib import Path

import torch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    GgufConfig,
    LlamaConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from s2.kernel.errors import S2Error
from s2.models.encoding import Encoder
from s2.models.tokens import end_tokens, set_padding
from s2.params.models import Fresh, PromptStyle


def save_causal_model(
    files: Path, folder: Path, fresh: Fresh | None = None, style: PromptStyle = "s2"
) -> None:
    """Save a causal language model and its tokenizer as bf16 safetensors into `folder`.

    `files` is a folder of safetensors, or a GGUF file, whose weights are dequantised. With `fresh`
    the tokenizer alone is theirs, and the model one with random weights in that size. The tokenizer
    gets a padding token that ends nothing; raises `S2Error` if rows of `style` cannot be put together
    with it, which would else be found after hours.
    """
    gguf = {"gguf_file": files.name} if files.suffix == ".gguf" else {}
    where = files.parent if gguf else files
    if not gguf and not any(files.glob("*.safetensors")):
        raise S2Error(f"{files} holds no *.safetensors; other weight formats are not loaded")
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(where, **gguf)
    if tokenizer.eos_token_id is None:
        raise S2Error(f"the tokenizer in {files} has no end token (eos_token)")
    model = _fresh_model(tokenizer, fresh) if fresh else _model(where, gguf)
    _pad(model, tokenizer)
    if not Encoder(tokenizer, style, model.generation_config).row(
        "### Human: a ### Assistant:", "b", 4096
    ):
        raise S2Error(f"the tokenizer in {files} cannot put a row together")
    model.config._name_or_path = ""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def save_asking(encoder: Encoder, folder: Path) -> None:
    """Save what answering with an adapter takes: the tokenizer with the chat template that it was
    trained in, and the tokens at which it ends."""
    encoder.tokenizer.chat_template = encoder.template
    encoder.tokenizer.save_pretrained(folder)
    ends = encoder.ends
    GenerationConfig(
        bos_token_id=encoder.tokenizer.bos_token_id,
        eos_token_id=ends if len(ends) > 1 else ends[0],
        pad_token_id=encoder.tokenizer.pad_token_id,
    ).save_pretrained(folder)


def _pad(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Set the padding token of both; embeddings grow only where the model has no row for it."""
    set_padding(tokenizer, end_tokens(tokenizer, model.generation_config))
    embeddings = model.get_input_embeddings()
    assert isinstance(embeddings, nn.Embedding)
    wanted = int(tokenizer.pad_token_id) + 1
    if wanted > embeddings.num_embeddings:
        torch.manual_seed(0)  # the same new rows every time
        model.resize_token_embeddings(wanted, mean_resizing=False)
    model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    if model.generation_config is not None:
        model.generation_config.pad_token_id = tokenizer.pad_token_id


def _model(where: Path, gguf: dict[str, str]) -> PreTrainedModel:
    options: dict[str, object] = dict(gguf)
    if gguf:
        options["quantization_config"] = GgufConfig(dequantize=True, **gguf)
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(where, dtype=torch.bfloat16, **options)
    vars(model).pop("hf_quantizer", None)
    vars(model.config).pop("quantization_config", None)
    return model


def _fresh_model(tokenizer: PreTrainedTokenizerBase, size: Fresh) -> PreTrainedModel:
    """A Llama with random weights, the same ones every time, and four attention heads."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.hidden,
        intermediate_size=4 * size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
