import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import AutoPeftModelForSequenceClassification
from safetensors.torch import load_file, save_file

from s2.kernel.errors import S2Error
from s2.models.about import about
from s2.models.encoding import Encoder
from s2.models.loading import load_tokenizer
from s2.models.reward import fresh_reward, head_of, load_reward, rewards
from s2.params.align import RewardModel
from s2.train import reward as module
from s2.train.pairs import PairRun, encode_pairs, mean_one
from s2.train.reward import make_trainer, pair_losses, train
from tests.train.pairing import pair_rows, section
from tests.train.tolerance import near

pytestmark = pytest.mark.slow

SPLITS = {"train": pair_rows(12), "validation": pair_rows(6), "test": pair_rows(3)}


def settings(**changes: Any) -> RewardModel:
    small = {"from": "sft/some", "data": "some", "lr": 0.01, "epochs": 4, "max_length": 128}
    return RewardModel.model_validate(section("reward", **small | {"log_steps": 1} | changes))


def run_in(folder: Path, base: Path, start: Path) -> PairRun:
    return PairRun("some", base, start, folder / "checkpoints", folder / "adapter", "s2", 0.3)


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_a_reward_model_learns_and_says_the_same_when_it_is_loaded_again(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path, quantization: str
) -> None:
    parameters = settings(quantization=quantization)
    metrics = train(run_in(in_tmp, tiny_model, tiny_adapter), SPLITS, parameters, seed=1)
    assert metrics["validation.accuracy"] == 1 and metrics["validation.loss"] < 0.3
    assert metrics["validation.n"] == 6 and metrics["test.n"] == 3 and metrics["steps"] == 8
    adapter = in_tmp / "adapter"
    assert about(adapter)["accuracy"] == 1
    encoder = Encoder(load_tokenizer(adapter))
    sequences = [
        side
        for pair in encode_pairs(encoder, SPLITS["test"], 128)
        for side in (pair.chosen, pair.rejected)
    ]
    loaded = load_reward(tiny_model, adapter, "float32", parameters.quantization)
    ours = rewards(loaded, sequences, 2)
    margin = sum(ours[0::2]) / 3 - sum(ours[1::2]) / 3
    assert metrics["test.margin"] == pytest.approx(margin, abs=near(quantization))
    # The batch that a sequence is in changes nothing.
    assert rewards(loaded, sequences, 1) == pytest.approx(ours, abs=near(quantization))
    if quantization == "none":
        # Plain PEFT opens it with its head, on a base whose padding is no end, as the graph's are.
        config = json.loads((tiny_model / "config.json").read_text())
        config["pad_token_id"] = load_tokenizer(tiny_model).pad_token_id
        base = Path(shutil.copytree(tiny_model, in_tmp / "base"))
        (base / "config.json").write_text(json.dumps(config))
        about_adapter = json.loads((adapter / "adapter_config.json").read_text())
        assert about_adapter["task_type"] == "SEQ_CLS"
        about_adapter["base_model_name_or_path"] = str(base)
        (adapter / "adapter_config.json").write_text(json.dumps(about_adapter))
        plain = AutoPeftModelForSequenceClassification.from_pretrained(adapter, num_labels=1).eval()
        with torch.inference_mode():
            theirs = [float(plain(torch.tensor([ids])).logits) for ids in sequences]
        assert theirs == pytest.approx(ours, abs=1e-5)


def test_every_tensor_of_the_sft_adapter_is_where_training_starts(
    tiny_model: Path, tiny_adapter: Path
) -> None:
    model = fresh_reward(tiny_model, tiny_adapter, "float32", "none")
    saved = load_file(tiny_adapter / "adapter_model.safetensors")
    state = {key.replace(".default", ""): value for key, value in model.state_dict().items()}
    assert saved and all(torch.equal(state[key], value) for key, value in saved.items())
    trainable = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert len(trainable) == len(saved) + 1 and any("score" in name for name in trainable)
    assert rewards(model, [[1, 5, 6], [1, 7]], 2) == [0, 0]


