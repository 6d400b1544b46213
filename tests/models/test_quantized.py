"""What computes in what under QLoRA: NF4 and bf16, adapters and their moments in float32."""

from pathlib import Path
from typing import Any

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from torch import nn

from s2.models.encoding import Encoder
from s2.models.generation import Answerer
from s2.models.loading import load_answering, load_model, load_tokenizer
from s2.models.prompts import format_prompt
from s2.train.sft import SftRun, encode, make_trainer, train
from tests.models.test_generation import settings as answering
from tests.train.test_sft import ROWS, settings

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("checkpointing", [False, True])
def test_every_part_computes_in_its_dtype(in_tmp: Path, tiny_model: Path, checkpointing: bool) -> None:
    parameters = settings(
        quantization="nf4",
        dtype="bfloat16",
        gradient_checkpointing=checkpointing,
        optimizer="adamw_torch",
    )
    encoder = Encoder(load_tokenizer(tiny_model))
    rows = encode(encoder, ROWS[:4], 128)
    model: Any = load_model(tiny_model, "bfloat16", "nf4")
    seen: dict[str, set[torch.dtype]] = {}
    trainer: Any = make_trainer(model, encoder, rows, rows, parameters, 1, in_tmp / "checkpoints")
    watched: dict[str, type[nn.Module]] = {
        "embeddings": nn.Embedding,
        "norms": type(model.model.norm),
        "attention": type(model.model.layers[0].self_attn),
        "layers": type(model.model.layers[0]),
    }
    for module in trainer.model.modules():
        for part, kind in watched.items():
            if isinstance(module, kind):
                module.register_forward_hook(watch(seen.setdefault(part, set())))
    trainer.train()
    assert seen == {part: {torch.bfloat16} for part in watched}

    trained = trainer.model
    quantised = [module for module in trained.modules() if isinstance(module, Linear4bit)]
    assert len(quantised) == 2 * 7 and all(layer.weight.dtype == torch.uint8 for layer in quantised)
    for name, parameter in trained.named_parameters():
        assert parameter.requires_grad == ("lora_" in name), name
        if parameter.requires_grad:
            assert parameter.dtype == torch.float32, name
        elif parameter.dtype != torch.uint8:
            assert parameter.dtype == torch.bfloat16, name
    moments = [
        value
        for state in trainer.optimizer.state.values()
        for name, value in state.items()
        if name.startswith("exp_avg")
    ]
    assert len(moments) == 2 * 2 * 14 and all(moment.dtype == torch.float32 for moment in moments)


def watch(dtypes: set[torch.dtype]) -> Any:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        dtypes.add((output[0] if isinstance(output, tuple) else output).dtype)

    return hook


def test_an_adapter_answers_on_its_base_without_a_merge(in_tmp: Path, tiny_model: Path) -> None:
    run = SftRun("some", tiny_model, in_tmp / "checkpoints", in_tmp / "adapter", "s2", 0.5)
    train(run, ROWS[:8], ROWS[8:], settings(quantization="nf4", epochs=8), seed=1)
    prompts = [format_prompt("Why 1?"), format_prompt("Why 2?")]
    said = {}
    for quantization in ("none", "nf4"):
        loaded = load_answering(in_tmp / "adapter", tiny_model, "float32", quantization)
        said[quantization] = Answerer(loaded).answer(prompts, answering(0, 2, new=12), seed=1)
        assert loaded.model.peft_config and loaded.generation is not None
    base = Answerer(load_answering(tiny_model, tiny_model, "float32", "none"))
    assert said["none"] == said["nf4"] != base.answer(prompts, answering(0, 2, new=12), seed=1)
