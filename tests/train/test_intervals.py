from pathlib import Path

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from s2.train.intervals import Checkpoints


def after(step: int, tmp_path: Path, best: bool, evaluate: bool) -> TrainerControl:
    """What is to be done after a step of ten, where the trainer's own intervals say `evaluate`."""
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        eval_strategy="steps",
        save_strategy="steps",
        load_best_model_at_end=best,
        use_cpu=True,
        report_to="none",
    )
    control = TrainerControl(should_evaluate=evaluate)
    Checkpoints(0.3).on_step_end(arguments, TrainerState(global_step=step, max_steps=10), control)
    return control


@pytest.mark.parametrize(("step", "saved"), [(2, False), (3, True), (4, False), (9, True), (10, False)])
def test_a_checkpoint_and_what_was_logged_at_every_share(step: int, saved: bool, tmp_path: Path) -> None:
    found = after(step, tmp_path, best=False, evaluate=False)
    assert (found.should_save, found.should_log, found.should_evaluate) == (saved, saved, False)


@pytest.mark.parametrize("best", [False, True])
@pytest.mark.parametrize("evaluate", [False, True])
def test_the_last_step_is_evaluated_where_its_weights_may_be_the_best(
    best: bool, evaluate: bool, tmp_path: Path
) -> None:
    assert after(10, tmp_path, best, evaluate).should_evaluate is best
    assert after(5, tmp_path, best, evaluate).should_evaluate is evaluate
