"""Ask a language model for the question that each Wikipedia answer answers, if a dataset takes any."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from s2.graph.code import meaning
from s2.kernel.accounting import account, count_reasons
from s2.kernel.cache import ContentCache
from s2.kernel.files import temporary_file, write_json
from s2.kernel.hashes import fingerprint
from s2.kernel.paths import local
from s2.kernel.tables import connect, count_rows, query_to_parquet, scan, stream_rows, write_rows
from s2.llm.client import ChatClient, Kept, request
from s2.llm.server import local_server, serve
from s2.params.base import Name
from s2.params.data import Dataset, Questions
from s2.params.loading import load
from s2.params.machine import Machine
from s2.questions.generate import SCHEMA, generate, unasked
from stages.runner import run

ANSWERS = Path("data/splits/sft/wiki.parquet")
BASE = Path("models/base")
OUT = Path("data/questions/wiki.parquet")
METRICS = Path("metrics/data/questions.json")


def main() -> None:
    questions, machine = load("questions", Questions), load("machine", Machine)
    wanted = any("wiki" in taken.sources() for taken in load("datasets", dict[Name, Dataset]).values())
    connection = connect(machine.memory)
    with temporary_file(OUT.with_suffix(".all")) as everything:
        with chat_client(questions, machine) as client:

            def reply(prompt: str, is_of_use: Callable[[str], bool]) -> str:
                return client.reply(request(questions.system, prompt, questions.max_tokens), is_of_use)

            rows = stream_rows(ANSWERS)
            asked = generate(rows, questions.prompts, reply, machine.requests)
            write_rows(everything, SCHEMA, asked if wanted else unasked(rows))
        dropped = count_reasons(connection, scan(everything))
        kept = f"FROM {scan(everything)} SELECT * EXCLUDE dropped_by WHERE dropped_by IS NULL"
        rows_out = query_to_parquet(connection, f"{kept} ORDER BY id", OUT)
    write_json(METRICS, account(count_rows(ANSWERS), rows_out, dropped))


@contextmanager
def chat_client(questions: Questions, machine: Machine) -> Iterator[ChatClient]:
    """A client of the endpoint in the parameters, or of the base model, which is served from the
    first reply that is not cached until the block ends."""
    with ExitStack() as stack:
        caches = (ContentCache(local("cache", f"{name}.sqlite")) for name in ("replies", "unusable"))
        kept = Kept(*map(stack.enter_context, caches))
        if questions.base_url:
            url, model = questions.base_url, questions.model
            yield ChatClient(lambda: url, model, [url, model], kept, machine)
        else:
            who = [fingerprint([BASE]), questions.dtype, meaning(serve)]
            server = local_server(BASE, questions.dtype, local("logs"))
            yield ChatClient(lambda: stack.enter_context(server), str(BASE), who, kept, machine)


if __name__ == "__main__":
    run(main)
