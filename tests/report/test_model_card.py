from dataclasses import replace
from typing import Any

import pytest
from huggingface_hub import ModelCard

from s2.kernel.errors import S2Error
from s2.report.asking import Asking, asked
from s2.report.model_card import Measured, Step, lineage, model_card

DECLARED: dict[str, dict[str, Any]] = {
    "sft": {"both": {"data": "eli5-wiki"}},
    "reward": {"polite": {"from": "sft/both", "data": "votes"}},
    "dpo": {"kind": {"from": "sft/both", "data": "helpfulness"}},
    "ppo": {"kinder": {"from": "dpo/kind", "rewards": {"safety": 1.0, "simplicity": 0.5}}},
    "merge": {"kinder-careful": {"from": "ppo/kinder", "method": "careful", "data": "eli5-wiki"}},
}
SCORES = {
    "wiki": {"n": 11, "rougeL": 0.1664, "rougeL_se": 0.009, "ease": 95.0, "ease_se": 1.9},
    "all": {"n": 19, "rougeL": 0.1},
}


ASKING = Asking("s2", 0.6, 0.9, 50, 1.1)


def test_it_is_asked_as_it_was_when_it_was_scored() -> None:
    sampling = "temperature=0.6, top_p=0.9, top_k=50, repetition_penalty=1.1"
    assert f"options = dict(do_sample=True, {sampling})" in asked("models/base", False, ASKING)
    greedy = replace(ASKING, temperature=0.0)
    assert greedy.options() == "do_sample=False, repetition_penalty=1.1"


def test_the_whole_chain_from_the_base() -> None:
    assert lineage("models/base", DECLARED) == []
    assert lineage("models/merged/kinder-careful", DECLARED) == [
        Step("careful merge", "kinder-careful", "eli5-wiki"),
        Step("ppo", "kinder", "safety, simplicity"),
        Step("dpo", "kind", "helpfulness"),
        Step("sft", "both", "eli5-wiki"),
    ]
    with pytest.raises(S2Error, match="params.yaml: sft.models has no 'gone'"):
        lineage("models/sft/gone", DECLARED)


def test_the_hub_reads_it() -> None:
    folder = "models/dpo/kind"
    measured = Measured(SCORES, {"validation.accuracy": 0.75, "validation.accuracy_se": 0.05, "steps": 4})
    text = model_card(folder, lineage(folder, DECLARED), measured, "meta-llama/Llama-2-7b-hf", ASKING)
    card = ModelCard(text)
    data: Any = card.data
    assert (data.base_model, data.datasets) == ("meta-llama/Llama-2-7b-hf", ["eli5-wiki"])
    assert (data.library_name, data.pipeline_tag) == ("peft", "text-generation")
    found = {(one.dataset_name, one.metric_name): one.metric_value for one in data.eval_results}
    assert found == {
        ("wiki", "ROUGE-L"): 0.1664,
        ("wiki", "FRE"): 95.0,
        ("helpfulness", "accuracy on validation pairs"): 0.75,
    }
    assert "| ROUGE-L | 0.166 ± 0.009 |" in text
    assert "| accuracy on validation pairs | 0.750 ± 0.050 |" in text
    assert "AutoPeftModelForCausalLM.from_pretrained('models/dpo/kind')" in text


def test_what_is_not_scored_tells_what_training_found() -> None:
    folder = "models/reward/polite"
    measured = Measured({}, {"test.accuracy": 0.9, "test.accuracy_se": 0.02})
    text = model_card(folder, lineage(folder, DECLARED), measured, "a/b", ASKING)
    data: Any = ModelCard(text).data
    (result,) = data.eval_results
    assert (data.pipeline_tag, result.task_type) == ("text-classification", "text-classification")
    assert (result.dataset_name, result.dataset_split, result.metric_value) == ("votes", "test", 0.9)
    assert "# polite: a reward model of answers" in text and "## Scores" not in text
    assert "| accuracy on test pairs | 0.900 ± 0.020 |" in text and "validation pairs" not in text


def test_a_base_that_is_not_on_the_hub_is_only_told() -> None:
    measured = Measured(SCORES, {})
    card = ModelCard(model_card("models/base", [], measured, "pypi:some==1#a/b.gguf", ASKING))
    data: Any = card.data
    assert data.base_model is None and data.datasets is None
    assert data.library_name == "transformers"
    assert "# base: simple, safe answers" in card.text and "What training found" not in card.text
    assert "From `pypi:some==1#a/b.gguf`, as it came." in card.text


@pytest.mark.parametrize("style", ["s2", "chat"])
@pytest.mark.parametrize("folder", ["models/base", "models/reward/polite", "models/dpo/kind"])
def test_its_example_is_python(folder: str, style: Any) -> None:
    steps = lineage(folder, DECLARED)
    text = model_card(folder, steps, Measured({}, {}), "a/b", replace(ASKING, style=style))
    compile(text.split("```python\n")[1].split("```")[0], "card", "exec")
