"""Sequences of unlike length as one batch, padded on the left, so that all of them end together.

Masks come from lengths, never from what the ids are; positions count from each sequence's own start.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """`input_ids`, `attention_mask` and `position_ids`, [rows, width] each."""

    input_ids: Tensor
    attention_mask: Tensor
    position_ids: Tensor


def left_padded(rows: Sequence[Sequence[int]], device: torch.device | None = None) -> Batch:
    """A batch of token ids; the id under the padding is 0 and is attended to by none."""
    width = max(len(row) for row in rows)
    gaps = [width - len(row) for row in rows]
    ids = torch.tensor([[0] * gap + list(row) for gap, row in zip(gaps, rows, strict=True)])
    mask = torch.tensor([[0] * gap + [1] * (width - gap) for gap in gaps])
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    return Batch(ids.to(device), mask.to(device), positions.to(device))


def ends_together(lengths: Sequence[int], device: torch.device | None = None) -> Tensor:
    """[rows, longest] bool: the last `lengths[i]` columns of row i."""
    longest = max(lengths)
    columns = torch.arange(longest, device=device)
    return columns[None, :] >= longest - torch.tensor(lengths, device=device)[:, None]


def right_aligned(rows: Sequence[Tensor]) -> Tensor:
    """Tensors of unlike length, [length, ...] each, as one, [rows, longest, ...], zeros before each."""
    longest = max(len(row) for row in rows)
    return torch.stack(
        [torch.cat([row.new_zeros(longest - len(row), *row.shape[1:]), row]) for row in rows]
    )


def by_length(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """The places of rows, longest first, `size` at a time: rows of like length share a batch."""
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    for start in range(0, len(order), size):
        yield order[start : start + size]
