"""Score a model's answers: `python -m stages.evaluate NAME`."""

import sys
from pathlib import Path

from s2.evaluate.metrics import BertScore, Readability, Repetition, Rouge, Toxicity
from s2.evaluate.summary import schema, score_answers, summarise
from s2.kernel.cache import ContentCache
from s2.kernel.files import write_json
from s2.kernel.paths import local
from s2.kernel.tables import read_rows, write_rows
from s2.params.base import Positive
from s2.params.data import Method, ToxicityDtype
from s2.params.loading import load
from s2.quality.toxicity import make_scorer
from stages.runner import run

ENCODER = Path("models/bertscore")
CLASSIFIER = Path("models/classifier")


def main() -> None:
    name = sys.argv[1]
    layer, batch_size = load("evaluate.bertscore.layer", Positive), load("evaluate.batch_size", Positive)
    bertscore = BertScore(ENCODER, layer, batch_size)
    readability = Readability(load("quality.readability.method", Method))
    dtype = load("quality.toxicity.dtype", ToxicityDtype)
    toxicity = make_scorer(CLASSIFIER, dtype, load("quality.toxicity.batch_tokens", Positive))
    with ContentCache(local("cache", "toxicity.sqlite")) as cache:
        metrics = [Rouge(), bertscore, readability, Toxicity(toxicity, cache), Repetition()]
        published = [Rouge("published"), bertscore, Readability("report")]
        scored = score_answers(read_rows(Path(f"data/answers/{name}.parquet")), metrics, published)
    write_rows(Path(f"data/evaluate/{name}.parquet"), schema(scored), scored)
    write_json(Path(f"metrics/evaluate/{name}.json"), summarise(scored))


if __name__ == "__main__":
    run(main)
