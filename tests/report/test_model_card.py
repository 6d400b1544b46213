from typing import Any

import pytest
from huggingface_hub import ModelCard

from s2.kernel.errors import S2Error
from s2.report.model_card import Step, lineage, model_card

DECLARED: dict[str, dict[str, Any]] = {
    "sft": {"both": {"data": "eli5-wiki"}},
    "dpo": {"kind": {"from": "sft/both", "data": "helpfulness"}},
    "ppo": {"kinder": {"from": "dpo/kind", "rewards": {"safety": 1.0, "simplicity": 0.5}}},
    "merge": {"kinder-careful": {"from": "ppo/kinder", "method": "careful", "data": "eli5-wiki"}},
}
SCORES = {
    "wiki": {"n": 11, "rougeL": 0.1664, "rougeL_se": 0.009, "ease": 95.0, "ease_se": 1.9},
    "all": {"n": 19, "rougeL": 0.1},
}


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
    text = model_card("kind", folder, lineage(folder, DECLARED), SCORES, "meta-llama/Llama-2-7b-hf", "s2")
    card = ModelCard(text)
    data: Any = card.data
    assert (data.base_model, data.datasets) == ("meta-llama/Llama-2-7b-hf", ["eli5-wiki"])
    assert (data.library_name, data.pipeline_tag) == ("peft", "text-generation")
    found = {(one.dataset_name, one.metric_name): one.metric_value for one in data.eval_results}
    assert found == {("wiki", "ROUGE-L"): 0.1664, ("wiki", "FRE"): 95.0}
    assert "| ROUGE-L | 0.166 ± 0.009 |" in text
    assert "AutoPeftModelForCausalLM.from_pretrained('models/dpo/kind')" in text


def test_a_base_that_is_not_on_the_hub_is_only_told() -> None:
    card = ModelCard(model_card("base", "models/base", [], SCORES, "pypi:some==1#a/b.gguf", "chat"))
    data: Any = card.data
    assert data.base_model is None and data.datasets is None
    assert data.library_name == "transformers"
    assert "From `pypi:some==1#a/b.gguf`, as it came." in card.text


@pytest.mark.parametrize("style", ["s2", "chat"])
def test_its_example_is_python(style: Any) -> None:
    text = model_card("m", "models/base", [], SCORES, "a/b", style)
    compile(text.split("```python\n")[1].split("```")[0], "card", "exec")
