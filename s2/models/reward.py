"""Reward models: an adapter with a scalar head on the base, by the end token of an answer.

They are saved as PEFT saves a sequence classifier, so that
`AutoPeftModelForSequenceClassification.from_pretrained(folder, num_labels=1)` opens one with its head.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn

from s2.kernel.errors import S2Error
from s2.models.adapters import HEAD, add_adapter, read_adapter
from s2.models.batches import Batch, by_length, left_padded
from s2.models.loading import load_model, load_tokenizer
from s2.models.packed import let_pack
from s2.params.base import Dtype, Quantization


class ScalarHead(nn.Linear):
    """One number of each hidden state, in float32 whatever the states are in: in bfloat16 close
    rewards would tie."""

    def forward(self, states: Tensor) -> Tensor:
        """[..., hidden] to [..., 1], float32."""
        with torch.autocast(states.device.type, enabled=False):
            return nn.functional.linear(states.float(), self.weight.float(), self.bias)


def fresh_reward(base: Path, start: Path, dtype: Dtype, quantization: Quantization) -> PeftModel:
    """The base with the adapter in `start`, trainable, and a head of zeros: every reward is 0."""
    model = load_model(base, dtype, quantization, scalar=True)
    model.score = ScalarHead(model.config.get_text_config().hidden_size, 1, bias=False)
    nn.init.zeros_(model.score.weight)
    # By which a sequence classifier finds a sequence's last token.
    model.config.get_text_config().pad_token_id = load_tokenizer(base).pad_token_id
    model.score.to(model.device)
    model.requires_grad_(False)
    return add_adapter(model, start, "default", task="SEQ_CLS")


def load_reward(base: Path, folder: Path, dtype: Dtype, quantization: Quantization) -> PeftModel:
    """A trained reward model, in evaluation mode; raises `S2Error` if it has no head."""
    head_of(folder)
    return fresh_reward(base, folder, dtype, quantization).eval()


def head_of(folder: Path) -> Tensor:
    """The head of a saved reward model, [1, hidden] float32; raises `S2Error` if it has none, or one that
    was never trained."""
    _, tensors = read_adapter(folder)
    if HEAD not in tensors:
        raise S2Error(f"{folder} is no reward model: its adapter has no head ({HEAD})")
    head = tensors[HEAD].float()
    if not head.any():
        raise S2Error(f"the head of the reward model in {folder} is fresh: train it first")
    return head


def last_states(model: nn.Module, batch: Batch) -> Tensor:
    """The last hidden states (behind the final norm) of a model's decoder, [rows, width, hidden]."""
    decoder: Any = model.base_model
    states: Tensor = decoder(**batch._asdict(), use_cache=False).last_hidden_state
    return states


@torch.no_grad()
def scores_packed(model: PeftModel) -> bool:
    """Let a reward model read packed sequences; whether it does, and tells the states that its head
    reads."""
    inner: Any = model.get_base_model()
    if not let_pack(inner):
        return False
    batch, training = left_padded([[1, 2, 3]], model.device), model.training
    model.eval()
    told = inner(**batch._asdict(), use_cache=False, output_hidden_states=True).hidden_states[-1]
    same = torch.allclose(told, last_states(inner, batch), rtol=1e-3, atol=1e-3)
    model.train(training)
    return same


@torch.inference_mode()
def rewards(model: PeftModel, sequences: Sequence[Sequence[int]], batch_size: int) -> list[float]:
    """The reward of each sequence (prompt, answer, end token) at its last token, in their order."""
    found: dict[int, float] = {}
    inner: Any = model.get_base_model()
    for places in by_length([len(row) for row in sequences], batch_size):
        batch = left_padded([sequences[place] for place in places], model.device)
        scores = inner.score(last_states(inner, batch)[:, -1])[:, 0]
        found |= zip(places, scores.tolist(), strict=True)
    return [found[place] for place in range(len(sequences))]
