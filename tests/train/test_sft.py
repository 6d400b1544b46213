import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from peft.tuners.lora import Linear
from safetensors.torch import load_file
from transformers import TrainerCallback

from s2.kernel.errors import S2Error
from s2.kernel.stats import ratio_and_se
from s2.models.encoding import Encoder
from s2.models.loading import load_model, load_tokenizer
from s2.models.logprobs import label_losses
from s2.models.prompts import format_prompt
from s2.params.train import SftModel
from s2.train import sft as module
from s2.train.curves import mean_training_loss
from s2.train.merge import merge
from s2.train.sft import SftRun, encode, train
from s2.train.speed import speeds

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ANSWERS = ["The sky is blue.", "Light scatters.", "It is the sun."]
ROWS = [{"prompt": format_prompt(f"Why {n}?"), "completion": ANSWERS[n % 3]} for n in range(12)]


def settings(**changes: Any) -> SftModel:
    content = yaml.safe_load((ROOT / "profiles/sample.yaml").read_text(encoding="utf-8"))["sft"]
    del content["models"]
    small = {"lr": 0.05, "epochs": 3, "max_length": 128, "log_steps": 1, "data": "some"}
    return SftModel.model_validate(content | small | changes)


def curve(checkpoints: Path, name: str) -> dict[int, float]:
    """The loss by step."""
    with (checkpoints / f"curve/{name}.tsv").open() as file:
        return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(file, delimiter="\t")}


def run_in(folder: Path, base: Path) -> SftRun:
    return SftRun("some", base, folder / "checkpoints", folder / "adapter", "s2", checkpoint_every=0.3)


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_training_lowers_the_loss_and_its_merge_says_the_same(
    in_tmp: Path, tiny_model: Path, quantization: str
) -> None:
    parameters = settings(quantization=quantization)
    metrics = train(run_in(in_tmp, tiny_model), ROWS[:9], ROWS[9:], parameters, seed=1)
    assert metrics["eval_loss"] < metrics["base_eval_loss"] - 0.3
    assert metrics["rows_train"] == 9 and metrics["steps"] == 15
    encoder = Encoder(load_tokenizer(tiny_model))
    rows = encode(encoder, ROWS[:9], 128)
    assert metrics["tokens_seen"] == 3 * sum(len(row.input_ids) for row in rows)
    (line,) = speeds()
    assert line["stage"] == "sft@some" and line["tokens_per_second"] > 0 and line["peak_memory_gb"] > 0

    losses = curve(in_tmp / "checkpoints", "train")
    assert list(losses) == list(range(1, 16)) and losses[15] < losses[1]

    (in_tmp / "merged").mkdir()
    merge(tiny_model, [in_tmp / "adapter"], in_tmp / "merged", careful=False)
    assert (in_tmp / "merged/model.safetensors").is_file()
    config = json.loads((in_tmp / "merged/config.json").read_text())
    assert "quantization_config" not in config
    from transformers import AutoModelForCausalLM

    merged = AutoModelForCausalLM.from_pretrained(in_tmp / "merged", dtype=torch.float32)
    held = encode(encoder, ROWS[9:], 128)
    assert ratio_and_se(*label_losses(merged, held, 4))[0] == pytest.approx(metrics["eval_loss"], abs=0.1)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_checkpointed_layers_learn_the_same(in_tmp: Path, tiny_model: Path, dtype: str) -> None:
    """In bfloat16 under autocast, as on a GPU."""
    found = []
    for checkpointing in (False, True):
        parameters = settings(epochs=1, dtype=dtype, gradient_checkpointing=checkpointing)
        found.append(
            train(run_in(in_tmp / str(checkpointing), tiny_model), ROWS[:8], ROWS[8:], parameters, 1)
        )
    whole, checkpointed = (metrics["eval_loss"] for metrics in found)
    assert whole < found[0]["base_eval_loss"] - 0.1
    assert checkpointed == pytest.approx(whole, rel=1e-5)


