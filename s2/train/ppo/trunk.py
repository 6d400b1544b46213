"""Layers that no training changes, run once for all that go on from them.

Where adapters are in the upper layers alone, policy, reference, critic and reward models see the same
hidden states below. They are computed once for a batch, and each role goes on from there.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn

from s2.models.packed import Packed, let_pack, packed, packed_states

_LAYER = re.compile(r"^(.*?)\.(\d+)\.")  # an expert's number, further right, is not the layer's


def layer_of(name: str) -> int:
    """The number of the layer in which a module or parameter is; -1 where it is in none, such as a
    projection of the embeddings (OPT-350m)."""
    found = _LAYER.match(name)
    return int(found[2]) if found else -1


class _Reached(Exception):
    """Ends a forward pass at a layer, whose input it carries."""


class Trunk:
    """A model's layers: which of them are `adapted`; whether a pass `splits`, that is, may end under one
    of them and start there again, which is tried on one sequence; and whether it `packs`, that is, reads
    more than one sequence at a time."""

    def __init__(self, model: PeftModel) -> None:
        self._inner: Any = model.get_base_model()
        self.packs = let_pack(self._inner)
        names = [name for name, _ in self._inner.named_modules() if name.endswith(".lora_A")]
        self._path = next(match[1] for name in names if (match := _LAYER.match(name)))
        self._layers: Any = self._inner.get_submodule(self._path)
        self.adapted = sorted(set(map(layer_of, names)))
        within = self.adapted[0] >= 0
        self.splits = within and self._alike() and self._tried(model.device)

    def _alike(self) -> bool:
        """Whether layers attend alike: transformers chooses a mask by a layer's place in the list, which
        the upper layers alone do not keep."""
        return len(set(self._inner.config.to_dict().get("layer_types") or ())) < 2

    @torch.no_grad()
    def _tried(self, device: torch.device) -> bool:
        batch, at = packed([[1, 2, 3]], device), len(self._layers) // 2
        parts = self.states(batch, self.states(batch, stop=at), at)
        return torch.allclose(parts, self.states(batch), rtol=1e-3, atol=1e-3)

    def states(
        self, batch: Packed, given: Tensor | None = None, start: int = 0, stop: int | None = None
    ) -> Tensor:
        """The active role's hidden states under the layer `stop`, or the last ones, behind the final
        norm, [1, tokens, hidden]; from the token ids, or from what is `given` under the layer `start`."""
        with self._from(start), self._until(stop):
            try:
                return packed_states(self._inner, batch, given)
            except _Reached as at:
                states: Tensor = at.args[0]
                return states

    @contextmanager
    def _from(self, start: int) -> Iterator[None]:
        self._inner.set_submodule(self._path, nn.ModuleList(list(self._layers)[start:]))
        try:
            yield
        finally:
            self._inner.set_submodule(self._path, self._layers)

    @contextmanager
    def _until(self, stop: int | None) -> Iterator[None]:
        def reached(_: nn.Module, arguments: tuple[Any, ...]) -> None:
            raise _Reached(arguments[0])

        hook = None if stop is None else self._layers[stop].register_forward_pre_hook(reached)
        try:
            yield
        finally:
            if hook:
                hook.remove()
