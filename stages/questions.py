"""Ask a language model for the question that each Wikipedia answer answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from s2.cache import ContentCache
from s2.files import fingerprint, temporary_file, write_json
from s2.params import Questions, load_params
from s2.quality.gates import account, count_reasons
from s2.questions.client import ChatClient
from s2.questions.generate import SCHEMA, generate
from s2.questions.serve import local_server
from s2.tables import connect, count_rows, query_to_parquet, scan, stream_rows, write_rows
from stages.runner import run

ANSWERS = Path("data/splits/sft/wiki.parquet")
BASE = Path("models/base")
OUT = Path("data/questions/wiki.parquet")
METRICS = Path("metrics/data/questions.json")
CACHE = Path(".s2/cache/replies.sqlite")
LOG = Path(".s2/logs/serve.log")


def main() -> None:
    params = load_params()
    connection = connect()
    with ContentCache(CACHE) as cache, temporary_file(OUT.with_suffix(".all")) as everything:
        with chat_client(params.questions, cache) as client:
            rows = generate(
                stream_rows(ANSWERS),
                params.questions.prompts,
                client.reply,
                params.questions.workers,
            )
            write_rows(everything, SCHEMA, rows)
        dropped = count_reasons(connection, scan(everything))
        kept = f"FROM {scan(everything)} SELECT * EXCLUDE dropped_by WHERE dropped_by IS NULL"
        rows_out = query_to_parquet(connection, f"{kept} ORDER BY id", OUT)
    write_json(METRICS, account(count_rows(ANSWERS), rows_out, dropped))


@contextmanager
def chat_client(parameters: Questions, cache: ContentCache) -> Iterator[ChatClient]:
    """A client of the endpoint in the parameters, or of the base model, served for as long as the
    block runs."""
    if parameters.base_url:
        model_id = f"{parameters.base_url} {parameters.model}"
        yield ChatClient(parameters.base_url, parameters.model, parameters, model_id, cache)
    else:
        with local_server(BASE, parameters.dtype, LOG) as base_url:
            yield ChatClient(base_url, str(BASE), parameters, fingerprint([BASE]), cache)


if __name__ == "__main__":
    run(main)
