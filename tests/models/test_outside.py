from pathlib import Path
from typing import Any

import pytest

from s2.kernel.errors import S2Error
from s2.models.loading import load_model
from s2.models.outside import Asked, asked, bring, has_weights
from s2.params.loading import check
from s2.params.models import Outside

URL = "https://example.org/v1"


def test_a_folder_becomes_a_model_with_its_own_prompt(tiny_model: Path, tmp_path: Path) -> None:
    source = f"{tiny_model}"
    bring(Outside(source=source, prompt="chat"), tmp_path / "one")
    assert asked(tmp_path / "one", "s2") == Asked("chat") and has_weights(tmp_path / "one")
    assert load_model(tmp_path / "one", "float32").num_parameters() > 0
    assert asked(tiny_model, "s2") == Asked("s2")


def test_of_an_endpoint_there_is_nothing_but_where_it_is(tmp_path: Path) -> None:
    bring(Outside(source=URL, prompt="chat", model="m"), tmp_path / "one")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["asked.json"]
    assert asked(tmp_path / "one", "s2") == Asked("chat", URL, "m")
    assert not has_weights(tmp_path / "one")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"source": URL, "prompt": "chat"}, "model is the name of a model at an endpoint"),
        ({"source": "a/b", "prompt": "chat", "model": "m"}, "say it of those, and of no others"),
        ({"source": URL, "prompt": "s2", "model": "m"}, "an endpoint is asked by chat"),
        ({"source": "pypi:a==1#b", "prompt": "s2"}, "needs the sha256"),
    ],
)
def test_what_cannot_be_asked_is_refused(value: dict[str, Any], message: str) -> None:
    with pytest.raises(S2Error, match=message):
        check(value, Outside, "outside.x")