def test_an_adapter_of_another_model_is_refused(
    tiny_model: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    saved = load_file(tiny_adapter / "adapter_model.safetensors")
    config = (tiny_adapter / "adapter_config.json").read_text()
    for name, tensors in {
        "less": dict(list(saved.items())[1:]),
        "more": saved | {"base_model.model.model.layers.9.mlp.up_proj.lora_A.weight": torch.zeros(4, 64)},
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "adapter_config.json").write_text(config)
        save_file(tensors, folder / "adapter_model.safetensors")
        with pytest.raises(S2Error, match="is not of this model: 1 tensors"):
            fresh_reward(tiny_model, folder, "float32", "none")


def test_a_missing_or_fresh_head_is_refused(tiny_adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(S2Error, match="has no head"):
        head_of(tiny_adapter)
    tensors = load_file(tiny_adapter / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text((tiny_adapter / "adapter_config.json").read_text())
    save_file(
        tensors | {"base_model.model.score.weight": torch.zeros(1, 64)},
        tmp_path / "adapter_model.safetensors",
    )
    with pytest.raises(S2Error, match="is fresh: train it first"):
        head_of(tmp_path)
    with pytest.raises(S2Error, match=r"reward.json is missing"):
        about(tmp_path)


def test_the_loss_of_pairs_by_hand() -> None:
    """-log sigmoid(1 - 0) = 0.3133; with a margin of 1, log 2; weights 1 and 3 become 0.5 and 1.5."""
    losses = pair_losses(torch.tensor([1.0, 1.0]), torch.tensor([0.0, 0.0]), torch.tensor([0.0, 1.0]))
    assert losses.tolist() == pytest.approx([0.313262, 0.693147], abs=1e-6)
    assert mean_one([1, 3]) == [0.5, 1.5]


@pytest.mark.parametrize("packs", [True, False])
def test_one_batch_of_eight_is_eight_of_one(
    in_tmp: Path,
    tiny_model: Path,
    tiny_adapter: Path,
    monkeypatch: pytest.MonkeyPatch,
    packs: bool,
) -> None:
    """The same gradients, weights and margins among them, packed or padded."""
    rows = [row | {"weight": 1 / (1 + n % 3)} for n, row in enumerate(pair_rows(8))]
    encoder = Encoder(load_tokenizer(tiny_adapter))
    gradients = []
    for batch_size, passes in ((8, 1), (1, 8)):
        if batch_size == 1 and not packs:
            monkeypatch.setattr("s2.models.reward.let_pack", lambda model: False)
        model = fresh_reward(tiny_model, tiny_adapter, "float32", "none")
        inner: Any = model.get_base_model()
        torch.nn.init.ones_(inner.score.modules_to_save["default"].weight)
        parameters = settings(batch_size=batch_size, grad_accumulation=passes, margin=0.5)
        pairs = encode_pairs(encoder, rows, 128)
        trainer = make_trainer(model, pairs, parameters, 1, in_tmp / "checkpoints")
        model.train()
        data = module.Pairs(pairs)
        for start in range(0, 8, batch_size):
            inputs = trainer.data_collator([data[place] for place in range(start, start + batch_size)])
            assert ("attention_mask" in inputs) == (batch_size == 1 and not packs)
            (trainer.compute_loss(model, inputs) / passes).backward()
        gradients.append({n: p.grad for n, p in model.named_parameters() if p.requires_grad})
    assert len(gradients[0]) > 10
    for name, gradient in gradients[0].items():
        other = gradients[1][name]
        assert gradient is not None and other is not None
        assert torch.allclose(gradient, other, atol=1e-5), name


def test_a_killed_training_goes_on_from_its_checkpoint(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.train.test_sft import KillAt, Killed

    whole = train(run_in(in_tmp / "whole", tiny_model, tiny_adapter), SPLITS, settings(), seed=1)
    run = run_in(in_tmp / "cut", tiny_model, tiny_adapter)
    trainer = module.RewardTrainer
    with monkeypatch.context() as patch:
        patch.setattr(module, "RewardTrainer", lambda **kw: trainer(**kw, callbacks=[KillAt(5)]))
        with pytest.raises(Killed):
            train(run, SPLITS, settings(), seed=1)
    assert (run.checkpoints / "checkpoint-3").is_dir()
    resumed = train(run, SPLITS, settings(), seed=1)
    assert resumed.pop("dropped") == whole.pop("dropped")
    assert resumed == pytest.approx(whole, abs=1e-6)
    one, other = (in_tmp / name / "checkpoints/curve/train.tsv" for name in ("whole", "cut"))
    assert one.read_text() == other.read_text()
    assert json.loads((in_tmp / "cut/adapter/reward.json").read_text())["accuracy"] == 1
