"""Products of a few rows with a large matrix, as generation has them, on a CPU.

MKL, which multiplies there, was measured on an AMD EPYC with AVX2: where x has two to some sixty rows, it
takes up to twice the time for x Wᵀ as for (W xᵀ)ᵀ, the same numbers. On an Intel Xeon with AVX-512 it
does not: generation is a twentieth slower the other way round. `benchmarks/generate.py` has what comes of
it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

ROWS = range(2, 65)
LARGE = 64  # features, in and out: an adapter's matrices have fewer


@contextmanager
def thin_products(model: nn.Module) -> Iterator[None]:
    """Within it a model's large linear layers that are on a CPU with AVX2 and no AVX-512, in float32,
    multiply a few rows the faster way."""
    slow = torch.backends.cpu.get_cpu_capability() == "AVX2"
    linear = [layer for layer in model.modules() if type(layer) is nn.Linear]
    layers = [layer for layer in linear if slow and _is_slow(layer)]
    for layer in layers:
        layer.forward = partial(_linear, layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _is_slow(layer: nn.Linear) -> bool:
    on_cpu = layer.weight.device.type == "cpu" and layer.weight.dtype == torch.float32
    its_own = "forward" not in vars(layer)  # as it has who loads weights when they are needed
    return on_cpu and its_own and min(layer.weight.shape) > LARGE


def _linear(layer: nn.Linear, states: Tensor) -> Tensor:
    """[..., in] to [..., out]."""
    rows = states.reshape(-1, states.shape[-1])
    if len(rows) not in ROWS:
        return nn.functional.linear(states, layer.weight, layer.bias)
    found = (layer.weight @ rows.t()).t().contiguous()
    if layer.bias is not None:
        found += layer.bias
    return found.view(*states.shape[:-1], -1)
