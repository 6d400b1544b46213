"""Sequences of unlike length, end to end in one row: no linear layer computes padding.

Attention alone takes them apart, through an attention function of our own that transformers calls
(https://huggingface.co/docs/transformers/attention_interface). Its sequences start together, so that each
is causal without a mask, and what pads the shorter ones is never attended to.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
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
    places = _places(tuple(cu_seq_lens_q.diff().tolist()), query.device)
    query, key, value = (_Apart.apply(states, places) for states in (query, key, value))
    near = None
    if sliding_window and sliding_window < query.shape[2]:
        order = torch.arange(query.shape[2], device=query.device)
        behind = order[:, None] - order
        near = ((behind >= 0) & (behind < sliding_window))[None, None]
    told, _ = sdpa_attention_forward(module, query, key, value, near, **rest | {"is_causal": True})
    return _Together.apply(told, places), None


class _Places(NamedTuple):
    """Where tokens of sequences in one row are: of each place of sequences side by side, [sequences,
    longest], the token `there`, that of a short one's end its last; and of each token its place, in the
    flattened, [tokens]."""

    there: Tensor
    of_tokens: Tensor


@lru_cache(maxsize=64)
def _places(lengths: tuple[int, ...], device: torch.device) -> _Places:
    """A batch's, which each of its layers asks for."""
    counts = torch.tensor(lengths)[:, None]
    order = torch.arange(max(lengths))
    there = counts.cumsum(0) - counts + torch.minimum(order, counts - 1)
    of_tokens = (order < counts).flatten().nonzero()[:, 0]
    return _Places(there.to(device), of_tokens.to(device))


class _Apart(torch.autograd.Function):
    """[1, heads, tokens, dim] as [sequences, heads, longest, dim]. What stands behind a short one's end
    is seen by nothing that counts, so no gradient comes from there."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, places: _Places) -> Tensor:
        ctx.places = places
        found = states[0].transpose(0, 1).index_select(0, places.there.flatten())
        return found.view(*places.there.shape, *found.shape[1:]).transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        flat = gradients[0].transpose(1, 2).flatten(0, 1)
        return flat.index_select(0, ctx.places.of_tokens).transpose(0, 1)[None], None


class _Together(torch.autograd.Function):
    """[sequences, longest, heads, dim] as [1, tokens, heads, dim]."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, places: _Places) -> Tensor:
        ctx.places, ctx.shape = places, states.shape
        return states.flatten(0, 1).index_select(0, places.of_tokens)[None]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        found = gradients[0].new_zeros(ctx.shape)
        found.view(-1, *ctx.shape[2:]).index_copy_(0, ctx.places.of_tokens, gradients[0][0])
        return found, None
