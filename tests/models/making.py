"""Tiny models with random weights and tokenizers of each kind, in real model folders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import (
    Gemma2Config,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    PhiConfig,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)
from transformers.models.auto import AutoModelForCausalLM

TEXT = ["### Human: Why is the sky blue? ### Assistant: The sky is blue because light scatters."] * 4
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n'"
    " + m['content'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% for m in messages %}{{ '<start_of_turn>' }}"
    "{{ 'model' if m['role'] == 'assistant' else m['role'] }}"
    "{{ '\n' + m['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
LLAMA2 = (
    "{% for m in messages %}{% if m['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + ' ' + eos_token }}{% endif %}{% endfor %}"
)
SPACES = [AddedToken(" " * n, normalized=False, special=False) for n in (2, 3, 4)]


def byte_level(special: list[str], *, start: str | None = None, **named: Any) -> PreTrainedTokenizerFast:
    """Byte-level BPE, as of GPT-2, Llama 3 and Qwen."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        TEXT, trainers.BpeTrainer(vocab_size=290, initial_alphabet=alphabet, show_progress=False)
    )
    return _finished(raw, special, start, named)


def sentencepiece(
    special: list[str], *, start: str | None = None, prefix: bool = True, **named: Any
) -> PreTrainedTokenizerFast:
    """BPE on pieces with ▁ for a space, one put first unless `prefix` is False: Llama 2, Gemma."""
    pieces = [*special, *(f"<0x{n:02X}>" for n in range(256)), "▁", *map(chr, range(33, 127))]
    raw = Tokenizer(
        models.BPE(
            {piece: n for n, piece in enumerate(pieces)}, [], unk_token="<unk>", byte_fallback=True
        )
    )
    replace = normalizers.Replace(" ", "▁")
    raw.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace]) if prefix else replace
    strip = [decoders.Strip(" ", 1, 0)] if prefix else []
    raw.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    return _finished(raw, special, start, named)


def _finished(
    raw: Tokenizer, special: list[str], start: str | None, named: dict[str, Any]
) -> PreTrainedTokenizerFast:
    raw.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    if start:
        raw.post_processor = TemplateProcessing(
            single=f"{start} $A", special_tokens=[(start, raw.token_to_id(start))]
        )
    template, spaces = named.pop("template", None), named.pop("spaces", [])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, **named)
    tokenizer.add_tokens(spaces)
    tokenizer.chat_template = template
    return tokenizer


def llama3() -> PreTrainedTokenizerFast:
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>"]
    special += ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    start = "<|begin_of_text|>"
    return byte_level(special, start=start, bos_token=start, eos_token="<|end_of_text|>", template=LLAMA3)


def gpt2() -> PreTrainedTokenizerFast:
    end = "<|endoftext|>"
    return byte_level([end], bos_token=end, eos_token=end, unk_token=end)


def neox() -> PreTrainedTokenizerFast:
    end = "<|endoftext|>"
    return byte_level([end, "<|padding|>"], bos_token=end, eos_token=end, unk_token=end, spaces=SPACES)


def phi2() -> PreTrainedTokenizerFast:
    end = "<|endoftext|>"
    return byte_level([end], bos_token=end, eos_token=end, unk_token=end, spaces=SPACES)


def qwen() -> PreTrainedTokenizerFast:
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_pad|>", "<|fim_pad|>"]
    end = "<|endoftext|>"
    return byte_level(special, eos_token=end, pad_token=end, template=CHATML)


def llama2() -> PreTrainedTokenizerFast:
    return sentencepiece(
        ["<unk>", "<s>", "</s>"],
        start="<s>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        template=LLAMA2,
    )


def phi3() -> PreTrainedTokenizerFast:
    special = ["<unk>", "<s>", "</s>", "<|endoftext|>", "<|user|>", "<|assistant|>", "<|end|>"]
    end = "<|endoftext|>"
    return sentencepiece(special, unk_token="<unk>", bos_token="<s>", eos_token=end, pad_token=end)


def gemma() -> PreTrainedTokenizerFast:
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
    return sentencepiece(
        special,
        start="<bos>",
        prefix=False,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        template=GEMMA,
    )


_SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
}
_GROUPED: dict[str, Any] = {**_SMALL, "num_key_value_heads": 2}


def _gemma3(size: dict[str, Any]) -> PretrainedConfig:
    vision = {**_SMALL, "image_size": 28, "patch_size": 14}
    return Gemma3Config(
        text_config={**_GROUPED, "head_dim": 8, **size}, vision_config=vision, mm_tokens_per_image=1
    )


# name: its tokenizer, its configuration, and how many embeddings it has to spare
ARCHITECTURES: dict[
    str, tuple[Callable[[], PreTrainedTokenizerFast], Callable[[dict[str, Any]], PretrainedConfig], int]
] = {
    "llama2": (llama2, lambda size: LlamaConfig(**_GROUPED, **size), 0),
    "llama3": (llama3, lambda size: LlamaConfig(**_GROUPED, tie_word_embeddings=True, **size), 0),
    "mistral": (llama2, lambda size: MistralConfig(**_GROUPED, **size), 0),
    "qwen2": (qwen, lambda size: Qwen2Config(**_GROUPED, tie_word_embeddings=True, **size), 7),
    "qwen3": (qwen, lambda size: Qwen3Config(**_GROUPED, head_dim=8, **size), 7),
    "gemma2": (gemma, lambda size: Gemma2Config(**_GROUPED, head_dim=8, **size), 0),
    "gemma3": (gemma, _gemma3, 0),
    "phi2": (phi2, lambda size: PhiConfig(**_SMALL, **size), 9),
    "phi3": (phi3, lambda size: Phi3Config(**_GROUPED, **size), 0),
    "neox": (neox, lambda size: GPTNeoXConfig(**_SMALL, **size), 0),
    "gpt2": (gpt2, lambda size: GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=256, **size), 0),
}


def make_model(folder: Path, name: str) -> Path:
    """A model of an architecture with its tokenizer, as a hub would hold it."""
    tokenizer_of, config_of, spare = ARCHITECTURES[name]
    tokenizer = tokenizer_of()
    size: dict[str, Any] = {"vocab_size": len(tokenizer) + spare}
    size |= {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id}
    size |= {"pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(0)
    config: Any = config_of(size)
    if name == "gemma3":
        model: Any = Gemma3ForConditionalGeneration(config)
    else:
        model = AutoModelForCausalLM.from_config(config)
    for parameter_name, parameter in model.named_parameters():
        if parameter_name.endswith("bias"):  # which begin as zeros: a lost one would not show
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
