import math
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from s2.models.adapters import active, add_adapter
from s2.models.encoding import Encoder
from s2.models.loading import load_model, load_tokenizer
from s2.models.sampling import Sampler, sample
from s2.params.align import DpoModel
from s2.train import dpo as module
from s2.train.dpo import KL_TOKENS, make_trainer, measure_kl, measure_pairs, train
from s2.train.dpo_trainer import POLICY, REFERENCE
from s2.train.pairs import PairRun, encode_pairs
from tests.train.pairing import pair_rows, section

SPLITS = {"train": pair_rows(12), "validation": pair_rows(6), "test": pair_rows(3)}


def settings(**changes: Any) -> DpoModel:
    small = {"from": "sft/some", "data": "some", "lr": 0.01, "epochs": 4, "max_length": 128}
    return DpoModel.model_validate(section("dpo", **small | {"log_steps": 1} | changes))


def run_in(folder: Path, base: Path, start: Path) -> PairRun:
    return PairRun("some", base, start, folder / "checkpoints", folder / "adapter", "s2", 0.3)


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_training_parts_chosen_and_rejected(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path, quantization: str
) -> None:
    parameters = settings(quantization=quantization)
    metrics = train(run_in(in_tmp, tiny_model, tiny_adapter), SPLITS, parameters, seed=1)
    assert metrics["validation.accuracy"] == 1 and metrics["validation.margin"] > 0.5
    assert metrics["validation.loss"] < math.log(2) - 0.1
    # Estimated from a few samples: the KL itself is above 0, its estimate not below by more than noise.
    assert metrics["prompts.kl"] > -2 * metrics["prompts.kl_se"] and metrics["prompts.kl"] != 0
    assert metrics["prompts.tokens"] > 0
    # The first step's loss is that of equal policies.
    first = (in_tmp / "checkpoints/curve/train.tsv").read_text().splitlines()[1].split("\t")
    assert first[0] == "1" and float(first[1]) == pytest.approx(math.log(2), abs=1e-5)
    saved = load_file(in_tmp / "adapter/adapter_model.safetensors")
    start = load_file(tiny_adapter / "adapter_model.safetensors")
    assert saved.keys() == start.keys() and not (in_tmp / "adapter/ref").exists()
    assert all(tensor.dtype == torch.float32 for tensor in saved.values())
    assert any(not torch.equal(saved[key], start[key]) for key in saved)


def trained(base: Path, start: Path, folder: Path, **changes: Any) -> tuple[PeftModel, Any, list[Any]]:
    encoder = Encoder(load_tokenizer(start))
    model = add_adapter(load_model(base, "float32"), start, POLICY)
    rows = [row | {"weight": 1 / (1 + n % 3)} for n, row in enumerate(pair_rows(8))]
    pairs = encode_pairs(encoder, rows, 128)
    return model, make_trainer(model, encoder, pairs, settings(**changes), 1, folder), pairs


@pytest.mark.slow
def test_the_reference_is_the_sft_policy_and_never_moves(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path
) -> None:
    model, trainer, pairs = trained(tiny_model, tiny_adapter, in_tmp)
    before = measure_pairs(model, pairs, settings())
    assert before["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert before["margin"] == 0 and before["chosen_logps_changed"] == 0
    trainer.train()
    start = load_file(tiny_adapter / "adapter_model.safetensors")
    state = model.state_dict()
    for key, tensor in start.items():
        assert torch.equal(state[key.replace(".weight", f".{REFERENCE}.weight")], tensor), key
    alone = add_adapter(load_model(tiny_model, "float32"), tiny_adapter, "alone").eval()
    ids = torch.tensor([pairs[0].chosen])
    model.eval()
    with torch.inference_mode(), active(model, REFERENCE):
        assert torch.allclose(model(input_ids=ids).logits, alone(input_ids=ids).logits, atol=1e-5)


@pytest.mark.slow
def test_the_kl_is_of_the_policys_own_answers_policy_less_reference(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path
) -> None:
    """Before training exactly 0; after it, by whole forward passes over the same answers."""
    model, trainer, pairs = trained(tiny_model, tiny_adapter, in_tmp)
    encoder = Encoder(load_tokenizer(tiny_adapter))
    model.eval()
    assert measure_kl(model, encoder, pairs, 2, seed=5)["prompts.kl"] == 0
    trainer.train()
    model.eval()
    found = measure_kl(model, encoder, pairs, 2, seed=5)
    prompts = [list(ids) for ids in dict.fromkeys(tuple(pair.prompt_ids) for pair in pairs)]
    pad = int(encoder.tokenizer.pad_token_id)
    kls = []
    with torch.inference_mode():
        sampler = Sampler(encoder.ends, pad, 1.0, KL_TOKENS, 8)
        for prompt, answer in zip(prompts, sample(model, prompts, sampler, seed=5), strict=True):
            ids, told = torch.tensor([prompt + answer.ids]), torch.tensor(answer.ids)[:, None]
            policy = model(input_ids=ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
            with active(model, REFERENCE):
                reference = model(input_ids=ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
            kls.append(float((policy - reference).gather(-1, told).sum()))
    assert found["prompts.kl"] != 0
    assert found["prompts.kl"] == pytest.approx(sum(kls) / len(kls), abs=1e-4)


@pytest.mark.slow
def test_one_batch_of_eight_is_eight_of_one(in_tmp: Path, tiny_model: Path, tiny_adapter: Path) -> None:
    gradients = []
    for batch_size, passes in ((8, 1), (1, 8)):
        changes = {"batch_size": batch_size, "grad_accumulation": passes, "margin": 0.5}
        model, trainer, _ = trained(tiny_model, tiny_adapter, in_tmp, **changes)
        model.train()
        rows = list(trainer.train_dataset)
        for start in range(0, 8, batch_size):
            inputs = trainer.data_collator(rows[start : start + batch_size])
            (trainer.compute_loss(model, inputs) / passes).backward()
        gradients.append({n: p.grad for n, p in model.named_parameters() if p.requires_grad})
    assert len(gradients[0]) > 10 and not any(REFERENCE in name.split(".") for name in gradients[0])
    for name, gradient in gradients[0].items():
        other = gradients[1][name]
        assert gradient is not None and other is not None
        assert torch.allclose(gradient, other, atol=1e-5), name


@pytest.mark.slow
def test_a_killed_training_goes_on_from_its_checkpoint(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.train.test_sft import KillAt, Killed

    whole = train(run_in(in_tmp / "whole", tiny_model, tiny_adapter), SPLITS, settings(), seed=1)
    run = run_in(in_tmp / "cut", tiny_model, tiny_adapter)
    trainer = module.WeightedDpoTrainer
    with monkeypatch.context() as patch:
        patch.setattr(module, "WeightedDpoTrainer", lambda **kw: trainer(**kw, callbacks=[KillAt(5)]))
        with pytest.raises(Killed):
            train(run, SPLITS, settings(), seed=1)
    assert (run.checkpoints / "checkpoint-3").is_dir()
    resumed = train(run, SPLITS, settings(), seed=1)
    assert resumed.pop("dropped") == whole.pop("dropped")
    assert resumed == pytest.approx(whole, abs=1e-5)
    one, other = (in_tmp / name / "checkpoints/curve/train.tsv" for name in ("whole", "cut"))
    assert [line.split("\t")[0] for line in one.read_text().splitlines()] == [
        line.split("\t")[0] for line in other.read_text().splitlines()
    ]
