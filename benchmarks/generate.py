"""Answers in batches against answers one by one, and against transformers' `generate` in the same batches
by the same settings, of the sample's base model.

python -m benchmarks.generate [prompts, 32 by default] [new tokens, 64]   (after `dvc repro base`)
"""

import sys
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import GenerationConfig, set_seed

from benchmarks.measure import measure, promise
from s2.models.batches import left_padded
from s2.models.encoding import Encoder
from s2.models.generation import Answerer
from s2.models.loading import load_answering
from s2.models.prompts import HUMAN, format_prompt
from s2.params.evaluate import Answers

BASE = Path("models/base")
THINGS = ["sky", "sea", "moon", "rain", "snow", "wind", "sand", "fire"]


def settings_of(batch_size: int, tokens: int) -> Answers:
    sample = yaml.safe_load(Path("profiles/sample.yaml").read_text(encoding="utf-8"))["answers"]
    return Answers.model_validate(sample | {"batch_size": batch_size, "max_new_tokens": tokens})


def questions(prompts: int) -> list[str]:
    return [format_prompt(f"What is the {THINGS[n % 8]} made of, and why {n}?") for n in range(prompts)]


def answer(batch_size: int, prompts: int, tokens: int) -> int:
    """Answer and return the number of new tokens."""
    answerer = Answerer(load_answering(BASE, BASE, "float32", "none"))
    found = answerer.answer(questions(prompts), settings_of(batch_size, tokens), seed=1)
    return sum(one.tokens for one in found)


@torch.inference_mode()
def answer_by_transformers(batch_size: int, prompts: int, tokens: int) -> int:
    """The same by transformers, whose batches go on until their last row ends; what it pads the others
    with is not counted."""
    model, tokenizer, ends = load_answering(BASE, BASE, "float32", "none")
    encoder, asked = Encoder(tokenizer, "s2", ends), settings_of(batch_size, tokens)
    rows = sorted((encoder.prompt(prompt) for prompt in questions(prompts)), key=len, reverse=True)
    leading: Any = model
    leading.generation_config = GenerationConfig()
    set_seed(1)
    found = 0
    for start in range(0, prompts, batch_size):
        batch = left_padded(rows[start : start + batch_size])
        told = leading.generate(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            generation_config=GenerationConfig(
                max_new_tokens=tokens,
                do_sample=True,
                temperature=asked.temperature,
                top_p=asked.top_p,
                top_k=asked.top_k,
                repetition_penalty=asked.repetition_penalty,
                eos_token_id=encoder.ends,
                pad_token_id=tokenizer.pad_token_id,
                stop_strings=[HUMAN],
            ),
            tokenizer=tokenizer,
        )
        found += int((told[:, batch.input_ids.shape[1] :] != tokenizer.pad_token_id).sum())
    return found


def main() -> None:
    prompts = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    tokens = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    print(f"{prompts} prompts, at most {tokens} new tokens each")
    alone = measure(answer, 1, prompts, tokens)
    print(f"  one by one    {alone}, {alone.result / alone.seconds:6.1f} tokens/s")
    batched = measure(answer, 32, prompts, tokens)
    print(f"  batched       {batched}, {batched.result / batched.seconds:6.1f} tokens/s")
    theirs = measure(answer_by_transformers, 32, prompts, tokens)
    print(f"  transformers  {theirs}, {theirs.result / theirs.seconds:6.1f} tokens/s")
    speed = batched.result / batched.seconds
    promise(
        "batched against one by one, tokens a second", speed / (alone.result / alone.seconds), least=4
    )
    promise("against transformers", speed / (theirs.result / theirs.seconds), least=1.3)


if __name__ == "__main__":
    main()
