"""LoRA layers in float32, in fewer passes over memory than PEFT's own forward.

PEFT computes `result + B(A(x)) * scaling`: behind the products a pass to scale and one to add, and as
many again for the gradients. Here a product adds to what is there. The numbers are PEFT's, up to
rounding.
"""

from functools import partial
from typing import Any

import torch
from peft.tuners.lora import Linear
from torch import Tensor, nn


def lean(model: nn.Module) -> None:
    """Let a model's plain LoRA layers be computed so wherever they can be, also with adapters that are
    added later."""
    for layer in model.modules():
        plain = type(layer) is Linear and type(layer.get_base_layer()) is nn.Linear
        if plain and "forward" not in vars(layer):
            layer.forward = partial(_forward, layer)


def _forward(layer: Any, states: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """[..., in] to [..., out]."""
    if args or kwargs or not _can_be_lean(layer, states):
        found: Tensor = type(layer).forward(layer, states, *args, **kwargs)
        return found
    (name,) = layer.active_adapters
    a, b = layer.lora_A[name].weight, layer.lora_B[name].weight
    if not torch.is_grad_enabled():  # generation: a few rows, of which Python's part is the larger
        return _added(states, layer.base_layer, a, b, layer.scaling[name])[0]
    added: Tensor = _Added.apply(states, layer.base_layer, a, b, layer.scaling[name])
    return added


def _added(
    states: Tensor, base: nn.Linear, a: Tensor, b: Tensor, scaling: float
) -> tuple[Tensor, Tensor]:
    """x Wᵀ + scaling · x Aᵀ Bᵀ, and x Aᵀ."""
    result: Tensor = base(states)
    low = _rows(states) @ a.t()
    result.view(-1, result.shape[-1]).addmm_(low, b.t(), alpha=scaling)
    return result, low


def _can_be_lean(layer: Any, states: Tensor) -> bool:
    """Whether one adapter of this layer is active, unmerged, without dropout, bias or variant, and all is
    in float32."""
    if len(layer.active_adapters) != 1 or layer.disable_adapters or layer.merged:
        return False
    (name,) = layer.active_adapters
    if name not in layer.lora_A or name in layer.lora_variant or layer.lora_bias[name]:
        return False
    dropout = layer.lora_dropout[name]
    if isinstance(dropout, nn.Dropout) and dropout.training and dropout.p:
        return False
    kinds = {states.dtype, layer.base_layer.weight.dtype, layer.lora_A[name].weight.dtype}
    return kinds == {torch.float32} and not torch.is_autocast_enabled(states.device.type)


class _Added(torch.autograd.Function):
    """x Wᵀ + scaling · x Aᵀ Bᵀ of a base layer W that does not learn, with gradients for x, A and B."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, base: nn.Linear, a: Tensor, b: Tensor, scaling: float
    ) -> Tensor:
        result, low = _added(states, base, a, b, scaling)
        ctx.save_for_backward(states, base.weight, low, a, b)
        ctx.scaling = scaling
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        states, weight, low, a, b = ctx.saved_tensors
        grad = _rows(grad)
        of_low = (grad @ b).mul_(ctx.scaling)
        for_states = for_a = for_b = None
        if ctx.needs_input_grad[0]:
            for_states = (grad @ weight).addmm_(of_low, a).view(states.shape)
        if ctx.needs_input_grad[2]:
            for_a = of_low.t() @ _rows(states)
        if ctx.needs_input_grad[3]:
            for_b = (low.t() @ grad).mul_(ctx.scaling).t()  # faster than the product of its own shape
        return for_states, None, for_a, for_b, None


def _rows(states: Tensor) -> Tensor:
    """[..., features] as [rows, features], without a copy of what is contiguous."""
    return states.reshape(-1, states.shape[-1])
