"""Training of a reward model: -log sigmoid(r_chosen - r_rejected), by pairs (Ouyang et al. 2022,
arXiv:2203.02155; the margin as of Llama 2, arXiv:2307.09288, 3.2.2)."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from torch import Tensor
from torch.nn.functional import logsigmoid
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, set_seed

from s2.evaluate.ranking import Ranked, ranking
from s2.kernel.files import write_json
from s2.kernel.stats import mean_and_se
from s2.models.about import ABOUT
from s2.models.adapters import note_training, save_adapter
from s2.models.batches import left_padded
from s2.models.encoding import Encoder
from s2.models.loading import load_generation, load_tokenizer
from s2.models.packed import packed, told_apart
from s2.models.reward import fresh_reward, rewards, scores_packed
from s2.models.saving import save_asking
from s2.params.align import RewardModel
from s2.train.arguments import trainer_arguments
from s2.train.checkpoints import last_checkpoint
from s2.train.curves import LogCurve
from s2.train.intervals import Checkpoints
from s2.train.pairs import EncodedPair, PairRun, Rows, encode_splits, mean_one
from s2.train.processes import rank
from s2.train.speed import log_speed

HELD_OUT = ("validation", "test")


def train(run: PairRun, splits: dict[str, Rows], reward: RewardModel, seed: int) -> dict[str, Any]:
    """Train a reward model into `run.adapter` and return its metrics, by held-out split."""
    encoder = Encoder(load_tokenizer(run.start), run.prompt, load_generation(run.start))
    pairs, accounting = encode_splits(encoder, splits, reward.max_length, reward.rows, reward.data)
    began = time.monotonic()
    model = fresh_reward(run.base, run.start, reward.dtype, reward.quantization)
    trainer = make_trainer(model, pairs["train"], reward, seed, run.checkpoints)
    trainer.add_callback(Checkpoints(run.checkpoint_every))
    trainer.add_callback(LogCurve(run.checkpoints / "curve", {"loss": "loss", "accuracy": "accuracy"}))
    outcome = trainer.train(resume_from_checkpoint=last_checkpoint(run.checkpoints))
    model.eval()
    held_out = {
        name: rank_pairs(model, pairs[name], reward.batch_size) for name in HELD_OUT if pairs[name]
    }
    metrics = {
        f"{name}.{key}": value
        for name, found in held_out.items()
        for key, value in ranking(found).items()
    }
    if rank() == 0:
        save_adapter(model, run.adapter)
        note_training(run.adapter, reward.dtype, reward.quantization)
        save_asking(encoder, run.adapter)
        write_json(run.adapter / ABOUT, about(held_out["validation"]))
        tokens = sum(len(pair.chosen) + len(pair.rejected) for pair in pairs["train"])
        log_speed(f"reward@{run.name}", round(tokens * reward.epochs), time.monotonic() - began)
    return accounting | metrics | {"rows_train": len(pairs["train"]), "steps": outcome.global_step}


def about(pairs: list[Ranked]) -> dict[str, float]:
    """The accuracy by which a reward model is let through, and what its rewards are normalised by."""
    found = ranking(pairs)
    values = [value for pair in pairs for value in (pair.chosen, pair.rejected)]
    mean, _ = mean_and_se(values)
    return {
        "accuracy": found.get("accuracy", 0.0),
        "accuracy_se": found.get("accuracy_se", 0.0),
        "mean": round(mean, 6),
        "sd": round(float(np.std(values)), 6),
    }


def rank_pairs(model: PeftModel, pairs: list[EncodedPair], batch_size: int) -> list[Ranked]:
    """Both answers of each pair, scored."""
    sequences = [*(pair.chosen for pair in pairs), *(pair.rejected for pair in pairs)]
    found = rewards(model, sequences, 2 * batch_size)
    chosen, rejected = found[: len(pairs)], found[len(pairs) :]
    return [
        Ranked(up, down, len(pair.chosen_ids), len(pair.rejected_ids), pair.gap, pair.question_id)
        for pair, up, down in zip(pairs, chosen, rejected, strict=True)
    ]


class Pairs(Dataset[dict[str, Any]]):
    """Pairs with weights of mean 1."""

    def __init__(self, pairs: list[EncodedPair]) -> None:
        self._pairs = pairs
        self._weights = mean_one([pair.weight for pair in pairs])

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, place: int) -> dict[str, Any]:
        return {"pair": self._pairs[place], "weight": self._weights[place]}


def collate_padded(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
    """The chosen sides and behind them the rejected ones, padded on the left."""
    return left_padded(_sides(rows))._asdict() | _besides(rows)


def collate_packed(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
    """The same in one row."""
    batch = packed(_sides(rows))
    return {"input_ids": batch.input_ids} | told_apart(batch) | _besides(rows)


def _sides(rows: list[dict[str, Any]]) -> list[list[int]]:
    pairs = [row["pair"] for row in rows]
    return [*(pair.chosen for pair in pairs), *(pair.rejected for pair in pairs)]


def _besides(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
    weights = torch.tensor([row["weight"] for row in rows])
    return {"weight": weights, "margin": torch.tensor([row["pair"].margin for row in rows])}


def pair_losses(chosen: Tensor, rejected: Tensor, margins: Tensor) -> Tensor:
    """-log sigmoid(r_chosen - r_rejected - margin) of each pair, [pairs]."""
    return -logsigmoid(chosen - rejected - margins)


class RewardTrainer(Trainer):
    """transformers' Trainer with the loss of pairs, whose sides are packed where the model lets them."""

    def __init__(self, *, margin: float, **options: Any) -> None:
        super().__init__(**options)
        assert isinstance(self.model, PeftModel)
        self._head: Any = self.model.get_base_model().score
        self._packs = scores_packed(self.model)
        self.data_collator = collate_packed if self._packs else collate_padded
        self.model_accepts_loss_kwargs = False  # the loss of a step is the mean over its passes
        self._margin = margin
        self._right: list[float] = []

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        weights, margins = inputs.pop("weight"), inputs.pop("margin")
        chosen, rejected = self._rewards(model, inputs).float().chunk(2)
        self._right += self.accelerator.gather((chosen > rejected).float()).tolist()
        return (weights * pair_losses(chosen, rejected, self._margin * margins)).mean()

    def _rewards(self, model: Any, inputs: dict[str, Tensor]) -> Tensor:
        """The reward of each sequence, [sequences]. A sequence classifier scores the end of a row alone:
        of packed ones its head is asked for each."""
        if not self._packs:
            return model(**inputs, use_cache=False).logits[:, 0]
        states = model(**inputs, use_cache=False, output_hidden_states=True).hidden_states[-1]
        return self._head(states[0, inputs["cu_seq_lens_q"][1:] - 1])[:, 0]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if self._right and "loss" in logs:
            logs["accuracy"] = sum(self._right) / len(self._right)
            self._right = []
        super().log(logs, start_time)


def make_trainer(
    model: PeftModel, pairs: list[EncodedPair], reward: RewardModel, seed: int, checkpoints: Path
) -> RewardTrainer:
    """A trainer of the model on pairs; a change to it makes earlier checkpoints unfit."""
    set_seed(seed)
    arguments = TrainingArguments(
        **trainer_arguments(reward, seed, checkpoints),
        eval_strategy="no",
        save_strategy="no",
        remove_unused_columns=False,
        label_names=[],
    )
    return RewardTrainer(
        margin=reward.margin,
        model=model,
        args=arguments,
        train_dataset=Pairs(pairs),
    )
