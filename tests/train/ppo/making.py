"""Settings, prompts and roles for the tests of PPO."""

from pathlib import Path
from typing import Any

from s2.models.encoding import Encoder
from s2.models.loading import load_tokenizer
from s2.models.sampling import Sampler
from s2.params.align import PpoModel
from s2.train.ppo.prompts import Prompt
from s2.train.ppo.roles import Roles
from s2.train.ppo.scores import Normal
from tests.train.pairing import section

NORMALS = {"liked": Normal(0.5, 2.0)}


def settings(**changes: Any) -> PpoModel:
    small = {"from": "sft/some", "rewards": {"liked": 1.0}, "episodes": 24, "rollout": 8, "minibatch": 4}
    small |= {"batch_size": 4, "max_new_tokens": 8, "lr": 0.003, "value_lr": 0.003, "value_warmup": 0}
    return PpoModel.model_validate(section("ppo", **small | {"measured": 4} | changes))


def prompts(tokenizer_folder: Path, count: int) -> list[Prompt]:
    encoder = Encoder(load_tokenizer(tokenizer_folder))
    return [Prompt(str(n), encoder.turns([f"Why {'so ' * (n % 3)}{n}?"])) for n in range(count)]


def sampler(folder: Path, ppo: PpoModel) -> Sampler:
    encoder = Encoder(load_tokenizer(folder))
    return Sampler(
        encoder.ends, int(encoder.tokenizer.pad_token_id), ppo.temperature, ppo.max_new_tokens, 3
    )


def roles(base: Path, start: Path, reward: Path, quantization: Any = "none", **options: Any) -> Roles:
    given = {"value_layers": 1} | options
    return Roles(base, start, {"liked": reward}, "float32", quantization, **given)
