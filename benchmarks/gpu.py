"""QLoRA SFT, DPO and PPO of a Llama of 7B's shape with random weights: tokens/s, peak memory, MFU.

Needs a CUDA GPU of 24 GB or more, bitsandbytes, and 14 GB of disk in .bench. Without one it runs the
same code on the CPU at a small size, in float32, to show that it runs:

python -m benchmarks.gpu [rows, 32 by default]   (after `dvc repro base`, for its tokenizer)

MFU (Chowdhery et al. 2022, arXiv:2204.02311) counts 4 operations a parameter and token: forward, and
backward through activations alone, since the base is frozen. A GPU's peak is that of bf16 without
sparsity; PPO's tokens are those of its rollouts.
"""

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

from s2.models.adapters import save_adapter
from s2.models.encoding import Encoder
from s2.models.loading import load_model, load_tokenizer
from s2.models.reward import fresh_reward
from s2.models.sampling import Sampler
from s2.models.saving import save_asking
from s2.params.align import DpoModel, PpoModel
from s2.params.train import SftModel
from s2.quality.readability import scorer
from s2.train import dpo as dpo_trainer
from s2.train import sft as sft_trainer
from s2.train.pairs import encode_pairs
from s2.train.ppo.loop import Loop, PpoRun
from s2.train.ppo.measure import Judges
from s2.train.ppo.prompts import Prompt
from s2.train.ppo.roles import Roles
from s2.train.ppo.scores import Normal
from s2.train.speed import peak_memory_gb

TOKENIZER = Path("models/base")
GPU = torch.cuda.is_available()
SHAPE = (32, 4096, 11008, 32) if GPU else (2, 128, 256, 4)  # layers, hidden, inner, heads: Llama-2-7b's
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "4090": 165e12, "L4": 121e12}
LOADED = {"dtype": "bfloat16" if GPU else "float32", "quantization": "nf4"}
WORDS = "the sky is blue because light from the sun is scattered by the air above us " * 8


def base(folder: Path) -> Path:
    """A model of that shape with random weights, made once."""
    if not (folder / "config.json").is_file():
        tokenizer = AutoTokenizer.from_pretrained(TOKENIZER)
        layers, hidden, inner, heads = SHAPE
        config = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=hidden,
            intermediate_size=inner,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def settings(section: str, **changes: Any) -> dict[str, Any]:
    """A section of the 7B profile over the sample's, loaded as this machine can."""
    sample, own = (
        yaml.safe_load(Path(f"profiles/{name}.yaml").read_text(encoding="utf-8"))[section]
        for name in ("sample", "llama2-7b")
    )
    inner = {key: sample[key] | own.get(key, {}) for key in ("lora", "kl") if key in sample}
    small = {} if GPU else {"max_length": 256, "optimizer": "adamw_torch", "batch_size": 2}
    merged = sample | own | inner | {key: value for key, value in small.items() if key in sample}
    kept = {key: value for key, value in merged.items() if key not in ("models", "min_accuracy")}
    return kept | LOADED | changes


