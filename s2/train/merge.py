"""Adapters merged into their base, tensor by tensor, so that memory holds a shard and not a model.

`simple`: base in bf16 plus adapter. `careful`: what was quantised when the adapter was trained goes
through NF4 and back first, so that the adapter meets the weights that it was trained on. Deltas are
added in float32; biases and everything else stay as they are, and nothing of the quantisation is left
in the configuration.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm
from transformers import AutoConfig

from s2.kernel.errors import S2Error
from s2.kernel.files import write_json
from s2.kernel.hashes import fingerprint
from s2.models.adapters import HEAD, read_adapter, trained_in
from s2.models.loading import load_generation, load_tokenizer
from s2.models.quantized import quantized_modules, through_nf4

PREFIX = "base_model.model."
SHARD_BYTES = 2 * 10**9
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


def merge(base: Path, adapters: Sequence[Path], folder: Path, careful: bool) -> str:
    """Save the base with adapters, one on top of the other, as one bf16 model into `folder`, with the
    tokenizer, the chat template and the ends of the last one; returns the SHA-256 of its weights.

    Raises `S2Error` for an adapter with a tensor that has no place in the base.
    """
    places = tensor_places(base)
    deltas = [Deltas(path, places) for path in adapters]
    quantised = {}
    if careful and trained_in(adapters[-1]).quantization == "nf4":
        quantised = quantised_weights(base, places)
    tensors = merged_tensors(places, deltas, quantised, trained_in(adapters[-1]).dtype)
    write_shards(tqdm(tensors, total=len(places), desc="merge", unit=" tensors", disable=None), folder)
    _describe(base, adapters[-1], folder)
    return fingerprint(sorted(folder.glob("*.safetensors")))


def tensor_places(base: Path) -> dict[str, Path]:
    """For each tensor of a saved model the file that holds it, in the order of the files."""
    files = sorted(base.glob("*.safetensors"))
    if not files:
        raise S2Error(f"there is no model in {base}")
    found: dict[str, Path] = {}
    for file in files:
        with safe_open(file, "pt") as opened:
            found |= dict.fromkeys(opened.keys(), file)
    return found


class Deltas:
    """What an adapter adds to each weight of its base (Hu et al. 2021: α/r · B A)."""

    def __init__(self, folder: Path, places: Mapping[str, Path]) -> None:
        config, tensors = read_adapter(folder)
        self._config: LoraConfig = config
        self._tensors = tensors
        self._modules: dict[str, str] = {}  # weight of the base: module of the adapter
        for key in tensors:
            if key.endswith("lora_A.weight"):
                module = key.removesuffix(".lora_A.weight")
                self._modules[_place(module.removeprefix(PREFIX), places, folder)] = module
        known = {f"{module}.lora_{side}.weight" for module in self._modules.values() for side in "AB"}
        if unknown := tensors.keys() - known - {HEAD}:
            raise S2Error(f"{folder}: {min(unknown)} is no part of a LoRA adapter that can be merged")

    def of(self, name: str) -> Tensor | None:
        """What is added to a weight, in float32, or None."""
        if name not in self._modules:
            return None
        module = self._modules[name]
        down = self._tensors[f"{module}.lora_A.weight"].float()
        up = self._tensors[f"{module}.lora_B.weight"].float()
        delta = (up @ down) * (self._config.lora_alpha / self._config.r)
        return delta.T if self._config.fan_in_fan_out else delta


def quantised_weights(base: Path, places: Mapping[str, Path]) -> dict[str, bool]:
    """The weights of a base that training in NF4 quantises, by their names in its files."""
    return {
        _place(module, places, base): transposed for module, transposed in quantized_modules(base).items()
    }


def _place(module: str, places: Mapping[str, Path], folder: Path) -> str:
    """The tensor that holds a module's weight. A model of several towers may be saved under names that
    differ from its modules' at the front: then it is the one of the same layer and place whose front
    has most in common with the module's."""
    parts = f"{module}.weight".split(".")
    if ".".join(parts) in places:
        return ".".join(parts)
    layer = next((place for place, part in enumerate(parts) if part.isdigit()), len(parts) - 1)
    front, tail = set(parts[: layer - 1]), "." + ".".join(parts[layer - 1 :])
    shared = {
        name: len(front & set(name.removesuffix(tail).split(".")))
        for name in places
        if name.endswith(tail)
    }
    best = [name for name, count in shared.items() if count == max(shared.values())]
    if len(best) != 1:
        raise S2Error(f"{folder}: the base has no weight for {module}")
    return best[0]


def merged_tensors(
    places: Mapping[str, Path], deltas: Sequence[Deltas], quantised: Mapping[str, bool], dtype: str
) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of the merged model by its name, one at a time."""
    for name, file in places.items():
        with safe_open(file, "pt") as opened:
            tensor = opened.get_tensor(name)
        if tensor.is_floating_point():
            tensor = tensor.to(torch.bfloat16)
        if name in quantised:
            tensor = through_nf4(tensor, getattr(torch, dtype), transposed=quantised[name])
        added = [delta for each in deltas if (delta := each.of(name)) is not None]
        total = tensor.float() if added else tensor
        for delta in added:
            total = total + delta
        yield name, total.to(torch.bfloat16) if tensor.is_floating_point() else tensor


def write_shards(tensors: Iterator[tuple[str, Tensor]], folder: Path, most: int = SHARD_BYTES) -> None:
    """Write tensors as safetensors files of at most `most` bytes, with an index if they are several."""
    shards: list[list[str]] = []
    waiting: dict[str, Tensor] = {}
    held = total = 0
    for name, tensor in tensors:
        size = tensor.numel() * tensor.element_size()
        if waiting and held + size > most:
            shards.append(_write(waiting, folder, len(shards)))
            waiting, held = {}, 0
        waiting[name] = tensor.contiguous()
        held += size
        total += size
    shards.append(_write(waiting, folder, len(shards)))
    if len(shards) == 1:
        _part(folder, 0).replace(folder / WEIGHTS)
        return
    names = [f"model-{number + 1:05d}-of-{len(shards):05d}.safetensors" for number in range(len(shards))]
    for number, name in enumerate(names):
        _part(folder, number).replace(folder / name)
    index = {tensor: name for name, held_in in zip(names, shards, strict=True) for tensor in held_in}
    write_json(folder / INDEX, {"metadata": {"total_size": total}, "weight_map": index})


def _part(folder: Path, number: int) -> Path:
    return folder / f"part-{number}.safetensors"


def _write(tensors: dict[str, Tensor], folder: Path, number: int) -> list[str]:
    save_file(tensors, _part(folder, number), {"format": "pt"})
    return list(tensors)


def _describe(base: Path, adapter: Path, folder: Path) -> None:
    """The configuration, the tokenizer, and the ends."""
    tokenizer = load_tokenizer(adapter)
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    config.pop("quantization_config", None)
    config["dtype"] = "bfloat16"
    text = AutoConfig.from_pretrained(base).get_text_config()
    inner = config.get("text_config")
    where = inner if isinstance(inner, dict) and text.model_type == inner.get("model_type") else config
    where["pad_token_id"] = tokenizer.pad_token_id
    write_json(folder / "config.json", config)
    tokenizer.save_pretrained(folder)
    generation = load_generation(adapter) or load_generation(base)
    if generation is not None:
        generation.pad_token_id = tokenizer.pad_token_id
        generation.save_pretrained(folder)
