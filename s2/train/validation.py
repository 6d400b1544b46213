"""Losses of validation rows, which the processes of a training share out."""

from collections.abc import Sequence

from accelerate.utils import gather_object
from peft import PeftModel
from transformers import PreTrainedModel

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
