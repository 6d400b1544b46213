"""Merge an adapter into the base, and say how far that is from the model as it was trained:
`python -m stages.merge NAME`."""

import sys
from hashlib import md5
from pathlib import Path

from peft import PeftModel

from s2.evaluate.drift import drift
from s2.kernel.files import new_folder, write_json
from s2.kernel.tables import read_rows
from s2.models.adapters import trained_in
from s2.models.encoding import Encoded, Encoder
from s2.models.loading import load_generation, load_model, load_tokenizer
from s2.params.align import MergeModel
from s2.params.base import Positive
from s2.params.loading import load
from s2.params.models import PromptStyle
from s2.train.merge import merge
from stages.runner import run

BASE = Path("models/base")
LONGEST = 1024


def main() -> None:
    name = sys.argv[1]
    wanted = load(f"merge.models.{name}", MergeModel)
    adapter = Path("models") / wanted.start
    rows = compared(adapter, wanted.data, load("merge.rows", Positive))
    with new_folder(Path(f"models/merged/{name}")) as folder:
        sha = merge(BASE, [adapter], folder, careful=wanted.method == "careful")
        how = trained_in(adapter)
        trained = PeftModel.from_pretrained(load_model(BASE, how.dtype, how.quantization), str(adapter))
        found = drift(trained.eval(), load_model(folder, how.dtype), rows)
        write_json(Path(f"metrics/merge/{name}.json"), found | {"sha256": sha})


def compared(adapter: Path, data: str, count: int) -> list[Encoded]:
    """The first validation rows of a dataset by a hash of their ids, as the adapter reads them."""
    style = load("model.prompt", PromptStyle)
    encoder = Encoder(load_tokenizer(adapter), style, load_generation(adapter))
    rows = read_rows(Path(f"data/sft/{data}/validation.parquet"))
    rows.sort(key=lambda row: md5(row["id"].encode()).hexdigest())
    encoded = (encoder.row(row["prompt"], row["completion"], LONGEST) for row in rows[:count])
    return [row for row in encoded if row is not None]


if __name__ == "__main__":
    run(main)
