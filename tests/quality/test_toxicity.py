import hashlib
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from detoxify.detoxify import MODEL_URLS
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
)

from s2.graph.code import meaning
from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.kernel.hashes import sha256
from s2.params.data import ToxicityModel
from s2.quality.classifier import fetch_classifier
from s2.quality.toxicity import Detoxify, ProfanityCheck, Scores, make_scorer, score_texts, token_batches

CLASSES = ["toxicity", "insult"]
IDENTITIES = 1
WORDS = ["<s>", "<pad>", "</s>", "<unk>", "you", "are", "kind", "bad", "very", "and"]


def write_checkpoint(path: Path, state: dict[str, Any], classes: list[str], outputs: int) -> None:
    """Write a state in Detoxify's own file format."""
    settings = {
        "dataset": {"args": {"classes": classes}},
        "arch": {"args": {"num_classes": outputs}},
    }
    torch.save({"config": settings, "state_dict": state}, path)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small RoBERTa in Detoxify's own file format, and the folder of its configuration."""
    folder = tmp_path_factory.mktemp("detoxify")
    raw = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, "<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, **special)
    tokenizer.save_pretrained(folder / "config")
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=18,
        pad_token_id=1,
        initializer_range=0.5,
    )
    config.num_labels = len(CLASSES) + IDENTITIES
    config.save_pretrained(folder / "config")
    state = RobertaForSequenceClassification(config).state_dict()
    state["roberta.embeddings.position_ids"] = torch.arange(18)[None]
    write_checkpoint(folder / "small.ckpt", state, ["toxic", "insult"], len(CLASSES) + IDENTITIES)
    return folder / "small.ckpt", folder / "config"


def test_profanity_check_tells_rude_from_kind() -> None:
    kind, rude = ProfanityCheck().score(["The sky is blue.", "You stupid idiot, this is bullshit"])
    assert kind["toxicity"] < 0.1 < 0.9 < rude["toxicity"]
    assert all(score == round(score, 6) != round(score, 5) for [score] in map(list, [kind.values()]))


def test_detoxify_scores_do_not_depend_on_the_batch(checkpoint: tuple[Path, Path]) -> None:
    texts = ["you are kind", "bad", "very " * 9 + "bad", "you and you"]
    scorer = Detoxify(*checkpoint, "float32", batch_tokens=64)
    together = scorer.score(texts)
    assert scorer.labels == CLASSES
    for text, scores in zip(texts, together, strict=True):
        (alone,) = scorer.score([text])
        assert alone == pytest.approx(scores, abs=0.02)
    assert len({round(scores["toxicity"], 2) for scores in together}) > 1


def test_a_long_text_keeps_the_worst_of_its_windows(checkpoint: tuple[Path, Path]) -> None:
    scorer = Detoxify(*checkpoint, "float32", batch_tokens=64)
    words = ("you are kind and very bad " * 8).split()
    windows = scorer._windows(" ".join(words))
    assert len(windows) > 2 and max(map(len, windows)) <= 16
    ids = [WORDS.index(word) for word in words]
    # Of 16 tokens, the last 4 stand in the next window again.
    assert [windows[0], windows[1]] == [ids[:16], ids[12:28]]
    assert all(one[-4:] == other[:4] for one, other in pairwise(windows))
    assert windows[0] + [i for window in windows[1:] for i in window[4:]] == ids
    (whole,) = scorer.score([" ".join(words)])
    parts = [scorer.score([" ".join(WORDS[i] for i in ids)])[0] for ids in windows]
    for label in CLASSES:
        assert whole[label] == pytest.approx(max(part[label] for part in parts), abs=0.02)


def test_windows_are_of_512_tokens_where_the_model_takes_more(
    checkpoint: tuple[Path, Path], tmp_path: Path
) -> None:
    config = RobertaConfig.from_pretrained(checkpoint[1])
    config.max_position_embeddings, config.num_labels = 900, len(CLASSES)
    shutil.copytree(checkpoint[1], tmp_path / "config")
    config.save_pretrained(tmp_path / "config")
    state = RobertaForSequenceClassification(config).state_dict()
    write_checkpoint(tmp_path / "m.ckpt", state, ["toxic", "insult"], len(CLASSES))
    scorer = Detoxify(tmp_path / "m.ckpt", tmp_path / "config", "float32", 64)
    assert [len(ids) for ids in scorer._windows("bad " * 600)] == [512, 600 - 512 + 128]


