"""Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290): TRL's DPOTrainer on pairs that
S2 has encoded itself, each with its weight and its margin.

The reference is the adapter that training starts from, a copy of it on the same base.
"""

import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import PeftModel
from torch import Tensor
from transformers import set_seed
from trl import DPOConfig

from s2.kernel.stats import grouped_mean_and_se, mean_and_se
from s2.models.adapters import active, add_adapter, note_training, save_adapter
from s2.models.encoding import IGNORED, Encoded, Encoder
from s2.models.loading import load_generation, load_model, load_tokenizer
from s2.models.logprobs import label_logprobs
from s2.models.sampling import Sampler, sample
from s2.models.saving import save_asking
from s2.params.align import DpoModel
from s2.train.arguments import trainer_arguments
from s2.train.checkpoints import last_checkpoint
from s2.train.curves import LogCurve
from s2.train.dpo_trainer import POLICY, REFERENCE, PaddedCollator, WeightedDpoTrainer, dpo_losses
from s2.train.intervals import Checkpoints
from s2.train.pairs import EncodedPair, PairRun, Rows, encode_splits, mean_one
from s2.train.processes import rank
from s2.train.speed import log_speed

KL_PROMPTS = 32
KL_TOKENS = 64
CURVE = {
    "loss": "loss",
    "rewards/margins": "margin",
    "rewards/accuracies": "accuracy",
    "logps/chosen": "chosen_logps",
    "logps/rejected": "rejected_logps",
}


def train(run: PairRun, splits: dict[str, Rows], dpo: DpoModel, seed: int) -> dict[str, Any]:
    """Train an adapter into `run.adapter` and return its metrics. Of several processes all train, and the
    first writes."""
    encoder = Encoder(load_tokenizer(run.start), run.prompt, load_generation(run.start))
    pairs, accounting = encode_splits(encoder, splits, dpo.max_length, dpo.rows, dpo.data)
    began = time.monotonic()
    base = load_model(run.base, dpo.dtype, dpo.quantization)
    model = add_adapter(base, run.start, POLICY)
    trainer = make_trainer(model, encoder, pairs["train"], dpo, seed, run.checkpoints)
    trainer.add_callback(Checkpoints(run.checkpoint_every))
    trainer.add_callback(LogCurve(run.checkpoints / "curve", CURVE))
    outcome = trainer.train(resume_from_checkpoint=last_checkpoint(run.checkpoints))
    model.eval()
    metrics: dict[str, float] = {}
    for name in ("validation", "test"):
        if pairs[name]:
            found = measure_pairs(model, pairs[name], dpo)
            metrics |= {f"{name}.{key}": value for key, value in found.items()}
    metrics |= measure_kl(model, encoder, pairs["validation"], dpo.batch_size, seed)
    if rank() == 0:
        save_adapter(model, run.adapter, POLICY)
        note_training(run.adapter, dpo.dtype, dpo.quantization)
        save_asking(encoder, run.adapter)
        tokens = sum(len(pair.chosen) + len(pair.rejected) for pair in pairs["train"])
        log_speed(f"dpo@{run.name}", round(tokens * dpo.epochs), time.monotonic() - began)
    return accounting | metrics | {"rows_train": len(pairs["train"]), "steps": outcome.global_step}


def measure_pairs(model: PeftModel, pairs: list[EncodedPair], dpo: DpoModel) -> dict[str, float]:
    """On held-out pairs, means with standard errors over questions: loss, implicit rewards (β times the
    log-ratio), their margin and accuracy, the log-probabilities of both answers and what training
    `changed` of them. Where both fall, the policy left what both were."""
    policy = pair_logprobs(model, pairs, dpo.batch_size)
    with active(model, REFERENCE):
        reference = pair_logprobs(model, pairs, dpo.batch_size)
    ratios = policy - reference
    lengths = torch.tensor([[len(pair.chosen_ids), len(pair.rejected_ids)] for pair in pairs])
    losses = dpo_losses(ratios, lengths, torch.tensor([pair.margin for pair in pairs]), dpo)
    columns = {
        "loss": losses,
        "margin": dpo.beta * (ratios[:, 0] - ratios[:, 1]),
        "accuracy": (ratios[:, 0] > ratios[:, 1]).float(),
        "chosen_reward": dpo.beta * ratios[:, 0],
        "rejected_reward": dpo.beta * ratios[:, 1],
        "chosen_logps": policy[:, 0],
        "rejected_logps": policy[:, 1],
        "chosen_logps_changed": ratios[:, 0],
        "rejected_logps_changed": ratios[:, 1],
    }
    found: dict[str, float] = {"n": len(pairs)}
    questions = [pair.question_id for pair in pairs]
    for name, values in columns.items():
        mean, error = grouped_mean_and_se(questions, values.tolist())
        found |= {name: round(mean, 6), f"{name}_se": round(error, 6)}
    return found