def told(name: str, tokens: float, seconds: float, parameters: int) -> None:
    line = f"{name:4} {tokens:8,.0f} tokens in {seconds:6.1f} s: {tokens / seconds:8.1f} tokens/s"
    line += f", peak {peak_memory_gb():5.1f} GB"
    peak = next((p for card, p in PEAKS.items() if GPU and card in torch.cuda.get_device_name()), None)
    print(line + (f", MFU {4 * parameters * tokens / seconds / peak:.1%}" if peak else ""))
    if GPU:
        torch.cuda.reset_peak_memory_stats()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    print(torch.cuda.get_device_name() if GPU else "no GPU: a dry run on the CPU at a small size")
    at = base(Path(".bench/gpu-7b" if GPU else ".bench/gpu-dry"))
    size = json.loads((at / "config.json").read_text(encoding="utf-8"))
    encoder = Encoder(load_tokenizer(at))
    with TemporaryDirectory() as name:
        folder = Path(name)
        sft = SftModel.model_validate(
            settings("sft", data="some", epochs=1, keep="last", grad_accumulation=1, evaluate_every=0.9)
        )
        model = load_model(at, sft.dtype, sft.quantization)
        parameters = sum(p.numel() * (2 if p.dtype == torch.uint8 else 1) for p in model.parameters())
        print(f"{parameters / 1e9:.2f}B parameters, {size['num_hidden_layers']} layers, {LOADED}")
        rows = [encoder.row(f"### Human: Why {n}? ### Assistant:", WORDS, 10_000) for n in range(count)]
        encoded = [row for row in rows if row is not None]
        trainer = sft_trainer.make_trainer(model, encoder, encoded, encoded[:1], sft, 1, folder / "sft")
        timed("sft", trainer.train, sum(len(row.input_ids) for row in encoded), parameters)
        start = folder / "start"
        save_adapter(trainer.model, start)  # type: ignore[arg-type]  # TRL's type is a union
        save_asking(encoder, start)
        del trainer, model

        dpo = DpoModel.model_validate(
            settings("dpo", **{"from": "sft/some", "data": "some", "epochs": 1, "grad_accumulation": 1})
        )
        pairs = encode_pairs(encoder, [pair(n) for n in range(count)], 10_000)
        policy = dpo_trainer.add_adapter(load_model(at, dpo.dtype, dpo.quantization), start, "default")
        aligned = dpo_trainer.make_trainer(policy, encoder, pairs, dpo, 1, folder / "dpo")
        tokens = sum(len(p.chosen) + len(p.rejected) for p in pairs)
        timed("dpo", aligned.train, tokens, parameters)
        del aligned, policy

        reward(at, start, folder / "reward")
        ppo = PpoModel.model_validate(
            settings(
                "ppo",
                **{"from": "sft/some", "rewards": {"some": 1.0}, "episodes": count, "rollout": count},
                minibatch=count,
                epochs=1,
                value_warmup=0,
                max_new_tokens=128 if GPU else 8,
            )
        )
        roles = Roles(
            at,
            start,
            {"some": folder / "reward"},
            ppo.dtype,
            ppo.quantization,
            ppo.value_layers,
            ppo.gradient_checkpointing,
        )
        pad = int(encoder.tokenizer.pad_token_id)
        sampler = Sampler(encoder.ends, pad, 1.0, ppo.max_new_tokens, ppo.generate_batch)
        judges = Judges(encoder.tokenizer, scorer("report"), lambda texts: [0.0] * len(texts))
        run = PpoRun("bench", folder / "ppo", folder / "adapter", 1.0)
        loop = Loop(run, roles, ppo, {"some": Normal(0.0, 1.0)}, sampler, judges, 1)
        asked = [Prompt(str(n), encoder.turns([f"Why is it so, {n}?"])) for n in range(count)]
        tokens = count * (len(asked[0].ids) + ppo.max_new_tokens)
        timed("ppo", lambda: loop.train(asked, asked[:2]), tokens, parameters)


def timed(name: str, work: Any, tokens: float, parameters: int) -> None:
    began = time.perf_counter()
    work()
    told(name, tokens, time.perf_counter() - began, parameters)


def pair(number: int) -> dict[str, Any]:
    return {
        "question_id": str(number),
        "turns": [f"Why {number}?"],
        "chosen": WORDS,
        "rejected": WORDS[::-1],
        "gap": None,
        "margin": 0.0,
        "weight": 1.0,
    }


def reward(at: Path, start: Path, folder: Path) -> None:
    """A reward model whose head is random."""
    model = fresh_reward(at, start, LOADED["dtype"], LOADED["quantization"])  # type: ignore[arg-type]
    inner: Any = model.get_base_model()
    torch.nn.init.normal_(inner.score.modules_to_save["default"].weight)
    save_adapter(model, folder)


if __name__ == "__main__":
    main()
