"""LoRA adapters on a base (Hu et al. 2021, arXiv:2106.09685)."""

import json
import re
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from s2.kernel.errors import S2Error
from s2.kernel.files import write_json
from s2.models.lora import lean
from s2.params.base import Dtype, Quantization
from s2.params.train import Lora


def lora_config(lora: Lora, model: PreTrainedModel) -> LoraConfig:
    """PEFT's configuration of a causal language model's adapter; raises `S2Error` for a target that
    the model does not have."""
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=target_modules(model, lora.targets, lora.layers),
        task_type="CAUSAL_LM",
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
    )


def target_modules(
    model: PreTrainedModel, targets: list[str] | str, layers: int | None = None
) -> list[str] | str:
    """Names of the modules to adapt: those that `targets` names, or with `all-linear` every linear
    layer of the language model but its head; of its last `layers` layers alone, or of all.

    A model that also sees or hears (Gemma 3) has layers of the same names in its towers: there the
    result is a pattern of the language model's own.
    """
    decoder = model.get_decoder()
    inside = {id(module) for module in decoder.modules()}
    linear = dict(_linear(model))
    ours = {name.rpartition(".")[2] for name, module in linear.items() if id(module) in inside}
    chosen = sorted(ours if targets == "all-linear" else targets)
    if unknown := sorted(set(chosen) - ours):
        raise S2Error(
            f"sft.lora.targets: the model has no linear layer {', '.join(unknown)}; "
            f"there are: {', '.join(sorted(ours))}"
        )
    if layers is not None:
        within = [
            (int(number[1]), name)
            for name, module in linear.items()
            if id(module) in inside
            and name.rpartition(".")[2] in chosen
            and (number := re.search(r"\.(\d+)\.", name))
        ]
        first = max(number for number, _ in within) + 1 - layers
        return sorted(name for number, name in within if number >= first)
    if all(id(module) in inside for name, module in linear.items() if name.rpartition(".")[2] in chosen):
        return chosen
    root = next(name for name, module in model.named_modules() if module is decoder)
    return rf"{re.escape(root)}\..*\.(?:{'|'.join(map(re.escape, chosen))})"


def _linear(model: PreTrainedModel) -> Iterator[tuple[str, nn.Module]]:
    """The linear layers (GPT-2's are called Conv1D), the head left out."""
    head = model.get_output_embeddings()
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | Conv1D) and module is not head:
            yield name, module


HEAD = "base_model.model.score.weight"  # a reward adapter's tensor beside those of LoRA


def read_adapter(folder: Path) -> tuple[LoraConfig, dict[str, Tensor]]:
    """An adapter's configuration and tensors; raises `S2Error` if the folder holds none."""
    if not (folder / "adapter_model.safetensors").is_file():
        raise S2Error(f"there is no adapter in {folder}")
    config = LoraConfig.from_pretrained(str(folder))
    assert isinstance(config, LoraConfig)
    return config, load_file(folder / "adapter_model.safetensors")


def add_adapter(
    model: PreTrainedModel | PeftModel, folder: Path, name: str, task: str = "CAUSAL_LM"
) -> PeftModel:
    """The model with the LoRA tensors of the adapter in `folder` as its adapter `name`, in float32,
    whatever task the folder's is for. A causal model has no place for a reward adapter's head; a
    sequence classifier (`SEQ_CLS`) keeps its own where the adapter has none.

    Raises `S2Error` if a tensor is missing or has no place, since PEFT would go on with fresh ones.
    """
    found, tensors = read_adapter(folder)
    config = LoraConfig(
        r=found.r,
        lora_alpha=found.lora_alpha,
        lora_dropout=found.lora_dropout,
        target_modules=found.target_modules,
        fan_in_fan_out=found.fan_in_fan_out,
        modules_to_save=["score"] if task == "SEQ_CLS" else None,
        task_type=task,
    )
    if isinstance(model, PeftModel):
        model.add_adapter(name, config)
    else:
        model = get_peft_model(model, config, adapter_name=name)
    lora = {key: tensor for key, tensor in tensors.items() if key != HEAD}
    if task == "SEQ_CLS":
        inner: Any = model.get_base_model()
        lora[HEAD] = tensors.get(HEAD, inner.score.original_module.weight.data)
    outcome: Any = set_peft_model_state_dict(model, lora, adapter_name=name)
    wanted = [key for key in outcome.missing_keys if f"lora_A.{name}." in key or f"lora_B.{name}." in key]
    if wanted or outcome.unexpected_keys:
        wrong = [*wanted, *outcome.unexpected_keys]
        raise S2Error(f"the adapter in {folder} is not of this model: {len(wrong)} tensors, {wrong[0]} …")
    for key, parameter in model.named_parameters():
        if f".{name}." in key:
            parameter.data = parameter.data.float()
    lean(model)
    return model


class Trained(NamedTuple):
    """How the base was loaded when an adapter was trained on it."""

    dtype: Dtype
    quantization: Quantization


TRAINED = "training.json"


def note_training(folder: Path, dtype: Dtype, quantization: Quantization) -> None:
    """Write beside an adapter how its base was loaded, for merges."""
    write_json(folder / TRAINED, Trained(dtype, quantization)._asdict())


def trained_in(folder: Path) -> Trained:
    """What `note_training` wrote; of an adapter from elsewhere QLoRA's usual, NF4 and bf16."""
    if not (folder / TRAINED).is_file():
        return Trained("bfloat16", "nf4")
    return Trained(**json.loads((folder / TRAINED).read_text(encoding="utf-8")))


def switch(model: PeftModel, name: str) -> None:
    """Make the adapter `name` the active one. PEFT's switch also sets what is trainable (peft#2759,
    #3447); here that stays what it was."""
    trainable = {id(parameter) for parameter in model.parameters() if parameter.requires_grad}
    for layer in model.modules():
        if isinstance(layer, BaseTunerLayer):
            layer.set_adapter(name)
    train_only(model, trainable)


def train_only(model: PeftModel, trainable: Container[int]) -> None:
    """Let those parameters of a model learn whose `id` is among `trainable`."""
    for parameter in model.parameters():
        parameter.requires_grad_(id(parameter) in trainable)


@contextmanager
def active(model: PeftModel, name: str) -> Iterator[None]:
    """Let the adapter `name` be the active one for a while, in place of the model's own."""
    switch(model, name)
    try:
        yield
    finally:
        switch(model, str(model.active_adapter))


def save_adapter(model: PeftModel, folder: Path, name: str = "default") -> None:
    """Save a model's adapter `name`; the names of its modules, which PEFT keeps as a set, in order, so
    that the same adapter is the same bytes. PEFT's card, a form that nobody has filled in, is left out:
    the stage `model_cards` writes one with scores."""
    model.save_pretrained(str(folder), selected_adapters=[name])
    for file in (folder / name).glob("*"):  # PEFT's place for all but `default`
        file.replace(folder / file.name)
    if (folder / name).is_dir():
        (folder / name).rmdir()
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    write_json(path, config)
