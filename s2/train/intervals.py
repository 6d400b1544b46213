"""When a training saves and evaluates, besides its trainer's own intervals."""

import math
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class Checkpoints(TrainerCallback):
    """Checkpoints at every `share` of the steps, besides those at evaluations. At the last step there is
    an evaluation only where its weights may be found the best: the last ones are measured after it."""

    def __init__(self, share: float) -> None:
        self._share = share

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        every = math.ceil(state.max_steps * self._share)
        control.should_save |= state.global_step % every == 0
        # What was logged is all that a resumed run knows of earlier losses.
        control.should_log |= control.should_save
        if state.global_step == state.max_steps:
            control.should_evaluate = args.load_best_model_at_end
