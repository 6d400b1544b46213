"""LoRA's layers in one step each, as PEFT's own compute them in eight.

On a CPU a small model's adapters cost little arithmetic and much memory traffic: a copy for dropout, one
for the scale, one for the sum, and the same again on the way back. Here the low-rank part is added into
the base's product in place, and the backward pass is written out:

    y = x W' + s (x A') B'      dx = g W + s (g B) A      dA = s (g B)' x      dB = s g' (x A')
"""

from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora.layer import Linear as LoraLinear
from torch import Tensor, nn


def fuse(model: PeftModel) -> None:
    """Let a model's LoRA layers work in one step where that is the same: on a base that is neither
    quantised nor of less than float32, for one active adapter without dropout. Others stay PEFT's."""
    for module in model.modules():
        if type(module) is LoraLinear and _is_plain(module.base_layer):
            module.__class__ = FusedLinear


def _is_plain(base: nn.Module) -> bool:
    return type(base) is nn.Linear and base.weight.dtype == torch.float32


class FusedLinear(LoraLinear):
    """PEFT's LoRA layer over a linear one in float32."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """The layer's output, [..., out], of [..., in]."""
        name = self.active_adapters[0]
        usual = args or kwargs or self.disable_adapters or self.merged or len(self.active_adapters) > 1
        if usual or name not in self.lora_A or name in self.lora_variant:
            return super().forward(x, *args, **kwargs)
        dropout: Any = self.lora_dropout[name]
        if self.training and isinstance(dropout, nn.Dropout) and dropout.p:
            return super().forward(x)
        base: Any = self.base_layer
        a, b = self.lora_A[name].weight, self.lora_B[name].weight
        found: Tensor = _LowRank.apply(x, base.weight, base.bias, a, b, self.scaling[name])
        return found


class _LowRank(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float
    ) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        low = rows @ a.T
        out = nn.functional.linear(rows, weight, bias).addmm_(low, b.T, alpha=scale)
        ctx.save_for_backward(rows, low, weight, a, b)
        ctx.scale = scale
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, low, weight, a, b = ctx.saved_tensors
        gradient = gradients[0].reshape(-1, weight.shape[0])
        of_low = (gradient @ b).mul_(ctx.scale)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (gradient @ weight).addmm_(of_low, a).view(*gradients[0].shape[:-1], -1)
        of_a = of_low.T @ rows if ctx.needs_input_grad[3] else None
        of_b = (gradient.T @ low).mul_(ctx.scale) if ctx.needs_input_grad[4] else None
        return of_x, None, None, of_a, of_b, None
