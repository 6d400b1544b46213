import json
from pathlib import Path

import pytest

from s2.kernel.errors import S2Error
from s2.models.adapters import target_modules
from s2.models.encoders import check_layer
from s2.models.loading import load_model
from tests.models.making import make_model


def test_all_linear_is_the_language_model_s_own_layers(tiny_model: Path, tmp_path: Path) -> None:
    model = load_model(tiny_model, "float32")
    linear = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
    assert target_modules(model, "all-linear") == linear
    seeing = load_model(make_model(tmp_path / "gemma3", "gemma3"), "float32")
    assert "language_model" in str(target_modules(seeing, "all-linear"))


def test_a_target_that_the_model_does_not_have_is_told(tiny_model: Path) -> None:
    model = load_model(tiny_model, "float32")
    assert target_modules(model, ["v_proj", "q_proj"]) == ["q_proj", "v_proj"]
    with pytest.raises(
        S2Error, match=r"sft\.lora\.targets: the model has no linear layer c_attn; there are"
    ):
        target_modules(model, ["q_proj", "c_attn"])


def test_a_layer_that_the_encoder_does_not_have_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"num_hidden_layers": 6}))
    check_layer(tmp_path, 6)
    with pytest.raises(S2Error, match=r"evaluate\.bertscore\.layer is 7, but its encoder has 6 layers"):
        check_layer(tmp_path, 7)


def test_an_adapter_has_no_card_that_nobody_has_filled_in(tiny_adapter: Path) -> None:
    kept = {path.name for path in tiny_adapter.iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors"} <= kept and "README.md" not in kept
