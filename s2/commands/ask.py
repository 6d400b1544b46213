"""`s2 ask`: a question to a model that the graph has built."""

from pathlib import Path

from transformers.utils import logging

from s2.kernel.errors import S2Error
from s2.models.generation import Answerer
from s2.models.prompts import format_prompt
from s2.params.whole import MERGED, load_params


def ask(question: str, model: str | None) -> None:
    """Print a model's answer, of the last declared one by default; raises `S2Error` if the model is
    not declared, or not built."""
    params = load_params()
    models = params.evaluate.models
    name = model or list(models)[-1]
    if name not in models:
        raise S2Error(f"there is no model {name!r} in evaluate.models; there are: {', '.join(models)}")
    folder = Path(models[name])
    if not (folder / "config.json").is_file():
        stage = f"merge@{folder.name}" if models[name].startswith(MERGED) else folder.name
        raise S2Error(f"{folder} is not built yet: build it with `dvc repro {stage}`")
    logging.disable_progress_bar()
    answerer = Answerer(folder, params.answers.dtype)
    (answer,) = answerer.answer([format_prompt(question)], params.answers, params.seed)
    print(answer.text + ("" if answer.ended else " …"))
