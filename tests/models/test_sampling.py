from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GenerationConfig, MambaConfig, TopPLogitsWarper

from s2.kernel.cache import content_key
from s2.kernel.errors import S2Error
from s2.models.loading import load_model
from s2.models.packed import let_pack
from s2.models.sampling import LIKELY, Sampler, choose, cut, generate, nucleus, sample
from tests.models.making import ARCHITECTURES, make_model

PAD = 4
ODDS = torch.tensor([0.1, 0.2, 0.3, 0.4, 9.0])  # the padding token the likeliest of all
PROMPTS = [[5, 6, 7, 8, 9, 10], [11, 12], [13, 14, 15], [16]]


def sampler(**changes: Any) -> Sampler:
    return replace(Sampler([], PAD, 1.0, 12, 4), **changes)


@pytest.mark.parametrize(
    ("top_p", "drawn", "token"),
    [
        *((1.0, 0.0, 0), (1.0, 0.09, 0), (1.0, 0.11, 1), (1.0, 0.29, 1), (1.0, 0.31, 2)),
        *((1.0, 0.59, 2), (1.0, 0.61, 3), (1.0, 1 - 2**-24, 3)),
        *((0.5, 0.0, 3), (0.5, 0.57, 3), (0.5, 0.58, 2), (0.5, 1 - 2**-24, 2)),  # 4/7 and 3/7
    ],
)
def test_a_draw_is_the_token_at_which_the_probabilities_pass_it(
    top_p: float, drawn: float, token: int
) -> None:
    found = choose(ODDS.log()[None], torch.tensor([drawn]), sampler(top_p=top_p))
    assert found.tolist() == [token]


@pytest.mark.parametrize(
    ("drawn", "token"),
    [(0.0, 3), (0.56, 3), (0.58, 2), (1 - 2**-24, 2)],  # 4/7 and 3/7
)
def test_of_the_top_k_the_others_are_never_drawn(drawn: float, token: int) -> None:
    found = choose(ODDS.log()[None], torch.tensor([drawn]), sampler(top_k=2))
    assert found.tolist() == [token]


@pytest.mark.parametrize("spread", [0.1, 1.0, 6.0])  # of 2645, of some 1800 and of a few tokens
def test_a_nucleus_is_that_of_transformers(spread: float) -> None:
    logits = spread * torch.randn(4, 3 * LIKELY, generator=torch.Generator().manual_seed(0))
    expected = TopPLogitsWarper(0.9)(torch.empty(0), logits).softmax(-1)
    likely, places = nucleus(logits.softmax(-1), 0.9)
    found = torch.zeros_like(logits).scatter(1, places, likely / likely.sum(-1, keepdim=True))
    assert torch.allclose(found, expected, atol=1e-6) and (found > 0).equal(expected > 0)


def test_top_p_is_of_the_top_k() -> None:
    """Of 4/9, 3/9 and 2/9 the first two are 0.7 of the probability; of all five tokens it takes three."""
    draws = torch.tensor([0.0, 0.56, 0.58, 1 - 2**-24])
    found = choose(ODDS.log().repeat(4, 1), draws, sampler(top_k=3, top_p=0.7))
    assert found.tolist() == [3, 3, 2, 2]


def test_the_likeliest_unless_a_penalty_is_on_it() -> None:
    """Logits 1.0, 0.9 and -0.2, -0.25; said before, one above 0 is divided and one below multiplied."""
    logits, drawn = torch.tensor([[1.0, 0.9, -0.2, -0.25, 5.0]]), torch.tensor([0.5])
    greedy = sampler(temperature=0.0, repetition_penalty=1.2)
    assert choose(logits, drawn, greedy, torch.tensor([[PAD, PAD]])).tolist() == [0]
    assert choose(logits, drawn, greedy, torch.tensor([[PAD, 0]])).tolist() == [1]
    assert choose(logits, drawn, sampler(temperature=0.0), torch.tensor([[PAD, 0]])).tolist() == [0]
    low = torch.tensor([[-9.0, -9.0, -0.2, -0.25, 5.0]])
    assert choose(low, drawn, greedy, torch.tensor([[2, 0]])).tolist() == [2]
    strong = sampler(temperature=0.0, repetition_penalty=1.3)
    assert choose(low, drawn, strong, torch.tensor([[2, 0]])).tolist() == [3]


def test_tokens_are_as_frequent_as_they_are_likely() -> None:
    draws = (torch.arange(1000) + 0.5) / 1000
    found = choose((2 * ODDS.log()).repeat(1000, 1), draws, sampler(temperature=2.0))
    assert found.bincount(minlength=5).tolist() == pytest.approx([100, 200, 300, 400, 0], abs=1)