def test_detoxify_matches_plain_fp32(checkpoint: tuple[Path, Path]) -> None:
    path, config = checkpoint
    loaded = torch.load(path, weights_only=True)
    model = RobertaForSequenceClassification(RobertaConfig.from_pretrained(config, num_labels=3))
    model.load_state_dict(loaded["state_dict"], strict=False)
    ids = torch.tensor([[WORDS.index(word) for word in ("you", "are", "bad")]])
    expected = model.eval()(ids).logits.sigmoid()[0, :2].tolist()
    (found,) = Detoxify(path, config, "float32", 64).score(["you are bad"])
    assert list(found.values()) == pytest.approx(expected, abs=0.02)


def test_batches_stay_under_the_budget() -> None:
    windows = [(i, [0] * length) for i, length in enumerate([5, 30, 7, 3, 28, 200])]
    batches = list(token_batches(windows, budget=60))
    assert [[i for i, _ in batch] for batch in batches] == [[5], [1, 4], [2, 0, 3]]


class Counting:
    """Scores by length, and remembers what it was asked."""

    def __init__(self) -> None:
        self.fingerprint = "counting"
        self.labels = ["toxicity"]
        self.asked: list[str] = []

    def score(self, texts: Sequence[str]) -> list[Scores]:
        self.asked += texts
        return [{"toxicity": len(text) / 100} for text in texts]


def test_only_new_texts_are_scored(tmp_path: Path) -> None:
    with ContentCache(tmp_path / "c.sqlite") as cache:
        scorer = Counting()
        first = list(score_texts(scorer, ["a", "bb", "a"], cache))
        second = list(score_texts(scorer, ["bb", "ccc"], cache))
    assert scorer.asked == ["a", "bb", "ccc"]
    assert [scores["toxicity"] for scores, _ in first] == [0.01, 0.02, 0.01]
    assert [(scores["toxicity"], known) for scores, known in second] == [(0.02, True), (0.03, False)]


def test_scorers_do_not_share_what_is_known(tmp_path: Path) -> None:
    other = Counting()
    other.fingerprint = "other"
    with ContentCache(tmp_path / "c.sqlite") as cache:
        list(score_texts(Counting(), ["a"], cache))
        ((_, known),) = score_texts(other, ["a"], cache)
    assert other.asked == ["a"] and not known


def test_the_scorers_of_a_folder(tmp_path: Path, checkpoint: tuple[Path, Path]) -> None:
    fetch_classifier(PROFANITY, tmp_path / "words")
    found = make_scorer(tmp_path / "words", "float32", 64)
    assert isinstance(found, ProfanityCheck) and found.fingerprint == meaning(ProfanityCheck)
    (checkpoint[1] / "model.safetensors").write_text("heavy")
    (checkpoint[1] / "model.bin").write_text("heavy")
    (tmp_path / "detoxify/config").mkdir(parents=True)
    fetch_classifier(detoxify(*checkpoint, sha256=sha256(checkpoint[0])), tmp_path / "detoxify")
    assert not list((tmp_path / "detoxify/config").glob("model.*"))
    found = make_scorer(tmp_path / "detoxify", "float32", 7)
    assert isinstance(found, Detoxify) and found._batch_tokens == 7


PROFANITY = ToxicityModel(
    scorer="profanity-check", checkpoint=None, sha256=None, config=None, revision=None
)


def detoxify(checkpoint: Path | str, config: Path | str, **changes: Any) -> ToxicityModel:
    """Parameters that name a checkpoint of Detoxify's."""
    content = {"scorer": "detoxify", "checkpoint": str(checkpoint), "config": str(config)}
    return ToxicityModel.model_validate(content | {"sha256": None, "revision": None} | changes)


def test_a_fetched_classifier_scores_as_its_checkpoint(
    checkpoint: tuple[Path, Path], tmp_path: Path
) -> None:
    fetch_classifier(detoxify(*checkpoint), tmp_path)
    fetched = make_scorer(tmp_path, "float32", 64)
    direct = Detoxify(*checkpoint, "float32", 64)
    assert fetched.score(["you are bad"]) == direct.score(["you are bad"])


