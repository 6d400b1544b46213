"""Supervised fine-tuning of an adapter: TRL's SFTTrainer on rows that S2 has encoded itself."""

import math
import resource
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from dvclive import Live
from transformers import TrainerCallback, set_seed
from trl import SFTConfig, SFTTrainer

from s2.errors import S2Error
from s2.evaluate.stats import ratio_and_se
from s2.params import Sft
from s2.train.adapters import load_for_training, load_tokenizer, lora_config
from s2.train.checkpoints import last_checkpoint
from s2.train.prompts import IGNORED, encode_row

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class SftRun:
    """Where one training run reads and writes."""

    base: Path
    checkpoints: Path
    live: Path
    adapter: Path


def train(run: SftRun, train_rows: Rows, validation_rows: Rows, sft: Sft, seed: int) -> dict[str, Any]:
    """Train an adapter into `run.adapter` and return its metrics.

    Rows have `prompt` and `completion`. Losses are in nats a token of the answer, end token
    included; `base_eval_loss` is that of the base model before training.
    """
    set_seed(seed)
    tokenizer = load_tokenizer(run.base)
    training, skipped, cut = encode(tokenizer, train_rows, sft.max_length)
    validation, skipped_validation, _ = encode(tokenizer, validation_rows, sft.max_length)
    if not training or not validation:
        raise S2Error(
            f"nothing to train on: {len(training)} training and {len(validation)} validation rows "
            f"of {len(train_rows)} and {len(validation_rows)} fit sft.max_length {sft.max_length}"
        )
    model = load_for_training(run.base, sft)
    base_loss, base_se = validation_loss(model, validation)
    trainer = SFTTrainer(
        model=model,
        args=_arguments(run, sft, seed),
        train_dataset=Dataset.from_list(training),
        eval_dataset=Dataset.from_list(validation),
        processing_class=tokenizer,
        peft_config=lora_config(sft.lora),
        callbacks=[LossCurve(run.live)],
    )
    outcome = trainer.train(resume_from_checkpoint=last_checkpoint(run.checkpoints))
    trained: Any = trainer.model
    loss, loss_se = validation_loss(trained, validation)
    trained.save_pretrained(run.adapter)
    tokenizer.save_pretrained(run.adapter)
    return {
        "train_loss": mean_training_loss(trainer.state.log_history),
        "eval_loss": loss,
        "eval_loss_se": loss_se,
        "base_eval_loss": base_loss,
        "base_eval_loss_se": base_se,
        "rows_train": len(training),
        "rows_validation": len(validation),
        "rows_too_long": skipped + skipped_validation,
        "rows_answer_cut": cut,
        "steps": outcome.global_step,
        **_throughput(trainer, outcome.metrics["train_runtime"]),
        "peak_memory_gb": peak_memory_gb(),
    }


def encode(tokenizer: Any, rows: Rows, max_length: int) -> tuple[Rows, int, int]:
    """`input_ids` and `labels` of the rows that fit, how many do not, and how many lost the end of
    their answer."""
    encoded = [encode_row(tokenizer, row["prompt"], row["completion"], max_length) for row in rows]
    fitting = [row for row in encoded if row is not None]
    columns = [{"input_ids": row.input_ids, "labels": row.labels} for row in fitting]
    return columns, len(rows) - len(fitting), sum(row.cut for row in fitting)


@torch.inference_mode()
def validation_loss(model: Any, rows: Rows) -> tuple[float, float]:
    """Mean cross-entropy a label token over all rows, and its standard error over rows."""
    model.eval()
    sums, counts = [], []
    for row in rows:
        ids = torch.tensor([row["input_ids"]], device=model.device)
        labels = torch.tensor(row["labels"][1:], device=model.device)
        logits = model(input_ids=ids).logits[0, :-1].float()
        loss = torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
        sums.append(loss.item())
        counts.append(int((labels != IGNORED).sum()))
    model.train()
    return ratio_and_se(sums, counts)


def peak_memory_gb() -> float:
    """Peak memory in 10^9 bytes: of the GPU if there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def _arguments(run: SftRun, sft: Sft, seed: int) -> SFTConfig:
    return SFTConfig(
        output_dir=str(run.checkpoints),
        learning_rate=sft.lr,
        num_train_epochs=sft.epochs,
        per_device_train_batch_size=sft.batch_size,
        per_device_eval_batch_size=sft.batch_size,
        gradient_accumulation_steps=sft.grad_accumulation,
        gradient_checkpointing=sft.gradient_checkpointing,
        warmup_steps=sft.warmup,
        lr_scheduler_type=sft.scheduler,
        bf16=False,
        fp16=False,
        logging_steps=sft.log_steps,
        eval_strategy="epoch",
        save_strategy="steps",
        save_steps=sft.save_steps,
        save_total_limit=2,
        seed=seed,
        data_seed=seed,
        report_to="none",
        max_length=None,
        include_num_input_tokens_seen="non_padding",
        dataset_kwargs={"skip_prepare_dataset": True},
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def mean_training_loss(log_history: list[dict[str, float]]) -> float:
    """Mean loss over all steps, a resumed run's earlier ones too, which the trainer's own mean leaves
    out. Each logged loss is the mean over the steps since the one before."""
    losses = [(log["step"], log["loss"]) for log in log_history if "loss" in log]
    steps = [step - before for (before, _), (step, _) in pairwise([(0, 0.0), *losses])]
    return sum(n * loss for n, (_, loss) in zip(steps, losses, strict=True)) / sum(steps)


def _throughput(trainer: SFTTrainer, seconds: float) -> dict[str, float]:
    """Tokens seen by the whole run, and tokens a second of the part that this process did."""
    seen = int(trainer.state.num_input_tokens_seen)
    curve = next(c for c in trainer.callback_handler.callbacks if isinstance(c, LossCurve))
    return {"tokens_seen": seen, "tokens_per_second": (seen - curve.tokens_before) / seconds}


class LossCurve(TrainerCallback):
    """Training and validation loss through DVCLive, whose files `dvc plots show` draws.

    A resumed run draws its earlier part again, out of the checkpoint's own log."""

    def __init__(self, folder: Path) -> None:
        self.tokens_before = 0
        self._folder = folder

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.tokens_before = int(state.num_input_tokens_seen)
        self._live = Live(
            str(self._folder), report=None, save_dvc_exp=False, dvcyaml=None, monitor_system=False
        )
        for logs in state.log_history:
            self._draw(logs, logs["step"])

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        self._draw(logs, state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Log at the last step and with each checkpoint, so that no step's loss is lost."""
        control.should_log |= control.should_save or state.global_step == state.max_steps

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._live.end()

    def _draw(self, logs: dict[str, float], step: int) -> None:
        names = {"loss": "train/loss", "eval_loss": "validation/loss"}
        self._live.step = step
        for name in names.keys() & logs.keys():
            if math.isfinite(logs[name]):
                self._live.log_metric(names[name], logs[name])
        self._live.make_summary()