def pair_logprobs(model: PeftModel, pairs: list[EncodedPair], batch_size: int) -> Tensor:
    """The summed log-probabilities of chosen and rejected answers, in nats, [pairs, 2]."""
    rows = [
        Encoded(pair.prompt_ids + ids, [IGNORED] * len(pair.prompt_ids) + ids)
        for pair in pairs
        for ids in (pair.chosen_ids, pair.rejected_ids)
    ]
    found = label_logprobs(model, rows, 2 * batch_size)
    return torch.stack([values.sum().cpu() for values in found]).view(-1, 2)


def measure_kl(
    model: PeftModel, encoder: Encoder, pairs: list[EncodedPair], batch_size: int, seed: int
) -> dict[str, float]:
    """KL(policy ‖ reference) on held-out prompts, in nats an answer, by answers that the policy samples,
    their length in tokens, and the share of them that end."""
    prompts = [list(ids) for ids in dict.fromkeys(tuple(pair.prompt_ids) for pair in pairs)][:KL_PROMPTS]
    pad = int(encoder.tokenizer.pad_token_id)
    # Without gradients more sequences fit than in training, which has two a pair.
    sampler = Sampler(encoder.ends, pad, 1.0, KL_TOKENS, 8 * batch_size)
    answers = sample(model, prompts, sampler, seed)
    rows = [
        Encoded(prompt + answer.ids, [IGNORED] * len(prompt) + answer.ids)
        for prompt, answer in zip(prompts, answers, strict=True)
    ]
    policy = label_logprobs(model, rows, 2 * batch_size)
    with active(model, REFERENCE):
        reference = label_logprobs(model, rows, 2 * batch_size)
    columns = {
        "kl": [float((p - r).sum()) for p, r in zip(policy, reference, strict=True)],
        "tokens": [float(len(answer.ids)) for answer in answers],
        "ended": [float(answer.ended) for answer in answers],
    }
    found: dict[str, float] = {}
    for name, values in columns.items():
        mean, error = mean_and_se(values)
        found |= {f"prompts.{name}": round(mean, 6), f"prompts.{name}_se": round(error, 6)}
    return found


def make_trainer(
    model: PeftModel,
    encoder: Encoder,
    pairs: list[EncodedPair],
    dpo: DpoModel,
    seed: int,
    checkpoints: Path,
) -> WeightedDpoTrainer:
    """A trainer of the model's adapter; a change to it makes earlier checkpoints unfit."""
    set_seed(seed)
    arguments = DPOConfig(
        **trainer_arguments(dpo, seed, checkpoints),
        eval_strategy="no",
        save_strategy="no",
        remove_unused_columns=False,
        max_length=None,
        beta=dpo.beta,
    )
    weights = mean_one([pair.weight for pair in pairs])
    rows = [
        {
            "prompt_ids": pair.prompt_ids,
            "chosen_ids": pair.chosen_ids,
            "rejected_ids": pair.rejected_ids,
            "weight": weight,
            "margin": pair.margin,
        }
        for pair, weight in zip(pairs, weights, strict=True)
    ]
    before = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
    trainer = WeightedDpoTrainer(
        settings=dpo,
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        data_collator=PaddedCollator(pad_token_id=int(encoder.tokenizer.pad_token_id)),
        processing_class=encoder.tokenizer,
    )
    # TRL puts a quantised model's adapter into bf16, in which AdamW's second moments never decay, and
    # by which it would differ from the reference.
    for name, parameter in model.named_parameters():
        if name in before:
            parameter.data = before[name]
    return trainer
