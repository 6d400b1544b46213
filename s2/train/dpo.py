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
from torch.nn.functional import logsigmoid, relu
from transformers import set_seed
from trl import DPOConfig, DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from s2.kernel.stats import grouped_mean_and_se, mean_and_se
from s2.models.adapters import active, add_adapter, note_training, save_adapter
from s2.models.encoding import IGNORED, Encoded, Encoder
from s2.models.head import batch_label_logprobs, head_of_words
from s2.models.loading import load_generation, load_model, load_tokenizer
from s2.models.logprobs import label_logprobs
from s2.models.packed import let_pack, packed, told_apart
from s2.models.sampling import Sampler, sample
from s2.models.saving import save_asking
from s2.params.align import DpoModel
from s2.train.arguments import trainer_arguments
from s2.train.checkpoints import last_checkpoint
from s2.train.curves import LogCurve
from s2.train.intervals import Checkpoints
from s2.train.pairs import EncodedPair, PairRun, Rows, encode_splits, mean_one
from s2.train.processes import rank
from s2.train.speed import log_speed

POLICY, REFERENCE = "default", "ref"  # as TRL calls them
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


def dpo_losses(ratios: Tensor, lengths: Tensor, margins: Tensor, dpo: DpoModel) -> Tensor:
    """The loss of each pair, [pairs].

    ratios: log π/π_ref of chosen and rejected, [pairs, 2]; lengths: their tokens, likewise; margins:
    ln(1 + gap), [pairs]. With z = β(r_w - r_l) - ρ·margin: `sigmoid` -log σ(z), with label smoothing
    -(1-ε)log σ(z) - ε log σ(-z) (cDPO, Mitchell 2023); `robust` (arXiv:2403.00409)
    (-(1-ε)log σ(z) + ε log σ(-z)) / (1 - 2ε); `hinge` max(0, 1 - z) (arXiv:2305.10425); `ipo`
    (r_w/|w| - r_l/|l| - 1/2β)² (arXiv:2310.12036).
    """
    scores = dpo.beta * (ratios[:, 0] - ratios[:, 1]) - dpo.margin * margins
    smoothing = dpo.label_smoothing
    if dpo.loss == "sigmoid":
        return -(1 - smoothing) * logsigmoid(scores) - smoothing * logsigmoid(-scores)
    if dpo.loss == "robust":
        kept, flipped = (1 - smoothing) * logsigmoid(scores), smoothing * logsigmoid(-scores)
        return -(kept - flipped) / (1 - 2 * smoothing)
    if dpo.loss == "hinge":
        return relu(1 - scores)
    per_token = ratios / lengths.to(ratios)
    return (per_token[:, 0] - per_token[:, 1] - 1 / (2 * dpo.beta)) ** 2


class PaddedCollator(DataCollatorForPreference):
    """TRL's collator of token ids, with each pair's weight and margin."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        return super().torch_call(examples) | _besides(examples)


def collate_packed(examples: list[dict[str, Any]]) -> dict[str, Any]:
    """The chosen sides and behind them the rejected ones, in one row, with each pair's weight and
    margin."""
    sides = [
        (row["prompt_ids"], row[side]) for side in ("chosen_ids", "rejected_ids") for row in examples
    ]
    batch = packed([[*prompt, *answer] for prompt, answer in sides])
    labels = [label for prompt, answer in sides for label in [IGNORED] * len(prompt) + list(answer)]
    told = {"input_ids": batch.input_ids, "labels": torch.tensor([labels])} | told_apart(batch)
    return told | _besides(examples)


def _besides(examples: list[dict[str, Any]]) -> dict[str, Tensor]:
    return {name: torch.tensor([row[name] for row in examples]) for name in ("weight", "margin")}


class WeightedDpoTrainer(DPOTrainer):
    """TRL's trainer on pairs of token ids, each with its weight and margin, which its own loss does not
    know (trl#5613).

    TRL pads a batch to its longest side, and computes logits twice. Where the model reads packed
    sequences and its output embedding alone makes the logits, neither is done: log-probabilities are
    `batch_label_logprobs`, by the policy and by the reference.
    """

    def __init__(self, *, settings: DpoModel, data_collator: PaddedCollator, **options: Any) -> None:
        self._settings = settings
        super().__init__(data_collator=data_collator, **options)
        assert isinstance(self.model, PeftModel)
        self._head = head_of_words(self.model)
        if self._head is not None and let_pack(self.model.get_base_model()):
            self.data_collator = collate_packed
        else:
            self._head = None

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """A checkpoint needs no card; TRL's asks a hub."""

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False) -> Tensor:
        weights, margins = inputs.pop("weight"), inputs.pop("margin")
        of_batch = self._of_padded if self._head is None else self._of_packed
        policy, reference, lengths = of_batch(model, inputs)
        ratios = policy - reference
        losses = dpo_losses(ratios, lengths, margins, self._settings)
        rewards = self._settings.beta * ratios.detach()
        assert self.model is not None
        mode = "train" if self.model.training else "eval"
        for name, values in {
            "rewards/margins": rewards[:, 0] - rewards[:, 1],
            "rewards/accuracies": (rewards[:, 0] > rewards[:, 1]).float(),
            "logps/chosen": policy[:, 0].detach(),
            "logps/rejected": policy[:, 1].detach(),
        }.items():
            self._metrics[mode][name].append(self.accelerator.gather(values).mean().item())
        return (weights * losses).mean()

    def _of_packed(self, model: Any, inputs: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
        """The log-probabilities of chosen and rejected answers by policy and reference, and the answers'
        tokens, [pairs, 2] each."""
        assert self._head is not None
        policy = batch_label_logprobs(model, self._head, **inputs)
        inner = self.accelerator.unwrap_model(model)
        with torch.no_grad(), active(inner, REFERENCE), self.accelerator.autocast():
            reference = batch_label_logprobs(inner, self._head, **inputs)
        first, *others = inputs["cu_seq_lens_q"].diff().tolist()
        counted = inputs["labels"][:, 1:] != IGNORED

        def by_pair(told: Tensor) -> Tensor:  # by all tokens but the first, as labels are told
            sums = torch.stack([part.sum() for part in told[0].split([first - 1, *others])])
            return torch.stack(sums.chunk(2), dim=1)

        return by_pair(policy), by_pair(reference), by_pair(counted)

    def _of_padded(self, model: Any, inputs: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
        """The same as TRL computes it."""
        answers = inputs["completion_mask"]
        labels = inputs["input_ids"].masked_fill(answers == 0, IGNORED)
        given = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        told = model(**given, labels=labels, fused_lm_head=True, use_cache=False).log_probs.float()
        policy = torch.stack(told.sum(1).chunk(2), dim=1)
        reference = torch.stack(self.compute_ref_log_probs(model, inputs), dim=1).float()
        return policy, reference, torch.stack(answers.sum(1).chunk(2), dim=1)


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
