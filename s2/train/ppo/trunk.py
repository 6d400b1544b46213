"""The layers that no role adapts, run once for all of them.

Where adapters are in the upper layers alone, policy, reference, critic and reward models see the same
hidden states below: the trunk's. They are computed once for a batch, and each role goes on from there.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn

from s2.models.packed import Packed, let_pack, packed, packed_states

_LAYER = re.compile(r"^(.*)\.(\d+)\.[^.]+\..*lora_A")


class _Reached(Exception):
    """Ends a forward pass at a layer, whose input it carries."""


class Trunk:
    """How many of a model's `layers` lie below the first adapted one: none where its architecture does
    not let it start in the middle, which is tried on one sequence. And whether it `packs`, that is, reads
    more than one sequence at a time."""

    def __init__(self, model: PeftModel) -> None:
        self._inner: Any = model.get_base_model()
        self.packs = let_pack(self._inner)
        found = [match for name, _ in self._inner.named_modules() if (match := _LAYER.match(name))]
        self._path = found[0][1]
        self._layers: Any = self._inner.get_submodule(self._path)
        self.layers = min(int(match[2]) for match in found)
        batch = packed([[1, 2, 3]], model.device)
        if self.layers:
            with torch.no_grad():
                whole = packed_states(self._inner, batch)
                if not torch.allclose(self.above(batch, self.below(batch)), whole, rtol=1e-3, atol=1e-3):
                    self.layers = 0

    @torch.no_grad()
    def below(self, batch: Packed) -> Tensor | None:
        """The hidden states under the first adapted layer, [1, tokens, hidden], if there are any."""
        if not self.layers:
            return None

        def reached(_: nn.Module, arguments: tuple[Any, ...]) -> None:
            raise _Reached(arguments[0])

        hook = self._layers[self.layers].register_forward_pre_hook(reached)
        try:
            packed_states(self._inner, batch)
        except _Reached as at:
            states: Tensor = at.args[0]
            return states
        finally:
            hook.remove()
        raise AssertionError("the forward pass came to no adapted layer")

    def above(self, batch: Packed, below: Tensor | None) -> Tensor:
        """The last hidden states of the active role, behind the final norm, [1, tokens, hidden]."""
        if below is None:
            return packed_states(self._inner, batch)
        with self._upper():
            return packed_states(self._inner, batch, below)

    @contextmanager
    def _upper(self) -> Iterator[None]:
        self._inner.set_submodule(self._path, nn.ModuleList(list(self._layers)[self.layers :]))
        try:
            yield
        finally:
            self._inner.set_submodule(self._path, self._layers)
