"""What tests share: a tiny language model in a real model folder, and the tiny graph, built."""

import os
import subprocess
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from peft import PeftModel, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from s2.kernel.locks import locked
from s2.models.adapters import lora_config, save_adapter
from s2.models.encoding import Encoder
from s2.models.loading import load_model, load_tokenizer
from s2.models.saving import save_asking
from s2.params.train import Lora
from tests.repository import Repository, at_once, build

# How long an example takes says nothing about whether it is right.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

TEXT = ["### Human: Why is the sky blue? ### Assistant: The sky is blue because light scatters."] * 4


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a two-layer Llama and a byte-level BPE tokenizer of 300 tokens."""
    folder = tmp_path_factory.mktemp("tiny-model")
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<unk>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(TEXT, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `adapter` of an SFT adapter on the tiny model, its tensors random and none of them
    zero."""
    folder = tmp_path_factory.mktemp("tiny-adapter")
    lora = Lora(r=4, alpha=8, dropout=0.0, targets="all-linear", layers=None)
    base = load_model(tiny_model, "float32")
    torch.manual_seed(1)
    model = get_peft_model(base, lora_config(lora, base))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    assert isinstance(model, PeftModel)
    save_adapter(model, folder)
    save_asking(Encoder(load_tokenizer(tiny_model)), folder)
    return folder


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own folder, made the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The whole graph of the tiny profile, built once by DVC, with the functions that each stage
    called: by the first of the test processes that needs it, and copied for each."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "tiny-graph"
    root, traces, python = shared / "repo", shared / "traces", shared / "bin" / "python"
    with locked(shared.with_suffix(".lock")):
        if not (shared / "done").exists():
            for folder in (root, traces):
                folder.mkdir(parents=True)
            at_once(python)
            build(root, traces, python)
            (shared / "done").touch()
    own = tmp_path_factory.mktemp("built") / "repo"
    subprocess.run(["cp", "-a", str(root), str(own)], check=True)
    return Repository(own, traces, python)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of two processes, which take a file at a time, the first builds the graph and runs the tests that
    change it, while the other comes to those that copy it last."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    fixtures = item.fixturenames if isinstance(item, pytest.Function) else []
    return 0 if "repo" in fixtures else 2 if "folder" in fixtures else 1


def pytest_configure() -> None:
    """A core for each of several test processes: their threads would wait for one another."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        torch.set_num_threads(1)
        os.environ["OMP_NUM_THREADS"] = "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-stage",
        action="store_true",
        help="tests/faults breaks every stage in every way",
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of faults × stages."""
    found: dict[str, dict[str, str]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == "fault" and isinstance(value, tuple):
                    stage, fault, what = value
                    found.setdefault(stage, {})[fault] = what if outcome == "passed" else "FAILED"
    if found:
        terminalreporter.section("faults × stages")
    for stage, faults in found.items():
        told = "  ".join(f"{fault}: {what}" for fault, what in faults.items())
        terminalreporter.write_line(f"{stage:40} {told}")
