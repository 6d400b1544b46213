"""Supervised fine-tuning, with a validation loss that is the metric's own."""

from collections.abc import Sequence
from typing import Any

from accelerate.utils import gather_object
from peft import PeftModel
from transformers import PreTrainedModel
from trl import SFTTrainer

from s2.kernel.stats import ratio_and_se
from s2.models.encoding import Encoded
from s2.models.logprobs import label_losses
from s2.train.curves import Losses
from s2.train.processes import count, rank


def validation_losses(
    model: PreTrainedModel | PeftModel, rows: Sequence[Encoded], batch_size: int
) -> Losses:
    """`label_losses`, for which each process reads its part of the rows; all get the whole."""
    mine = range(rank(), len(rows), count())
    losses = zip(*label_losses(model, [rows[i] for i in mine], batch_size), strict=True)
    found = sorted(gather_object(list(zip(mine, losses, strict=True))))
    return [total for _, (total, _) in found], [tokens for _, (_, tokens) in found]


class ValidatedTrainer(SFTTrainer):
    """TRL's trainer, whose `eval_loss` is in nats a token over all tokens of the validation answers.

    transformers' own is the mean of its batches' means: it weighs a token by how many others share its
    batch, and so changes with the batch size and the number of processes.
    """

    def __init__(self, rows: Sequence[Encoded], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._rows = rows

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        assert isinstance(self.model, PeftModel)
        self.model.eval()  # of which TRL's log takes that what is told belongs to an evaluation
        losses = validation_losses(self.model, self._rows, self.args.per_device_eval_batch_size)
        metrics = {"eval_loss": ratio_and_se(*losses)[0]}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics
