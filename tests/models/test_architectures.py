"""Every current architecture, tiny and random, from a hub's folder through base, sft, merge and
answers."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

from s2.models.generation import Answerer
from s2.models.loading import load_answering, load_model, load_tokenizer
from s2.models.prompts import format_prompt
from s2.models.saving import save_causal_model
from s2.params.models import PromptStyle
from s2.train.merge import merge
from s2.train.sft import SftRun, train
from tests.models.making import ARCHITECTURES, make_model
from tests.models.test_generation import settings as answering
from tests.train.test_sft import ROWS, settings

pytestmark = pytest.mark.slow
NAMES = {"gpt2": "transformer.wte.weight", "phi2": "model.embed_tokens.weight"}
LORA = {"r": 4, "alpha": 8, "dropout": 0.0, "targets": "all-linear"}
CASES: list[tuple[str, PromptStyle]] = [(name, "s2") for name in ARCHITECTURES]
CASES += [("llama3", "chat"), ("qwen2", "chat"), ("gemma2", "chat"), ("llama2", "chat")]


@pytest.mark.parametrize(("name", "style"), CASES)
def test_the_whole_way(in_tmp: Path, name: str, style: PromptStyle) -> None:
    files = make_model(in_tmp / "hub", name)
    save_causal_model(files, in_tmp / "base", None, style)
    tokenizer = load_tokenizer(in_tmp / "base")
    assert tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)
    run = SftRun("some", in_tmp / "base", in_tmp / "checkpoints", in_tmp / "adapter", style, 0.5)
    parameters = settings(lora=LORA, max_length=200, batch_size=2, epochs=2, lr=0.02)
    metrics = train(run, ROWS[:8], ROWS[8:], parameters, seed=1)
    assert metrics["eval_loss"] < metrics["base_eval_loss"]

    targets = json.loads((in_tmp / "adapter/adapter_config.json").read_text())["target_modules"]
    with safe_open(in_tmp / "adapter/adapter_model.safetensors", "pt") as adapter:
        adapted = {key.rpartition(".lora_")[0] for key in adapter.keys()}  # noqa: SIM118
    assert not any("vision" in key or "head" in key.rpartition(".")[2] for key in adapted)
    assert isinstance(targets, str) == (name == "gemma3")

    (in_tmp / "merged").mkdir()
    merge(in_tmp / "base", [in_tmp / "adapter"], in_tmp / "merged", careful=False)
    same_as_trained(in_tmp)
    merged = Answerer(load_answering(in_tmp / "merged", in_tmp / "base", "float32", "none"), style)
    answers = merged.answer([format_prompt("Why 1?")], answering(0, 1, new=4), 1)
    ask = pipeline("text-generation", model=str(in_tmp / "merged"), dtype=torch.float32, device="cpu")
    said = ask([{"role": "user", "content": "Why 1?"}], max_new_tokens=4, do_sample=False)
    assert said[0]["generated_text"][-1]["content"].strip() == answers[0].text


def same_as_trained(folder: Path) -> None:
    """The merged model's logits are those of base and adapter, to bf16, biases and all."""
    ids = torch.tensor([load_tokenizer(folder / "base")("Why is it so?").input_ids])
    base = load_model(folder / "base", "bfloat16")
    before = {key: value.clone() for key, value in base.state_dict().items() if key.endswith("bias")}
    trained = PeftModel.from_pretrained(base, str(folder / "adapter")).eval()
    merged: Any = AutoModelForCausalLM.from_pretrained(folder / "merged", dtype=torch.bfloat16).eval()
    with torch.inference_mode():
        expected, found = trained(input_ids=ids).logits.float(), merged(input_ids=ids).logits.float()
    assert (expected - found).abs().max() < 0.1 * expected.abs().max()
    after = merged.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    tied = base.config.get_text_config().tie_word_embeddings
    assert tied == (merged.get_input_embeddings().weight is merged.get_output_embeddings().weight)


@pytest.mark.parametrize("name", ["gpt2", "phi2"])
def test_embeddings_grow_only_where_none_is_spare(tmp_path: Path, name: str) -> None:
    files = make_model(tmp_path / "hub", name)
    save_causal_model(files, tmp_path / "base")
    before, after = (
        load_file(folder / "model.safetensors")[NAMES[name]].shape[0]
        for folder in (files, tmp_path / "base")
    )
    assert after == before + (name == "gpt2")
    assert load_tokenizer(tmp_path / "base").pad_token_id < after


def test_a_padding_token_without_an_embedding_gets_one_the_same_every_time(tmp_path: Path) -> None:
    """Many tunes add [PAD] to the tokenizer and no row to the model."""
    files = make_model(tmp_path / "hub", "llama2")
    tokenizer = AutoTokenizer.from_pretrained(files)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(files)
    for name in ("one", "two"):
        save_causal_model(files, tmp_path / name)
    pad = load_tokenizer(tmp_path / "one").pad_token_id
    weights = load_file(tmp_path / "one/model.safetensors")["model.embed_tokens.weight"]
    assert pad == len(weights) - 1 and load_model(tmp_path / "one", "float32") is not None
    saved = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two")]
    assert saved[0] == saved[1]
