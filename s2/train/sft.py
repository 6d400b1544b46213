"""Supervised fine-tuning of an adapter: TRL's SFTTrainer on rows that S2 has encoded itself."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import PeftModel
from transformers import PreTrainedModel, TrainerState, set_seed
from trl import SFTConfig

from s2.graph.code import meaning
from s2.kernel.accounting import account
from s2.kernel.cache import ContentCache, content_key
from s2.kernel.errors import S2Error
from s2.kernel.hashes import fingerprint
from s2.kernel.paths import local
from s2.kernel.stats import ratio_and_se
from s2.models.adapters import lora_config, note_training, save_adapter
from s2.models.encoding import Encoded, Encoder
from s2.models.loading import load_generation, load_model, load_tokenizer
from s2.models.logprobs import label_losses
from s2.models.lora import lean
from s2.models.packed import let_pack
from s2.models.saving import save_asking
from s2.params.models import PromptStyle
from s2.params.train import SftModel
from s2.train.answer_trainer import AnswerTrainer
from s2.train.arguments import trainer_arguments
from s2.train.checkpoints import last_checkpoint
from s2.train.curves import LossCurve, Losses, mean_training_loss
from s2.train.intervals import Checkpoints
from s2.train.processes import rank
from s2.train.speed import log_speed
from s2.train.validation import validation_losses

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class SftRun:
    """What one training run is called, where it reads and writes, how it asks, and its share of the
    steps between two checkpoints. Its loss curve grows in `checkpoints`."""

    name: str
    base: Path
    checkpoints: Path
    adapter: Path
    prompt: PromptStyle
    checkpoint_every: float


def train(
    run: SftRun, train_rows: Rows, validation_rows: Rows, sft: SftModel, seed: int
) -> dict[str, Any]:
    """Train an adapter into `run.adapter` and return its metrics. Of several processes all train, and
    the first writes.

    Rows have `prompt` and `completion`. Losses are in nats a token of the answer, end token
    included; `base_eval_loss` is that of the base model before training.
    """
    if not validation_rows:
        raise S2Error(
            f"dataset {sft.data} has no validation rows: take a larger splits.validation, or more data"
        )
    encoder = Encoder(load_tokenizer(run.base), run.prompt, load_generation(run.base))
    training = encode(encoder, train_rows, sft.max_length)
    validation = encode(encoder, validation_rows, sft.max_length)
    if not training or not validation:
        raise S2Error(
            f"nothing to train on: {len(training)} training and {len(validation)} validation rows "
            f"of {len(train_rows)} and {len(validation_rows)} fit sft.max_length {sft.max_length}"
        )
    rows_in, rows_out = len(train_rows) + len(validation_rows), len(training) + len(validation)
    accounting = account(rows_in, rows_out, {"too_long": rows_in - rows_out})
    began = time.monotonic()
    model = load_model(run.base, sft.dtype, sft.quantization)
    base_losses = losses_of_base(model, run.base, validation, sft)
    trainer = make_trainer(model, encoder, training, validation, sft, seed, run.checkpoints)
    curve = LossCurve(run.checkpoints / "curve", base_losses)
    trainer.add_callback(Checkpoints(run.checkpoint_every))
    trainer.add_callback(curve)
    outcome = trainer.train(resume_from_checkpoint=last_checkpoint(run.checkpoints))
    trained = trainer.model
    assert isinstance(trained, PeftModel)
    losses = validation_losses(trained, validation, sft.batch_size)
    loss, loss_se = ratio_and_se(*losses)
    base_loss, base_se = ratio_and_se(*base_losses)
    if rank() == 0:
        save_adapter(trained, run.adapter)
        note_training(run.adapter, sft.dtype, sft.quantization)
        save_asking(encoder, run.adapter)
        curve.end(losses, kept_step(trainer.state, sft.keep))
        seen = int(trainer.state.num_input_tokens_seen) - curve.tokens_before
        log_speed(f"sft@{run.name}", seen, time.monotonic() - began)
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
        "tokens_seen": int(trainer.state.num_input_tokens_seen),
    }


def encode(encoder: Encoder, rows: Rows, max_length: int) -> list[Encoded]:
    """The rows that fit."""
    encoded = (encoder.row(row["prompt"], row["completion"], max_length) for row in rows)
    return [row for row in encoded if row is not None]


def losses_of_base(model: PreTrainedModel, base: Path, rows: Sequence[Encoded], sft: SftModel) -> Losses:
    """The base model's losses on validation rows, computed once for all models that share both."""
    key = content_key(
        "base losses",
        fingerprint([base]),
        meaning(label_losses, load_model),
        sft.dtype,
        sft.quantization,
        [asdict(row) for row in rows],
    )
    with ContentCache(local("cache", "losses.sqlite")) as cache:
        known = cache.get([key])
        if key not in known:
            known = {key: label_losses(model, rows, sft.batch_size)}
            cache.put(known)
    totals, counts = known[key]
    return totals, counts


def kept_step(state: TrainerState, keep: str) -> int:
    """The step whose weights are kept."""
    return state.best_global_step or state.global_step if keep == "best" else state.global_step


def make_trainer(
    model: PreTrainedModel,
    encoder: Encoder,
    training: Sequence[Encoded],
    validation: Sequence[Encoded],
    sft: SftModel,
    seed: int,
    checkpoints: Path,
) -> AnswerTrainer:
    """A trainer of a fresh adapter on the model; the seed decides its weights and the rows' order.

    All that a checkpoint depends on is made here: a change to it makes earlier checkpoints unfit.
    """
    set_seed(seed)
    arguments = SFTConfig(
        **trainer_arguments(sft, seed, checkpoints),
        train_sampling_strategy="group_by_length" if sft.group_by_length else "random",
        eval_strategy="steps",
        eval_steps=sft.evaluate_every,
        save_strategy="steps",
        save_steps=sft.evaluate_every,
        load_best_model_at_end=sft.keep == "best",
        metric_for_best_model="eval_loss" if sft.keep == "best" else None,
        greater_is_better=False if sft.keep == "best" else None,
        max_length=None,
        padding_free=let_pack(model),
        include_num_input_tokens_seen="non_padding",
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    trainer = AnswerTrainer(
        validation,
        model=model,
        args=arguments,
        train_dataset=_dataset(training),
        eval_dataset=_dataset(validation),
        processing_class=encoder.tokenizer,
        peft_config=lora_config(sft.lora, model),
    )
    # TRL puts a quantised model's adapter into bf16, in which AdamW's second moments never decay.
    assert trainer.model is not None
    lean(trainer.model)
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return trainer


def _dataset(rows: Sequence[Encoded]) -> Dataset:
    return Dataset.from_list([{"input_ids": row.input_ids, "labels": row.labels} for row in rows])
