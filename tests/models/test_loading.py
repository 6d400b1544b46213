from pathlib import Path

import pytest
import torch

from s2.kernel.errors import S2Error
from s2.models.loading import device, load_model, load_tokenizer


def test_a_model_is_loaded_in_its_dtype_on_the_device_that_there_is(tiny_model: Path) -> None:
    model = load_model(tiny_model, "bfloat16")
    assert (model.dtype, model.device.type, model.training) == (torch.bfloat16, device().type, False)


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(S2Error, match="there is no model in"):
        load_model(tmp_path, "float32")


def test_padding_is_not_the_end(tiny_model: Path) -> None:
    tokenizer = load_tokenizer(tiny_model)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_an_accelerator_is_used_where_there_is_one(tiny_model: Path) -> None:
    assert load_model(tiny_model, "float16").device.type == "cuda"
