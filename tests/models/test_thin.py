import pytest
import torch
from torch import nn

from s2.models.thin import thin_products


@pytest.fixture(autouse=True)
def _avx2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX2")


def test_a_cpu_with_avx512_multiplies_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX512")
    with thin_products(nn.Sequential(layer := nn.Linear(80, 80))):
        assert "forward" not in vars(layer)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(2, 1, 80), (5, 80), (80,), (3, 0, 80), (1, 70, 80), (2, 32, 80)])
def test_a_product_is_the_same_the_other_way_round(shape: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(80, 65, bias=bias)
    states = torch.randn(shape)
    expected = layer(states)
    with thin_products(nn.Sequential(layer)):
        found = layer(states)
    assert found.shape == expected.shape and found.is_contiguous()
    torch.testing.assert_close(found, expected)


def test_layers_are_themselves_again_and_others_always_were() -> None:
    """Even if an error comes through. Small layers, half precision, what is more than a linear layer, and
    what has a forward of its own stay as they are."""

    class Quantised(nn.Linear):
        pass

    large, half = nn.Linear(80, 80), nn.Linear(80, 80, dtype=torch.bfloat16)
    others = [nn.Linear(80, 16), nn.Linear(16, 80), half, Quantised(80, 80)]
    hooked = nn.Linear(80, 80)
    own = hooked.forward = hooked.forward  # type: ignore[method-assign]
    with pytest.raises(KeyError), thin_products(nn.ModuleList([large, hooked, *others])):
        assert "forward" in vars(large)
        assert hooked.forward is own
        assert not any("forward" in vars(layer) for layer in others)
        raise KeyError
    assert "forward" not in vars(large)
