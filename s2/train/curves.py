"""Training and validation loss as it goes, and as one number."""

import csv
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from s2.kernel.files import new_file
from s2.kernel.stats import ratio_and_se

Losses = tuple[list[float], list[int]]


class LogCurve(TrainerCallback):
    """What a trainer logs, as `train.tsv` in a folder: a row a logged step, a column for each of `names`
    (key of the log: name of the column); whole at every moment. A resumed run draws its earlier part
    again, out of the checkpoint's own log."""

    def __init__(self, folder: Path, names: dict[str, str]) -> None:
        self._folder = folder
        self._names = names
        self._rows: dict[int, list[float]] = {}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        for logs in state.log_history:
            self._note(logs, int(logs["step"]))
        self._draw(state)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        self._note(logs or {}, state.global_step)
        self._draw(state)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Log at the last step too, so that no step is lost."""
        control.should_log |= state.global_step == state.max_steps

    def _note(self, logs: dict[str, float], step: int) -> None:
        if all(name in logs for name in self._names):
            self._rows[step] = [logs[name] for name in self._names]

    def _draw(self, state: TrainerState) -> None:
        if state.is_world_process_zero:
            self._write()

    def _write(self) -> None:
        write_table(self._folder / "train.tsv", ["step", *self._names.values()], self._rows)


class LossCurve(LogCurve):
    """Training and validation loss as `train.tsv` and `validation.tsv`, in nats a token.

    The validation curve begins at step 0 with the base model and ends with the metric itself: the
    loss over all tokens of the weights that are kept.
    """

    def __init__(self, folder: Path, base: Losses) -> None:
        super().__init__(folder, {})
        self.tokens_before = 0
        self._train: dict[int, float] = {}
        self._validation = {0: ratio_and_se(*base)[0]}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.tokens_before = int(state.num_input_tokens_seen)
        super().on_train_begin(args, state, control)

    def end(self, losses: Losses, step: int) -> None:
        """Draw the loss of the weights that are kept, those of `step`, as the metric has it."""
        self._validation[step] = ratio_and_se(*losses)[0]
        self._write()

    def _note(self, logs: dict[str, float], step: int) -> None:
        for name, curve in (("loss", self._train), ("eval_loss", self._validation)):
            if name in logs and math.isfinite(logs[name]):
                curve[step] = logs[name]

    def _write(self) -> None:
        for name, curve in (("train", self._train), ("validation", self._validation)):
            rows = {step: [loss] for step, loss in curve.items()}
            write_table(self._folder / f"{name}.tsv", ["step", "loss"], rows)


def write_table(path: Path, names: list[str], rows: dict[int, list[float]]) -> None:
    """Write rows by their step as a table, which appears whole; what is not finite is left empty."""
    with new_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(names)
        for step, values in sorted(rows.items()):
            table.writerow([step, *(value if math.isfinite(value) else "" for value in values)])


def mean_training_loss(log_history: list[dict[str, float]]) -> float:
    """Mean loss over all steps, a resumed run's earlier ones too, which the trainer's own mean leaves
    out. Each logged loss is the mean over the steps since the one before."""
    losses = [(log["step"], log["loss"]) for log in log_history if "loss" in log]
    steps = [step - before for (before, _), (step, _) in pairwise([(0, 0.0), *losses])]
    return sum(n * loss for n, (_, loss) in zip(steps, losses, strict=True)) / sum(steps)
