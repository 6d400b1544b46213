import pytest
import torch
from torch import nn

from s2.models.thin import thin_products


@pytest.fixture(autouse=True)
def _avx2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX2")


@pytest.mark.parametrize(("capability", "other"), [("AVX512", True), ("DEFAULT", False)])
def test_what_is_multiplied_the_other_way_round_is_by_the_cpu(
    monkeypatch: pytest.MonkeyPatch, capability: str, other: bool
) -> None:
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: capability)
    square, narrowing = nn.Linear(80, 80), nn.Linear(96, 80)
    states = torch.ones(16, 96)
    expected = narrowing(states)
    with thin_products(nn.ModuleList([square, narrowing])):
        assert "forward" not in vars(square)
        assert ("forward" in vars(narrowing)) == other
        torch.testing.assert_close(narrowing(states), expected)


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
