"""Answers in batches against answers one by one, of the sample's base model.

python -m benchmarks.generate [prompts, 32 by default] [new tokens, 24]   (after `dvc repro base`)
"""

import sys
from pathlib import Path

import yaml

from benchmarks.measure import measure, promise
from s2.models.generation import Answerer
from s2.models.loading import load_answering
from s2.models.prompts import format_prompt
from s2.params.evaluate import Answers

BASE = Path("models/base")
THINGS = ["sky", "sea", "moon", "rain", "snow", "wind", "sand", "fire"]


def answer(batch_size: int, prompts: int, tokens: int) -> int:
    """Answer and return the number of new tokens."""
    settings = yaml.safe_load(Path("profiles/sample.yaml").read_text(encoding="utf-8"))["answers"]
    settings |= {"batch_size": batch_size, "max_new_tokens": tokens}
    asked = [format_prompt(f"What is the {THINGS[n % 8]} made of, and why {n}?") for n in range(prompts)]
    answerer = Answerer(load_answering(BASE, BASE, "float32", "none"))
    return sum(found.tokens for found in answerer.answer(asked, Answers.model_validate(settings), seed=1))


def main() -> None:
    prompts = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    tokens = int(sys.argv[2]) if len(sys.argv) > 2 else 24
    print(f"{prompts} prompts, at most {tokens} new tokens each")
    alone = measure(answer, 1, prompts, tokens)
    print(f"  one by one  {alone}, {alone.result / alone.seconds:6.1f} tokens/s")
    batched = measure(answer, 32, prompts, tokens)
    print(f"  batched     {batched}, {batched.result / batched.seconds:6.1f} tokens/s")
    ratio = (batched.result / batched.seconds) / (alone.result / alone.seconds)
    promise("batched against one by one, tokens a second", ratio, least=4)


if __name__ == "__main__":
    main()
