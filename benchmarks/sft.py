"""Fine-tuning an adapter by the sample's settings, against TRL's SFTTrainer as it comes.

The same base, rows, rank, passes, steps of 8 rows, and precision: bf16, TRL's default, where the CPU
multiplies in it, or else float32, since bf16 would take TRL many times as long there. TRL's other
defaults: gradient checkpointing, all layers, 8 rows in a forward pass. Ours: rows of like length
together, 2 in a forward pass, which a CPU's caches like better than 8; the sample's upper layers.

python -m benchmarks.sft [rows, 16 by default]   (after `dvc repro base datasets@eli5`)
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import yaml
from datasets import Dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

from benchmarks.measure import measure, promise
from s2.kernel.tables import read_rows
from s2.models.encoding import Encoder
from s2.models.loading import load_model, load_tokenizer
from s2.params.base import Dtype
from s2.params.train import SftModel
from s2.train.sft import encode, make_trainer

BASE = Path("models/base")
CPU = torch.cpu.get_capabilities()
DTYPE: Dtype = "bfloat16" if CPU.get("avx512_bf16") or CPU.get("amx_bf16") else "float32"
ROWS = Path("data/sft/eli5/train.parquet")


def shortest(count: int) -> list[dict[str, Any]]:
    rows = read_rows(ROWS)
    return sorted(rows, key=lambda row: len(row["prompt"]) + len(row["completion"]))[:count]


def ours(count: int) -> tuple[int, float]:
    """Tokens, and seconds of the training alone."""
    section = yaml.safe_load(Path("profiles/sample.yaml").read_text(encoding="utf-8"))["sft"]
    del section["models"]
    faster = {"dtype": DTYPE, "batch_size": 2, "grad_accumulation": 4, "group_by_length": True}
    sft = SftModel.model_validate(section | {"data": "eli5", "epochs": 1} | faster)
    encoder = Encoder(load_tokenizer(BASE))
    rows = encode(encoder, shortest(count), 1024)
    with TemporaryDirectory() as folder:
        trainer = make_trainer(load_model(BASE, DTYPE), encoder, rows, rows[:1], sft, 1, Path(folder))
        began = time.perf_counter()
        trainer.train()
    return sum(len(row.input_ids) for row in rows), time.perf_counter() - began


def trl(count: int) -> tuple[int, float]:
    """The same with TRL's own defaults, but for a precision that the CPU lacks."""
    rows = [{name: row[name] for name in ("prompt", "completion")} for row in shortest(count)]
    with TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder,
            num_train_epochs=1,
            report_to="none",
            use_cpu=True,
            save_strategy="no",
            bf16=DTYPE == "bfloat16",
        )
        trainer = SFTTrainer(
            model=str(BASE),
            args=arguments,
            train_dataset=Dataset.from_list(rows),
            peft_config=LoraConfig(
                r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"
            ),
        )
        made: Any = trainer.train_dataset
        tokens = sum(len(row["input_ids"]) for row in made)
        began = time.perf_counter()
        trainer.train()
    return tokens, time.perf_counter() - began


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 16
    print(f"{count} rows, one pass, both in {DTYPE}")
    speeds = []
    for name, function in (("TRL's defaults", trl), ("ours", ours)):
        found = measure(function, count)
        tokens, seconds = found.result
        speeds.append(tokens / seconds)
        print(f"  {name:15} {found}, {tokens} tokens in {seconds:.1f} s: {speeds[-1]:.1f} tokens/s")
    promise("ours against TRL's defaults, tokens a second", speeds[1] / speeds[0], least=1.5)


if __name__ == "__main__":
    main()