def test_what_cannot_be_fetched_is_told_by_parameter(
    checkpoint: tuple[Path, Path], tmp_path: Path
) -> None:
    for changed, message in [
        (detoxify("unbiassed", "x"), "checkpoint: 'unbiassed' is neither a file nor one of Detoxify's"),
        (detoxify(checkpoint[0], checkpoint[1], sha256="0" * 64), "sha256: that of .*small.ckpt is "),
        (detoxify(checkpoint[0], tmp_path / "none"), "config: .*none has no config.json"),
        (detoxify(checkpoint[0], "owner/name"), "owner/name: a hub source needs a revision"),
    ]:
        with pytest.raises(S2Error, match=message):
            fetch_classifier(changed, tmp_path)
    with pytest.raises(S2Error, match="classifier.json is missing: build it with"):
        make_scorer(tmp_path / "none", "float32", 64)


def test_a_model_is_fetched_by_name_and_checked_against_its_published_hash(
    checkpoint: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file: URL stands for the release's; the code that fetches and checks is torch's own."""
    digest = hashlib.sha256(checkpoint[0].read_bytes()).hexdigest()
    for prefix, fits in ((digest[:8], True), ("00000000", False)):
        published = tmp_path / f"toxic_debiased-{prefix}.ckpt"
        shutil.copyfile(checkpoint[0], published)
        monkeypatch.setitem(MODEL_URLS, "unbiased", published.as_uri())
        if fits:
            fetch_classifier(detoxify("unbiased", checkpoint[1]), tmp_path)
            assert make_scorer(tmp_path, "float32", 64).labels == CLASSES
        else:
            with pytest.raises(S2Error, match="cannot download file:.*invalid hash value"):
                fetch_classifier(detoxify("unbiased", checkpoint[1]), tmp_path)


ORIGINAL = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]
UNBIASED = ["toxicity", "severe_toxicity", "obscene", "identity_attack", "insult", "threat"]


@pytest.mark.parametrize(
    ("config_class", "classes", "identities"),
    [
        (BertConfig, ORIGINAL, 0),
        (RobertaConfig, [*UNBIASED, "sexual_explicit"], 9),
        (XLMRobertaConfig, [*UNBIASED, "sexual_explicit"], 9),
    ],
)
def test_the_label_sets_of_all_three_models(
    tmp_path: Path, checkpoint: tuple[Path, Path], config_class: Any, classes: list[str], identities: int
) -> None:
    """`original` is a BERT, `unbiased` a RoBERTa, `multilingual` an XLM-RoBERTa."""
    config = config_class(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=40,
        pad_token_id=1,
    )
    config.num_labels = len(classes) + identities
    shutil.copytree(checkpoint[1], tmp_path / "config")
    config.save_pretrained(tmp_path / "config")
    model = AutoModelForSequenceClassification.from_config(config)
    write_checkpoint(tmp_path / "m.ckpt", model.state_dict(), classes, config.num_labels)
    scorer = Detoxify(tmp_path / "m.ckpt", tmp_path / "config", "float32", 64)
    assert set(scorer.labels) >= {"toxicity", "severe_toxicity", "identity_attack", "obscene", "threat"}
    assert len(scorer.labels) == len(classes)
    ids = scorer._tokenizer("you are bad", return_tensors="pt")
    expected = model.eval()(**ids).logits[0, : len(classes)].sigmoid().tolist()
    (found,) = scorer.score(["you are bad"])
    assert list(found.values()) == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "int8"])
def test_fewer_bits_give_nearly_the_same_scores(checkpoint: tuple[Path, Path], dtype: str) -> None:
    """A trained model differs by 0.01 at most; this one has random weights, 25 times as large as
    usual, which makes rounding weigh more."""
    texts = ["you are kind", "very bad", "you and you are bad and bad"]
    exact = Detoxify(*checkpoint, "float32", 64)
    found = Detoxify(*checkpoint, dtype, 64)
    assert found.fingerprint != exact.fingerprint
    for a, b in zip(exact.score(texts), found.score(texts), strict=True):
        assert b == pytest.approx(a, abs=0.1)
