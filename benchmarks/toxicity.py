"""Detoxify's model (RoBERTa-base shape, random weights) by our batches, against `Detoxify.predict`.

Lengths are those of real answers, so most of a list of 32 that is padded to its longest is padding.
On a CPU ours runs in int8, on a GPU in bfloat16; the scores are compared with float32.

    python -m benchmarks.toxicity [texts, 192 by default]
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForSequenceClassification

from benchmarks.corpus import vocabulary
from benchmarks.measure import measure, promise
from benchmarks.readability import texts
from s2.quality.toxicity import Detoxify

LABELS = [
    "toxicity",
    "severe_toxicity",
    "obscene",
    "identity_attack",
    "insult",
    "threat",
    "sexual_explicit",
]
IDENTITIES = 9
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def make_checkpoint(folder: Path) -> None:
    """A checkpoint in Detoxify's format of the shape of `unbiased`."""
    words = {word: i for i, word in enumerate([*SPECIAL, *sorted(set(vocabulary()))])}
    raw = Tokenizer(models.WordLevel(words, "<unk>"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    raw.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = ("bos", "pad", "eos", "unk", "mask")
    special = {f"{name}_token": token for name, token in zip(names, SPECIAL, strict=True)}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, model_max_length=512, **special)
    tokenizer.save_pretrained(folder / "config")
    torch.manual_seed(0)
    outputs = len(LABELS) + IDENTITIES
    config = RobertaConfig(vocab_size=50_265, max_position_embeddings=514, type_vocab_size=1)
    config.num_labels = outputs
    config.architectures = ["RobertaForSequenceClassification"]
    config.save_pretrained(folder / "config")
    model = RobertaForSequenceClassification(config)
    names_of = {
        "model_type": "roberta-base",
        "model_name": "RobertaForSequenceClassification",
        "tokenizer_name": "RobertaTokenizer",
        "num_classes": outputs,
    }
    settings = {"dataset": {"args": {"classes": LABELS}}, "arch": {"args": names_of}}
    torch.save({"config": settings, "state_dict": model.state_dict()}, folder / "base.ckpt")


def detoxify(folder: Path, sample: list[str]) -> list[float]:
    """Detoxify's own class, given our tokenizer: its loader asks a hub for one."""
    from detoxify import Detoxify as Baseline
    from detoxify import detoxify as module
    from transformers import AutoConfig, AutoTokenizer

    def load(*_: Any, **__: Any) -> tuple[Any, Any]:
        config = AutoConfig.from_pretrained(folder / "config")
        model = RobertaForSequenceClassification(config)
        state = torch.load(folder / "base.ckpt", weights_only=True)["state_dict"]
        model.load_state_dict(state)
        return model, AutoTokenizer.from_pretrained(folder / "config")

    module.get_model_and_tokenizer = load
    model = Baseline(checkpoint=str(folder / "base.ckpt"))
    scores: list[float] = []
    for start in range(0, len(sample), 32):
        scores += model.predict(sample[start : start + 32])["toxicity"]
    return scores


def ours(folder: Path, sample: list[str], dtype: str) -> list[dict[str, float]]:
    return Detoxify(folder / "base.ckpt", folder / "config", dtype, 2_048).score(sample)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 192
    sample = texts(5_000)[-count:]
    dtype = "bfloat16" if torch.cuda.is_available() else "int8"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_checkpoint(folder)
        print(f"{count} texts, {sum(len(text.split()) for text in sample):,} words")
        baseline = measure(detoxify, folder, sample)
        print(f"  Detoxify.predict  {baseline}, {count / baseline.seconds:.1f} texts/s")
        exact = measure(ours, folder, sample, "float32")
        print(f"  ours, float32     {exact}, {count / exact.seconds:.1f} texts/s")
        found = measure(ours, folder, sample, dtype)
        print(f"  ours, {dtype:11} {found}, {count / found.seconds:.1f} texts/s")
    promise("  of Detoxify.predict's speed", baseline.seconds / found.seconds, least=6)
    pairs = list(zip(exact.result, found.result, strict=True))
    print(f"  largest difference from float32: {max(abs(a[n] - b[n]) for a, b in pairs for n in a):.4f}")


if __name__ == "__main__":
    main()