@pytest.mark.parametrize("in_a_row", [False, True])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_near_zero_temperature_it_says_what_transformers_says(
    tmp_path: Path, name: str, in_a_row: bool
) -> None:
    """A batch of rows of unlike length, left-padded or read in one row at first, against `generate`, a
    row at a time."""
    model: Any = load_model(make_model(tmp_path, name), "float32")
    assert not in_a_row or let_pack(model) or name == "gemma2"
    found = sample(model, PROMPTS, sampler(temperature=1e-6), seed=1)
    settings = GenerationConfig(max_new_tokens=12, do_sample=False, suppress_tokens=[PAD], pad_token_id=0)
    model.generation_config = GenerationConfig()
    for prompt, answer in zip(PROMPTS, found, strict=True):
        theirs = model.generate(input_ids=torch.tensor([prompt]), generation_config=settings)
        assert answer.ids == theirs[0, len(prompt) :].tolist()


@pytest.mark.parametrize("penalty", [1.0, 1.8])
def test_greedily_it_says_what_transformers_says_with_its_penalty(
    tiny_model: Path, penalty: float
) -> None:
    """Of the prompt and of what was said; what pads a shorter row is neither."""
    model: Any = load_model(tiny_model, "float32")
    found = sample(model, PROMPTS, sampler(temperature=0.0, repetition_penalty=penalty), seed=1)
    settings = GenerationConfig(
        max_new_tokens=12,
        do_sample=False,
        suppress_tokens=[PAD],
        pad_token_id=0,
        repetition_penalty=penalty,
    )
    model.generation_config = GenerationConfig()
    for prompt, answer in zip(PROMPTS, found, strict=True):
        theirs = model.generate(input_ids=torch.tensor([prompt]), generation_config=settings)
        assert answer.ids == theirs[0, len(prompt) :].tolist()


def test_a_row_that_is_over_leaves_and_each_step_is_heard(tiny_model: Path) -> None:
    model = load_model(tiny_model, "float32")
    whole = [one.ids for one in sample(model, PROMPTS, sampler(), seed=3)]
    heard: list[list[int]] = []

    def run(over: Any) -> list[list[int]]:
        order = sorted(range(4), key=lambda place: -len(PROMPTS[place]))
        chance = torch.Generator().manual_seed(int(content_key(3, 0)[:8], 16))
        rows = generate(
            model,
            [PROMPTS[i] for i in order],
            sampler(),
            chance,
            over,
            lambda t: heard.append(t.tolist()),
        )
        return [rows[order.index(place)] for place in range(4)]

    assert run(None) == whole
    assert [len(step) for step in heard] == [4] * 12
    heard.clear()
    third = whole[1][2]
    found = run(lambda tokens: tokens[-1] == third)
    assert found == [ids[: ids.index(third) + 1] if third in ids else ids for ids in whole]
    assert len(found[1]) <= 3 and sum(len(step) for step in heard) == sum(map(len, found))


def test_a_model_without_keys_and_values_is_refused(tmp_path: Path) -> None:
    config = MambaConfig(vocab_size=20, hidden_size=8, state_size=4, num_hidden_layers=1)
    model: Any = AutoModelForCausalLM.from_config(config)
    with pytest.raises(S2Error, match="MambaForCausalLM has no keys and values by position"):
        sample(model, PROMPTS, sampler(), seed=1)


def test_what_a_row_says_does_not_hang_on_when_others_end(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With many ends rows leave the batch at several steps; without any none does."""
    model = load_model(tiny_model, "float32")
    ends = list(range(20, 70))
    without = sample(model, PROMPTS, sampler(), seed=3)
    widths: list[int] = []
    forward = model.forward

    def counted(**inputs: Any) -> Any:
        widths.append(len(inputs["input_ids"]))
        return forward(**inputs)

    monkeypatch.setattr(model, "forward", counted)
    found = sample(model, PROMPTS, sampler(ends=ends), seed=3)
    assert found == [cut(answer.ids, ends) for answer in without]
    lengths = [len(answer.ids) for answer in found]
    assert len(set(lengths)) > 2
    assert widths == [sum(length > step for length in lengths) for step in range(max(lengths))]


def test_the_seed_decides_and_nothing_before_it_does(tiny_model: Path) -> None:
    model = load_model(tiny_model, "float32")
    first = sample(model, PROMPTS, sampler(), seed=1)
    assert sample(model, PROMPTS, sampler(), seed=1) == first
    assert sample(model, PROMPTS, sampler(), seed=2) != first
