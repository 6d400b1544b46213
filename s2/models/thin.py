"""Products of a few rows with a large matrix, as generation has them, on a CPU.

MKL, which multiplies there, takes for x Wᵀ up to twice the time of (W xᵀ)ᵀ, the same numbers. So it was
measured on an AMD EPYC with AVX2 where x has two to some sixty rows, and on an Intel Xeon with AVX-512
where it has sixteen to some fifty, and more columns than the result; everything else is slower there the
other way round. `benchmarks/generate.py` has what comes of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

NONE = range(0)
LARGE = 64  # features, in and out: an adapter's matrices have fewer


@contextmanager
def thin_products(model: nn.Module) -> Iterator[None]:
    """Within it a model's large linear layers that are on a CPU, in float32, multiply a few rows the
    faster way."""
    linear = [layer for layer in model.modules() if type(layer) is nn.Linear]
    layers = [(layer, rows) for layer in linear if (rows := _slow_rows(layer))]
    for layer, rows in layers:
        layer.forward = partial(_linear, layer, rows)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer, _ in layers:
            del layer.forward


def _slow_rows(layer: nn.Linear) -> range:
    """The numbers of rows with which a layer is faster the other way round."""
    out, into = layer.weight.shape
    on_cpu = layer.weight.device.type == "cpu" and layer.weight.dtype == torch.float32
    its_own = "forward" not in vars(layer)  # as it has who loads weights when they are needed
    if not (on_cpu and its_own and min(out, into) > LARGE):
        return NONE
    match torch.backends.cpu.get_cpu_capability():
        case "AVX2":
            return range(2, 65)
        case "AVX512" if into > out:
            return range(16, 49)
    return NONE


def _linear(layer: nn.Linear, slow: range, states: Tensor) -> Tensor:
    """[..., in] to [..., out]."""
    rows = states.reshape(-1, states.shape[-1])
    if len(rows) not in slow:
        return nn.functional.linear(states, layer.weight, layer.bias)
    found = (layer.weight @ rows.t()).t().contiguous()
    if layer.bias is not None:
        found += layer.bias
    return found.view(*states.shape[:-1], -1)
