"""Score a model's answers: `python -m stages.evaluate NAME`."""

import sys
from pathlib import Path

from s2.cache import ContentCache
from s2.evaluate.summary import SCORED, score_answers, summarise
from s2.files import write_json
from s2.params import load_params
from s2.quality.readability import scorer
from s2.quality.toxicity import make_scorer
from s2.tables import read_rows, write_rows
from stages.runner import run

ENCODER = Path("models/encoder")
CACHE = Path(".s2/cache/toxicity.sqlite")
SETS = ["eli5", "wiki", "eli5-wiki"]


def main() -> None:
    params = load_params()
    name = sys.argv[1]
    with ContentCache(CACHE) as cache:
        scored = score_answers(
            read_rows(Path(f"data/answers/{name}.parquet")),
            scorer(params.quality.readability.method),
            make_scorer(params.quality.toxicity.model),
            cache,
            ENCODER,
            params.evaluate,
        )
    write_rows(Path(f"data/evaluate/{name}.parquet"), SCORED, scored)
    write_json(Path(f"metrics/evaluate/{name}.json"), summarise(scored, SETS))


if __name__ == "__main__":
    run(main)
