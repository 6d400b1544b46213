"""Bring BERTScore's encoder to models/bertscore: one of its own, or the sentence encoder; and write down
which it is."""

from contextlib import nullcontext
from pathlib import Path

from s2.kernel.files import new_folder, write_json
from s2.kernel.hashes import sha256
from s2.models.encoders import check_layer, copy_encoder
from s2.models.sources import fetched
from s2.params.base import Positive
from s2.params.loading import load
from s2.params.models import Source
from stages.runner import run

SHARED = Path("models/encoder")
OUT = Path("models/bertscore")
METRICS = Path("metrics/bertscore.json")


def main() -> None:
    source = load("evaluate.bertscore.model", Source | None)
    with nullcontext(SHARED) if source is None else fetched(source) as files, new_folder(OUT) as folder:
        copy_encoder(files, folder)
        layer = load("evaluate.bertscore.layer", Positive)
        check_layer(folder, layer)
    weights = {path.name: sha256(path) for path in sorted(OUT.glob("*.safetensors"))}
    write_json(METRICS, {"layer": layer, "sha256": weights})


if __name__ == "__main__":
    run(main)
