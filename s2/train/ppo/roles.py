"""Policy, reference, critic and reward models as adapters on one base, which is in memory once."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import torch
from peft import PeftModel
from torch import Tensor, nn

from s2.kernel.errors import S2Error
from s2.models.adapters import add_adapter, switch, train_only
from s2.models.batches import by_length, ends_together
from s2.models.head import chosen_logprobs, head_of_words
from s2.models.loading import load_model
from s2.models.packed import Packed, packed
from s2.models.reward import ScalarHead, head_of
from s2.params.base import Dtype, Quantization
from s2.train.ppo.trunk import Trunk, layer_of

POLICY, REFERENCE, VALUE, REWARD = "policy", "reference", "value", "reward_"
Sequences = Sequence[Sequence[int]]


class Roles:
    """The models of PPO. The policy and the critic learn, the others never move; dropout is off in all
    of them. The critic starts as the first reward model, with a bias by which `rescale_values`
    can shift it, and learns in the upper `value_layers` of its adapted layers: those below stay that
    reward model's, which are read once for both.

    Raises `S2Error` if an adapter is not of this base, a reward model has no trained head, or the base
    does more to its logits than its output embedding.
    """

    def __init__(
        self,
        base: Path,
        start: Path,
        rewards: Mapping[str, Path],
        dtype: Dtype,
        quantization: Quantization,
        value_layers: int | None = None,
        gradient_checkpointing: bool = False,
    ) -> None:
        model = add_adapter(load_model(base, dtype, quantization), start, POLICY)
        add_adapter(model, start, REFERENCE)
        first = next(iter(rewards))
        add_adapter(model, rewards[first], VALUE)
        self._heads = {name: self._head(model, folder) for name, folder in rewards.items()}
        self._value_head = self._head(model, rewards[first], bias=True)
        for name, folder in rewards.items():
            add_adapter(model, folder, REWARD + name)
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        if gradient_checkpointing:
            model.enable_input_require_grads()
            model.gradient_checkpointing_enable({"use_reentrant": False})
        self.model: PeftModel = model
        self._trunk = Trunk(model)
        self.policy_parameters = _of(model, POLICY)
        value = _of(model, VALUE)
        adapted = sorted({layer_of(key) for key in value})
        self._critic_from = adapted[-value_layers:][0] if value_layers else adapted[0]
        self._as_critic = {VALUE, REWARD + first}
        self.value_parameters = {
            key: parameter for key, parameter in value.items() if layer_of(key) >= self._critic_from
        } | {f"head.{key}": parameter for key, parameter in self._value_head.named_parameters()}
        learning = [*self.policy_parameters.values(), *self.value_parameters.values()]
        train_only(model, {id(parameter) for parameter in learning})
        self._active = ""
        head = head_of_words(model)
        if head is None:
            raise S2Error(
                f"PPO cannot train {type(model.get_base_model()).__name__}: its logits are not its "
                "output embedding of its last hidden states; take a base that neither caps nor scales "
                "them"
            )
        self._head_of_words = head
        model.train(gradient_checkpointing)  # which transformers does in training mode alone
        self.use(POLICY)

    @staticmethod
    def _head(model: PeftModel, folder: Path, bias: bool = False) -> ScalarHead:
        weight = head_of(folder)
        head = ScalarHead(weight.shape[1], 1, bias=bias, device=model.device)
        head.weight.data.copy_(weight)
        if bias:
            nn.init.zeros_(head.bias)
        return head

    def use(self, name: str) -> None:
        """Make an adapter the active one. Whoever needs gradients of a role ends its backward before the
        next switch, for checkpointed layers run again under what is active then (peft#2832)."""
        if self._active != name:
            switch(self.model, name)
        self._active = name

    def passes(self, prompts: Sequences, answers: Sequences, batch_size: int) -> Iterator[list[int]]:
        """Which of the prompts with their answers are read at a time: those of like length, `batch_size`
        of them, or one where the base cannot keep more apart."""
        lengths = [len(p) + len(a) for p, a in zip(prompts, answers, strict=True)]
        return by_length(lengths, batch_size if self._trunk.packs else 1)

    def below(self, prompts: Sequences, answers: Sequences, batch_size: int) -> "list[Below] | None":
        """What no training changes of each prompt with its answer, [tokens, hidden], if there is such."""
        found: dict[int, Below] = {}
        for places in self.passes(prompts, answers, batch_size):
            batch = packed([[*prompts[place], *answers[place]] for place in places], self.model.device)
            states = self._below(batch)
            if states is None:
                return None
            parts = (part[0].split(batch.lengths) for part in states)
            found |= zip(places, map(Below, *parts), strict=True)
        return [found[place] for place in range(len(prompts))]

    @torch.no_grad()
    def _below(self, batch: Packed) -> "Below | None":
        if not (self._trunk.splits and self._critic_from):
            return None
        first = self._trunk.adapted[0]
        shared = self._trunk.states(batch, stop=first)
        self.use(VALUE)
        return Below(shared, self._trunk.states(batch, shared, first, self._critic_from))

    def read(
        self, prompts: Sequences, answers: Sequences, below: "Sequence[Below] | None" = None
    ) -> "Read":
        """Prompts with answers in one pass, read as far as no training changes it, if `below` does not
        say so already."""
        device = self.model.device
        batch = packed([[*p, *a] for p, a in zip(prompts, answers, strict=True)], device)
        states = (
            self._below(batch)
            if below is None
            else Below(*(torch.cat(parts)[None] for parts in zip(*below, strict=True)))
        )
        counts = [len(answer) for answer in answers]
        ends = list(accumulate(batch.lengths))
        tokens = [
            place for end, count in zip(ends, counts, strict=True) for place in range(end - count, end)
        ]
        last = [end - 1 for end in ends]
        places = (torch.tensor(found, device=device) for found in (tokens, last))
        return Read(batch, states, ends_together(counts, device), *places)

    def _states(self, name: str, read: "Read") -> Tensor:
        """A role's last hidden states, behind the final norm, [tokens, hidden]."""
        self.use(name)
        if read.below is None:
            return self._trunk.states(read.batch)[0]
        if name in self._as_critic:
            return self._trunk.states(read.batch, read.below.critic, self._critic_from)[0]
        return self._trunk.states(read.batch, read.below.shared, self._trunk.adapted[0])[0]

    def logprobs(self, name: str, read: "Read", temperature: float, pad: int) -> Tensor:
        """log π(token | what is before it) of each answer's tokens at a temperature, in float32,
        [answers, longest answer], those of an answer in its last columns, 0 before them. The padding
        token has no probability, as in sampling."""
        states = self._states(name, read)[read.tokens - 1]
        told = read.batch.input_ids[0, read.tokens]
        return read.by_answer(chosen_logprobs(self._head_of_words, states, told, temperature, pad))

    def values(self, read: "Read") -> Tensor:
        """The critic's value of the state in which each of an answer's tokens was chosen, as `logprobs`
        has them."""
        states = self._states(VALUE, read)[read.tokens - 1]
        return read.by_answer(self._value_head(states)[:, 0])

    @torch.no_grad()
    def rescale_values(self, slope: float, shift: float) -> None:
        """Let the critic say slope·V + shift where it said V."""
        self._value_head.weight.mul_(slope)
        self._value_head.bias.mul_(slope).add_(shift)

    def rewards(self, read: "Read") -> dict[str, Tensor]:
        """Each reward model's reward of each answer, at its last token, [answers]."""
        return {
            name: head(self._states(REWARD + name, read)[read.last])[:, 0]
            for name, head in self._heads.items()
        }


class Below(NamedTuple):
    """Hidden states that no training changes, [tokens, hidden] of a sequence or [1, tokens, hidden] of a
    pass: under the first adapted layer, `shared` by all roles, and under the first in which the critic
    learns, those of the `critic` and of the reward model from which it starts."""

    shared: Tensor
    critic: Tensor


class Read(NamedTuple):
    """Sequences in one row, and what of it no training changes; where its answers are, once they end
    together, [answers, longest] bool; and the places in the row of all their `tokens`, one answer after
    another, and of the `last` of each."""

    batch: Packed
    below: Below | None
    answers: Tensor
    tokens: Tensor
    last: Tensor

    def by_answer(self, found: Tensor) -> Tensor:
        """Numbers of the answers' tokens, [tokens], as [answers, longest]: those of an answer in its last
        columns, 0 before them."""
        return torch.zeros(self.answers.shape, device=found.device).masked_scatter(self.answers, found)


def _of(model: PeftModel, name: str) -> dict[str, nn.Parameter]:
    """An adapter's parameters by their names without its own."""
    return {
        key.replace(f".{name}.", "."): parameter
        for key, parameter in model.named_parameters()
        if f".{name}." in key
    }