class Killed(Exception):
    pass


class KillAt(TrainerCallback):
    """Ends the process's training at a step, as a signal would."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            raise Killed


def test_a_killed_training_goes_on_from_its_checkpoint(
    in_tmp: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = settings(lora={"r": 8, "alpha": 16, "dropout": 0.0, "targets": "all-linear"})
    whole = train(run_in(in_tmp / "whole", tiny_model), ROWS[:8], ROWS[8:], parameters, seed=1)

    run = run_in(in_tmp / "cut", tiny_model)
    trainer = module.AnswerTrainer
    with monkeypatch.context() as patch:
        patch.setattr(
            module, "AnswerTrainer", lambda rows, **kw: trainer(rows, **kw, callbacks=[KillAt(7)])
        )
        with pytest.raises(Killed):
            train(run, ROWS[:8], ROWS[8:], parameters, seed=1)
    assert (run.checkpoints / "checkpoint-4").is_dir()
    resumed = train(run, ROWS[:8], ROWS[8:], parameters, seed=1)

    for name in ("train_loss", "eval_loss", "base_eval_loss", "steps", "tokens_seen"):
        assert resumed[name] == pytest.approx(whole[name], rel=1e-4), name
    curves = [
        (in_tmp / kind / "checkpoints/curve/train.tsv").read_text().splitlines()
        for kind in ("whole", "cut")
    ]
    assert [line.split("\t")[0] for line in curves[0]] == [line.split("\t")[0] for line in curves[1]]


def test_rows_that_do_not_fit_are_counted_or_stop_the_training(in_tmp: Path, tiny_model: Path) -> None:
    long = [{"prompt": format_prompt("why " * 200), "completion": "So."}]
    encoder = Encoder(load_tokenizer(tiny_model))
    assert len(encode(encoder, ROWS[:2] + long, 128)) == 2
    metrics = train(run_in(in_tmp, tiny_model), ROWS[:3] + long, ROWS[3:5] + long, settings(epochs=1), 1)
    assert (metrics["rows_in"], metrics["rows_out"], metrics["dropped"]) == (7, 5, {"too_long": 2})
    with pytest.raises(S2Error, match="nothing to train on: 0 training and 12 validation"):
        train(run_in(in_tmp, tiny_model), long, ROWS, settings(), seed=1)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_weights_of_the_best_or_of_the_last_step_are_kept(
    in_tmp: Path, tiny_model: Path, keep: str
) -> None:
    """It learns one answer, of which the validation answers have no token: each step makes them
    unlikelier, so that what validates best comes before the end."""
    parameters = settings(keep=keep, lr=0.4, epochs=4, evaluate_every=0.1, scheduler="constant")
    learned = [row | {"completion": "so so so so so so"} for row in ROWS[:6]]
    others = [row | {"completion": "Blue light, Blue light, Blue light"} for row in ROWS[6:9]]
    metrics = train(run_in(in_tmp, tiny_model), learned, others, parameters, seed=3)
    losses = curve(in_tmp / "checkpoints", "validation")
    assert metrics["steps"] == 12 and list(losses) == [0, 2, 4, 6, 8, 10, 12]
    assert losses.pop(0) == pytest.approx(metrics["base_eval_loss"])
    best = min(losses, key=losses.__getitem__)
    assert best < 12 and metrics["kept_step"] == (best if keep == "best" else 12)
    assert metrics["eval_loss"] == losses[metrics["kept_step"]]


UNLIKE = [{"prompt": format_prompt("Why?"), "completion": "So. " * (1 + 12 * (n % 2))} for n in range(32)]


@pytest.mark.parametrize("packs", [True, False])
def test_no_token_is_padding_where_the_base_packs_and_fewer_in_groups_where_not(
    in_tmp: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, packs: bool
) -> None:
    encoder = Encoder(load_tokenizer(tiny_model))
    encoded = encode(encoder, UNLIKE, 256)
    if not packs:
        monkeypatch.setattr(module, "let_pack", lambda model: False)
    read = {}
    for grouped in (True, False):
        parameters = settings(group_by_length=grouped, batch_size=4, grad_accumulation=1, epochs=1)
        model = load_model(tiny_model, parameters.dtype)
        trainer = module.make_trainer(
            model, encoder, encoded, encoded[:2], parameters, 1, in_tmp / "checkpoints"
        )
        read[grouped] = sum(batch["input_ids"].numel() for batch in trainer.get_train_dataloader())
    tokens = sum(len(row.input_ids) for row in encoded)
    if packs:
        assert read == {True: tokens, False: tokens}
    else:
        assert tokens <= read[True] < 0.9 * read[False]


def test_a_step_of_four_by_one_is_that_of_one_by_four(in_tmp: Path, tiny_model: Path) -> None:
    found = []
    for number, size in enumerate((4, 1)):
        run = SftRun("some", tiny_model, in_tmp / f"kept{number}", in_tmp / f"adapter{number}", "s2", 1.0)
        shape = {"batch_size": size, "grad_accumulation": 4 // size}
        parameters = settings(**shape, epochs=1, lr=0.01, evaluate_every=0.5)
        metrics = train(run, UNLIKE[:24], UNLIKE[24:], parameters, seed=1)
        tensors = load_file(run.adapter / "adapter_model.safetensors")
        validated = curve(run.checkpoints, "validation")
        losses = {f"step {step}": loss for step, loss in validated.items()}
        found.append((losses | {"train_loss": metrics["train_loss"]}, metrics, tensors))
    (losses, one, by_four), (others, other, by_one) = found
    assert losses == pytest.approx(others, abs=1e-4) and losses["step 6"] < losses["step 0"]
    assert losses["step 3"] not in (losses["step 0"], losses["step 6"])
    assert (one["steps"], one["tokens_seen"]) == (other["steps"], other["tokens_seen"])
    assert all(torch.allclose(by_four[key], by_one[key], atol=1e-4) for key in by_one)


def test_the_optimizer_and_its_weight_decay_are_those_of_the_settings(
    in_tmp: Path, tiny_model: Path
) -> None:
    parameters = settings(optimizer="adafactor", weight_decay=0.25)
    encoder = Encoder(load_tokenizer(tiny_model))
    rows = encode(encoder, ROWS[:2], 128)
    model = load_model(tiny_model, parameters.dtype)
    trainer = module.make_trainer(model, encoder, rows, rows, parameters, 1, in_tmp / "checkpoints")
    optimizer = trainer.create_optimizer()
    assert type(optimizer).__name__ == "Adafactor"
    assert {group["weight_decay"] for group in optimizer.param_groups} <= {0.25, 0.0}
    assert any(group["weight_decay"] == 0.25 for group in optimizer.param_groups)


def test_its_layers_take_the_fewer_passes(in_tmp: Path, tiny_model: Path) -> None:
    parameters, encoder = settings(), Encoder(load_tokenizer(tiny_model))
    rows = encode(encoder, ROWS[:2], 128)
    model = load_model(tiny_model, parameters.dtype)
    trainer = module.make_trainer(model, encoder, rows, rows, parameters, 1, in_tmp / "checkpoints")
    assert trainer.model is not None
    layers = [layer for layer in trainer.model.modules() if type(layer) is Linear]
    assert layers and all("forward" in vars(layer) for layer in layers)


def test_the_training_loss_is_the_mean_over_all_steps() -> None:
    log = [{"step": 4, "loss": 3.0}, {"step": 4, "eval_loss": 9.0}, {"step": 6, "loss": 1.5}]
    assert mean_training_loss(log) == pytest.approx((4 * 3.0 + 2 * 1.5) / 6)
