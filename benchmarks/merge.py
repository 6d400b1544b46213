"""Merging an adapter into a base of Llama-2-7b's shape, against PEFT's `merge_and_unload`.

The base's weights are random, one layer's for all, and lie with the results in .bench: 14 GB each.

python -m benchmarks.merge [layers, 32 by default]   (after `dvc repro base`, for its tokenizer)
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, LlamaConfig

from benchmarks.measure import measure, promise
from s2.kernel.hashes import fingerprint
from s2.models.adapters import note_training
from s2.models.encoding import Encoder
from s2.models.loading import load_tokenizer
from s2.models.saving import save_asking
from s2.train.merge import merge, write_shards

TOKENIZER = Path("models/base")
FOLDER = Path(".bench/merge")
HIDDEN, INNER, RANK = 4096, 11008, 16
ATTENTION = {f"self_attn.{name}_proj": (HIDDEN, HIDDEN) for name in "qkvo"}
MLP = {f"mlp.{name}_proj": (INNER, HIDDEN) for name in ("gate", "up")}
MODULES = ATTENTION | MLP | {"mlp.down_proj": (HIDDEN, INNER)}


def make_base(folder: Path, layers: int) -> None:
    tokenizer = load_tokenizer(TOKENIZER)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        intermediate_size=INNER,
        num_hidden_layers=layers,
        num_attention_heads=32,
        pad_token_id=tokenizer.pad_token_id,
        dtype="bfloat16",
    )
    config.architectures = ["LlamaForCausalLM"]
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_shards(tensors(len(tokenizer), layers), folder)


def tensors(words: int, layers: int) -> Iterator[tuple[str, Tensor]]:
    def random(rows: int, columns: int) -> Tensor:
        return torch.randn(rows, columns, dtype=torch.bfloat16) * 0.02

    torch.manual_seed(0)
    one = {name: random(*shape) for name, shape in MODULES.items()}
    norms = ("input_layernorm", "post_attention_layernorm")
    yield "model.embed_tokens.weight", random(words, HIDDEN)
    for layer in range(layers):
        for name, weight in one.items():
            yield f"model.layers.{layer}.{name}.weight", weight.clone()
        for name in norms:
            yield f"model.layers.{layer}.{name}.weight", torch.ones(HIDDEN, dtype=torch.bfloat16)
    yield "model.norm.weight", torch.ones(HIDDEN, dtype=torch.bfloat16)
    yield "lm_head.weight", random(words, HIDDEN)


def make_adapter(base: Path, folder: Path, layers: int) -> None:
    targets = [name.split(".")[1] for name in MODULES]
    LoraConfig(
        r=RANK,
        lora_alpha=2 * RANK,
        target_modules=targets,
        task_type="CAUSAL_LM",
        base_model_name_or_path=str(base),
    ).save_pretrained(str(folder))
    found = {}
    for layer in range(layers):
        for name, (rows, columns) in MODULES.items():
            module = f"base_model.model.model.layers.{layer}.{name}"
            found[f"{module}.lora_A.weight"] = torch.randn(RANK, columns) * 0.02
            found[f"{module}.lora_B.weight"] = torch.randn(rows, RANK) * 0.02
    save_file(found, folder / "adapter_model.safetensors")
    note_training(folder, "bfloat16", "nf4")
    save_asking(Encoder(load_tokenizer(base)), folder)


def ours(base: Path, adapter: Path, folder: Path, careful: bool) -> str:
    folder.mkdir()
    return merge(base, [adapter], folder, careful)


def peft(base: Path, adapter: Path, folder: Path) -> str:
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    PeftModel.from_pretrained(model, str(adapter)).merge_and_unload().save_pretrained(folder)
    return fingerprint(sorted(folder.glob("*.safetensors")))


def main() -> None:
    layers = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    shutil.rmtree(FOLDER, ignore_errors=True)
    base, adapter = FOLDER / "base", FOLDER / "adapter"
    base.mkdir(parents=True)
    adapter.mkdir()
    make_base(base, layers)
    make_adapter(base, adapter, layers)
    size = sum(file.stat().st_size for file in base.glob("*.safetensors"))
    print(f"{layers} layers, {size / 1e9:.1f} GB")
    peaks = {}
    for name, function, arguments in (
        ("PEFT's merge_and_unload", peft, ()),
        ("ours, simple", ours, (False,)),
        ("ours, careful", ours, (True,)),
    ):
        found = measure(function, base, adapter, FOLDER / "merged", *arguments)
        shutil.rmtree(FOLDER / "merged")
        print(f"  {name:24} {found}")
        peaks[name] = found.peak_mb
    shutil.rmtree(FOLDER)
    worst = max(peaks["ours, simple"], peaks["ours, careful"])
    promise("peak memory against PEFT's", worst / peaks["PEFT's merge_and_unload"], most=0.5)
    promise("peak memory, GB", worst / 1000, most=6)


if __name__ == "__main__":
    main()
