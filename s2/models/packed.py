"""Sequences of unlike length, end to end in one row: no linear layer computes padding.

Attention alone takes them apart, through an attention function of our own that transformers calls
(https://huggingface.co/docs/transformers/attention_interface). Its sequences start together, so that each
is causal without a mask, and what pads the shorter ones is never attended to.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "packed"


class Packed(NamedTuple):
    """`input_ids` and `position_ids`, [1, tokens], and the length of each sequence."""

    input_ids: Tensor
    position_ids: Tensor
    lengths: list[int]


def packed(rows: Sequence[Sequence[int]], device: torch.device | None = None) -> Packed:
    """Sequences of token ids as one row; positions count from each one's own start."""
    lengths = [len(row) for row in rows]
    ids = torch.tensor([[token for row in rows for token in row]], device=device)
    positions = torch.cat([torch.arange(length, device=device) for length in lengths])
    return Packed(ids, positions[None], lengths)


def packed_states(model: nn.Module, batch: Packed, embeddings: Tensor | None = None) -> Tensor:
    """The last hidden states (behind the final norm) of a model's decoder, [1, tokens, hidden], of token
    ids or of what stands for their `embeddings`. Of several sequences the model has to be one that
    `let_pack` says yes to."""
    decoder: Any = model.base_model
    given = {"input_ids": batch.input_ids} if embeddings is None else {"inputs_embeds": embeddings}
    states: Tensor = decoder(**given, **told_apart(batch), use_cache=False).last_hidden_state
    return states


def told_apart(batch: Packed) -> dict[str, Tensor]:
    """What a model is to be told of sequences in one row, besides their tokens."""
    told = {"position_ids": batch.position_ids}
    if len(batch.lengths) > 1:
        told["cu_seq_lens_q"] = torch.tensor([0, *batch.lengths]).cumsum(0)
    return told


@torch.no_grad()
def let_pack(model: Any) -> bool:
    """Give a model the attention that keeps packed sequences apart; whether its architecture takes it,
    which is tried on two sequences. A model that does not is left as it was."""
    AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    before, training = model.config._attn_implementation, model.training
    model.eval()
    rows = [[1, 2, 3], [2, 1]]
    alone = [packed_states(model, packed([row], model.device)) for row in rows]
    packs = False
    if before == "sdpa":  # what ours stands for: a model that asks for another has its reasons
        model.set_attn_implementation(NAME)
        if model.config._attn_implementation == NAME:
            packs = _same(packed_states(model, packed(rows, model.device)), torch.cat(alone, dim=1))
        if not packs:
            model.set_attn_implementation(before)
    model.train(training)
    return packs


def _same(states: Tensor, others: Tensor) -> bool:
    """Whether they differ by no more than rounding in their type makes of products of another shape."""
    rounding = max(1e-3, 8 * torch.finfo(states.dtype).eps)
    return bool((states - others).float().norm() <= rounding * others.float().norm())


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    cu_seq_lens_q: Tensor | None = None,
    sliding_window: int | None = None,
    **rest: Any,
) -> tuple[Tensor, None]:
    """Attention of [1, heads, tokens, dim] within each of the sequences that start at `cu_seq_lens_q`,
    which ends with the number of tokens (the name by which transformers hands it on); without it that of
    any batch. Returns [1, tokens, heads, dim]."""
    if cu_seq_lens_q is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **rest)
    lengths = cu_seq_lens_q.diff().tolist()
    query, key, value = (
        pad_sequence(states[0].transpose(0, 1).split(lengths), batch_first=True).transpose(1, 2)
        for states in (query, key, value)
    )
    places = torch.arange(max(lengths), device=query.device)
    near = None
    if sliding_window and sliding_window < len(places):
        behind = places[:, None] - places
        near = ((behind >= 0) & (behind < sliding_window))[None, None]
    told, _ = sdpa_attention_forward(module, query, key, value, near, **rest | {"is_causal": True})
    inside = places < torch.tensor(lengths, device=query.device)[:, None]
    return told[inside][None], None
