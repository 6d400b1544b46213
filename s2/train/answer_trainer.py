"""TRL's supervised fine-tuning, with a validation loss that is the metric's own, and a loss whose logits
are computed once."""

from collections.abc import Sequence
from typing import Any

from peft import PeftModel
from torch import Tensor
from trl import SFTTrainer

from s2.kernel.stats import ratio_and_se
from s2.models.encoding import Encoded
from s2.models.head import batch_label_logprobs, head_of_words
from s2.train.validation import validation_losses


class AnswerTrainer(SFTTrainer):
    """TRL's trainer on rows of token ids and labels.

    Its loss is TRL's own, a mean over the label tokens of all that one step learns from. TRL computes the
    logits twice, once more for the backward pass; `chosen_logprobs` does not, and where it serves it is
    taken instead: where the output embedding alone makes the logits, and does not learn.

    `eval_loss` is in nats a token over all tokens of the validation answers. transformers' own is the
    mean of its batches' means: it weighs a token by how many others share its batch, and so changes with
    the batch size and the number of processes.
    """

    def __init__(self, rows: Sequence[Encoded], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._rows = rows
        assert isinstance(self.model, PeftModel)
        self._head = None if self.aux_loss_enabled else head_of_words(self.model)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        if self._head is None or return_outputs:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        assert num_items_in_batch is not None  # as of all processes, by whose number DDP divides
        found = batch_label_logprobs(model, self._head, **inputs)
        return -found.sum() / num_items_in_batch * self.accelerator.num_processes

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        assert isinstance(self.model, PeftModel)
        self.model.eval()  # of which TRL's log takes that what is told belongs to an evaluation
        losses = validation_losses(self.model, self._rows, self.args.per_device_eval_batch_size)
        metrics = {"eval_loss": ratio_and_se(*losses)[0]}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics
