"""Supervised fine-tuning of an adapter: TRL's SFTTrainer on rows that S2 has encoded itself."""

import resource
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerState, set_seed
from trl import SFTConfig, SFTTrainer

from s2.kernel.accounting import account
from s2.kernel.errors import S2Error
from s2.kernel.stats import ratio_and_se
from s2.models.adapters import lora_config, save_adapter
from s2.models.encoding import Encoded, encode_row
from s2.models.loading import load_model, load_tokenizer
from s2.models.logprobs import label_losses
from s2.models.quantized import load_quantized
from s2.params.train import SftModel
from s2.train.checkpoints import last_checkpoint
from s2.train.curves import LossCurve, mean_training_loss
from s2.train.intervals import Checkpoints

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class SftRun:
    """Where one training run reads and writes, and its share of the steps between two checkpoints."""

    base: Path
    checkpoints: Path
    live: Path
    adapter: Path
    checkpoint_every: float


def train(
    run: SftRun, train_rows: Rows, validation_rows: Rows, sft: SftModel, seed: int
) -> dict[str, Any]:
    """Train an adapter into `run.adapter` and return its metrics.

    Rows have `prompt` and `completion`. Losses are in nats a token of the answer, end token
    included; `base_eval_loss` is that of the base model before training.
    """
    tokenizer = load_tokenizer(run.base)
    training = encode(tokenizer, train_rows, sft.max_length)
    validation = encode(tokenizer, validation_rows, sft.max_length)
    if not training or not validation:
        raise S2Error(
            f"nothing to train on: {len(training)} training and {len(validation)} validation rows "
            f"of {len(train_rows)} and {len(validation_rows)} fit sft.max_length {sft.max_length}"
        )
    rows_in, rows_out = len(train_rows) + len(validation_rows), len(training) + len(validation)
    accounting = account(rows_in, rows_out, {"too_long": rows_in - rows_out})
    model = load_for_training(run.base, sft)
    base_loss, base_se = ratio_and_se(*label_losses(model, validation))
    trainer = make_trainer(model, tokenizer, training, validation, sft, seed, run.checkpoints)
    trainer.add_callback(Checkpoints(run.checkpoint_every))
    curve = LossCurve(run.live)
    trainer.add_callback(curve)
    outcome = trainer.train(resume_from_checkpoint=last_checkpoint(run.checkpoints))
    trained = trainer.model
    assert isinstance(trained, PeftModel)
    loss, loss_se = ratio_and_se(*label_losses(trained, validation))
    save_adapter(trained, run.adapter)
    tokenizer.save_pretrained(run.adapter)
    seen = int(trainer.state.num_input_tokens_seen)
    return accounting | {
        "train_loss": mean_training_loss(trainer.state.log_history),
        "eval_loss": loss,
        "eval_loss_se": loss_se,
        "base_eval_loss": base_loss,
        "base_eval_loss_se": base_se,
        "rows_train": len(training),
        "rows_validation": len(validation),
        "steps": outcome.global_step,
        "kept_step": kept_step(trainer.state, sft.keep),
        "tokens_seen": seen,
        "tokens_per_second": (seen - curve.tokens_before) / outcome.metrics["train_runtime"],
        "peak_memory_gb": peak_memory_gb(),
    }


def encode(tokenizer: PreTrainedTokenizerBase, rows: Rows, max_length: int) -> list[Encoded]:
    """The rows that fit."""
    encoded = (encode_row(tokenizer, row["prompt"], row["completion"], max_length) for row in rows)
    return [row for row in encoded if row is not None]


def kept_step(state: TrainerState, keep: str) -> int:
    """The step whose weights are kept."""
    return state.best_global_step or state.global_step if keep == "best" else state.global_step


def load_for_training(base: Path, sft: SftModel) -> PreTrainedModel:
    """The base model as training wants it: in `sft.dtype`, or in NF4 with computing in it."""
    if sft.quantization == "nf4":
        return load_quantized(base, sft.dtype, sft.gradient_checkpointing)
    return load_model(base, sft.dtype)


def make_trainer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    training: Sequence[Encoded],
    validation: Sequence[Encoded],
    sft: SftModel,
    seed: int,
    checkpoints: Path,
) -> SFTTrainer:
    """A trainer of a fresh adapter on the model; the seed decides its weights and the rows' order.

    All that a checkpoint depends on is made here: a change to it makes earlier checkpoints unfit.
    """
    set_seed(seed)
    arguments = SFTConfig(
        output_dir=str(checkpoints),
        learning_rate=sft.lr,
        num_train_epochs=sft.epochs,
        per_device_train_batch_size=sft.batch_size,
        per_device_eval_batch_size=sft.batch_size,
        gradient_accumulation_steps=sft.grad_accumulation,
        gradient_checkpointing=sft.gradient_checkpointing,
        warmup_steps=sft.warmup,
        weight_decay=sft.weight_decay,
        optim=sft.optimizer,
        train_sampling_strategy="group_by_length" if sft.group_by_length else "random",
        lr_scheduler_type=sft.scheduler,
        bf16=False,
        fp16=False,
        logging_steps=sft.log_steps,
        eval_strategy="steps",
        eval_steps=sft.evaluate_every,
        save_strategy="steps",
        save_steps=sft.evaluate_every,
        save_total_limit=2,
        load_best_model_at_end=sft.keep == "best",
        metric_for_best_model="eval_loss" if sft.keep == "best" else None,
        greater_is_better=False if sft.keep == "best" else None,
        seed=seed,
        data_seed=seed,
        report_to="none",
        max_length=None,
        include_num_input_tokens_seen="non_padding",
        dataset_kwargs={"skip_prepare_dataset": True},
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    return SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=_dataset(training),
        eval_dataset=_dataset(validation),
        processing_class=tokenizer,
        peft_config=lora_config(sft.lora),
    )


def _dataset(rows: Sequence[Encoded]) -> Dataset:
    return Dataset.from_list([{"input_ids": row.input_ids, "labels": row.labels} for row in rows])


def peak_memory_gb() -> float:
    """Peak memory in 10^9 bytes: of the GPU if there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
