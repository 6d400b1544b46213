"""What the policy does on held-out prompts: the reward, and beside it what reward hacking looks like."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase

from s2.kernel.stats import grouped_mean_and_se
from s2.models.sampling import Sampler, sample
from s2.params.align import PpoModel
from s2.quality.readability import Readability, count_words
from s2.quality.repetition import repetition
from s2.train.ppo.prompts import Prompt
from s2.train.ppo.roles import POLICY, Roles
from s2.train.ppo.rollout import judge
from s2.train.ppo.scores import Normal

Columns = dict[str, list[float]]
REWARDS = "reward."
Z95 = 1.96


def measure(
    roles: Roles,
    prompts: Sequence[Prompt],
    sampler: Sampler,
    ppo: PpoModel,
    normals: Mapping[str, Normal],
    judges: "Judges",
    seed: int,
) -> Columns:
    """One sampled answer to each prompt, as columns of values an answer: `reward` (what PPO maximises,
    the penalty of a missing end among it), `reward.<model>` (each normalised), `kl` (nats an answer),
    `tokens`, `ended`, `words`, `ease`, `grade`, `toxicity` and `repetition`. The same seed asks in the
    same way, so that two policies can be compared prompt by prompt."""
    roles.use(POLICY)
    answers = sample(roles.model, [prompt.ids for prompt in prompts], sampler, seed)
    judged = judge(roles, prompts, answers, ppo, normals, sampler.pad)
    texts = judges.texts([answer.ids for answer in answers])
    readable = [judges.readability(text) for text in texts]
    columns = {
        "reward": judged.scores.tolist(),
        **{REWARDS + name: values.tolist() for name, values in judged.rewards.items()},
        "kl": judged.kl().tolist(),
        "tokens": [float(len(answer.ids)) for answer in answers],
        "ended": [float(answer.ended) for answer in answers],
        "words": [float(count_words(text)) for text in texts],
        "ease": [found.ease for found in readable],
        "grade": [found.grade for found in readable],
        "toxicity": judges.toxicity(texts),
        "repetition": [repetition(text) for text in texts],
    }
    return columns


class Judges:
    """What texts are measured by."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        readability: Callable[[str], Readability],
        toxicity: Callable[[Sequence[str]], list[float]],
    ) -> None:
        self._tokenizer = tokenizer
        self.readability = readability
        self.toxicity = toxicity

    def texts(self, answers: Sequence[Sequence[int]]) -> list[str]:
        """Answers as texts, without their end tokens."""
        return [
            str(self._tokenizer.decode(list(ids), skip_special_tokens=True)).strip() for ids in answers
        ]


def summary(columns: Columns, prompts: Sequence[str]) -> dict[str, float]:
    """Means over prompts (a prompt's answers count as their mean) with standard errors (`<name>_se`);
    `prompts` are the ids of what was answered."""
    found: dict[str, float] = {}
    for name, values in columns.items():
        mean, error = grouped_mean_and_se(prompts, values)
        found |= {name: round(mean, 6), f"{name}_se": round(error, 6)}
    return found


def gains(before: Columns, after: Columns, prompts: Sequence[str]) -> dict[str, float]:
    """What changed, answer by answer: the mean difference of each column and its standard error."""
    differences = {
        name: [new - old for old, new in zip(before[name], values, strict=True)]
        for name, values in after.items()
    }
    return summary(differences, prompts)


def points(measured: Mapping[int, Columns], prompts: Sequence[str]) -> list[dict[str, Any]]:
    """Rows for curves: of each measurement (by the updates before it) and column the mean and its 95 %
    interval, the mean ± 1.96 standard errors."""
    found = {step: summary(columns, prompts) for step, columns in measured.items()}
    return [
        {
            "step": step,
            "metric": name,
            "mean": means[name],
            "low": means[name] - Z95 * means[f"{name}_se"],
            "high": means[name] + Z95 * means[f"{name}_se"],
        }
        for step, means in found.items()
        for name in measured[step]
    ]
