"""Training and validation loss as it goes, and as one number."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

from dvclive import Live
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

LOSSES = {"loss": "train/loss", "eval_loss": "validation/loss"}


class LossCurve(TrainerCallback):
    """Training and validation loss through DVCLive, whose files `dvc plots show` draws.

    A resumed run draws its earlier part again, out of the checkpoint's own log."""

    def __init__(self, folder: Path) -> None:
        self.tokens_before = 0
        self._folder = folder

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.tokens_before = int(state.num_input_tokens_seen)
        self._live = Live(
            str(self._folder), report=None, save_dvc_exp=False, dvcyaml=None, monitor_system=False
        )
        for logs in state.log_history:
            self._draw(logs, int(logs["step"]))

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        self._draw(logs or {}, state.global_step)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Log at the last step too, so that no step's loss is lost."""
        control.should_log |= state.global_step == state.max_steps

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._live.end()
        # The last values once more, which metrics/ has and no stage would own.
        Path(self._live.metrics_file).unlink()

    def _draw(self, logs: dict[str, float], step: int) -> None:
        self._live.step = step
        for name in LOSSES.keys() & logs.keys():
            if math.isfinite(logs[name]):
                self._live.log_metric(LOSSES[name], logs[name])
        self._live.make_summary()


def mean_training_loss(log_history: list[dict[str, float]]) -> float:
    """Mean loss over all steps, a resumed run's earlier ones too, which the trainer's own mean leaves
    out. Each logged loss is the mean over the steps since the one before."""
    losses = [(log["step"], log["loss"]) for log in log_history if "loss" in log]
    steps = [step - before for (before, _), (step, _) in pairwise([(0, 0.0), *losses])]
    return sum(n * loss for n, (_, loss) in zip(steps, losses, strict=True)) / sum(steps)
