"""The loss of DPO and its variants, and TRL's trainer with it."""

from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, relu
from trl import DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from s2.models.adapters import active
from s2.models.encoding import IGNORED
from s2.models.head import batch_label_logprobs, head_of_words
from s2.models.packed import let_pack, packed, told_apart
from s2.params.align import DpoModel

POLICY, REFERENCE = "default", "ref"  # as TRL calls them


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

    TRL pads a batch to its longest side, and computes logits twice. Where the output embedding alone
    makes the logits, log-probabilities are `batch_label_logprobs` instead, by the policy and by the
    reference, and where the model then reads packed sequences too, nothing is padded.
    """

    def __init__(self, *, settings: DpoModel, data_collator: PaddedCollator, **options: Any) -> None:
        self._settings = settings
        super().__init__(data_collator=data_collator, **options)
        assert isinstance(self.model, PeftModel)
        self._head = head_of_words(self.model)
        self._packs = self._head is not None and let_pack(self.model.get_base_model())
        if self._packs:
            self.data_collator = collate_packed

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """A checkpoint needs no card; TRL's asks a hub."""

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False) -> Tensor:
        weights, margins = inputs.pop("weight"), inputs.pop("margin")
        policy, reference, lengths = (
            self._by_trl(model, inputs)
            if self._head is None
            else self._by_head(model, inputs, self._head)
        )
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

    def _by_head(
        self, model: Any, inputs: dict[str, Any], head: nn.Linear
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The log-probabilities of chosen and rejected answers by policy and reference, and the answers'
        tokens, [pairs, 2] each."""
        given = inputs if self._packs else _labelled(inputs)
        policy = batch_label_logprobs(model, head, **given)
        inner = self.accelerator.unwrap_model(model)
        with torch.no_grad(), active(inner, REFERENCE), self.accelerator.autocast():
            reference = batch_label_logprobs(inner, head, **given)
        counted = given["labels"][:, 1:] != IGNORED
        ends = inputs["cu_seq_lens_q"] if self._packs else None
        return _by_pair(policy, ends), _by_pair(reference, ends), _by_pair(counted, ends)

    def _by_trl(self, model: Any, inputs: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
        """The same from whole logits."""
        answers, given = inputs["completion_mask"], _labelled(inputs)
        told = model(**given, fused_lm_head=True, use_cache=False).log_probs.float()
        policy = torch.stack(told.sum(1).chunk(2), dim=1)
        reference = torch.stack(self.compute_ref_log_probs(model, inputs), dim=1).float()
        return policy, reference, torch.stack(answers.sum(1).chunk(2), dim=1)


def _labelled(inputs: dict[str, Any]) -> dict[str, Any]:
    """A padded batch of TRL's, its answers as labels."""
    given = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    return given | {"labels": inputs["input_ids"].masked_fill(inputs["completion_mask"] == 0, IGNORED)}


def _by_pair(told: Tensor, ends: Tensor | None) -> Tensor:
    """Sums of what is told of all tokens but the first, [pairs, 2], chosen before rejected: of a row a
    side, or of one row in which sides end at `ends`, the first of which is its start."""
    if ends is None:
        sums = told.sum(1)
    else:
        first, *others = ends.diff().tolist()
        sums = torch.stack([part.sum() for part in told[0].split([first - 1, *others])])
    return torch.stack(sums.chunk(2), dim=1)
