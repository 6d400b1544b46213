"""Apply the gates; give each row its purpose and its split; let leaking questions go."""

from pathlib import Path
from typing import Any

import duckdb

from s2.kernel.accounting import account, count_reasons
from s2.kernel.files import write_json
from s2.kernel.tables import connect, count_rows, query_to_parquet
from s2.params.base import Above0, Positive, Share
from s2.params.loading import load
from s2.quality.gates import gate, gate_table
from s2.quality.thresholds import load_thresholds
from s2.splits.assign import assign_answers, split, usable_questions
from s2.splits.leakage import leaking_questions
from stages.runner import run

REDDIT = Path("data/candidates/reddit.parquet")
WIKI = Path("data/candidates/wiki.parquet")
REDDIT_TOXICITY = Path("data/toxicity/reddit.parquet")
WIKI_TOXICITY = Path("data/toxicity/wiki.parquet")
EMBEDDINGS = Path("data/embeddings/reddit.parquet")
OUT = Path("data/splits")
METRICS = Path("metrics/data/splits.json")

SFT = """FROM assigned SELECT id, question_id, split, question, answer, score
    WHERE dropped_by IS NULL AND purpose = 'sft' ORDER BY id"""
PAIRS = "FROM pairs ORDER BY question_id, chosen_id, rejected_id"
PROMPTS = "FROM prompts ORDER BY question_id"
ARTICLES = "FROM gated SELECT id, split, title, answer WHERE dropped_by IS NULL ORDER BY id"
LEAKS = "FROM leaks ORDER BY question_id"
REDDIT_VERDICTS = """FROM assigned SELECT id, question_id, split, purpose, dropped_by, toxicity
    ORDER BY id"""
WIKI_VERDICTS = "FROM gated SELECT id, split, dropped_by, toxicity ORDER BY id"
PREFERRED = "SELECT chosen_id FROM pairs UNION SELECT rejected_id FROM pairs"


def main() -> None:
    rules = load_thresholds()
    shares = load("splits.validation", Share), load("splits.test", Share)
    max_pairs = load("splits.pairs.max_per_question", Positive)
    memory = load("machine.memory", Above0)

    reddit = connect(memory)
    by_question = split("question_id", *shares)
    reddit.execute(gate_table(REDDIT, REDDIT_TOXICITY, gate(rules.reddit), by_question))
    reddit.execute(usable_questions(REDDIT, by_question))
    leaking_questions(reddit, EMBEDDINGS, rules.leakage.limit, memory)
    assign_answers(reddit, rules.sft, rules.chosen, max_pairs)

    wiki = connect(memory)
    wiki.execute(gate_table(WIKI, WIKI_TOXICITY, gate(rules.wiki), split("id", *shares)))
    write_json(METRICS, write_reddit(reddit) | write_wiki(wiki))


def write_reddit(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Write SFT rows, pairs, prompts and every row's verdict; returns the accounting of answers and
    the numbers of pairs and prompts."""
    sft = query_to_parquet(connection, SFT, OUT / "sft/reddit.parquet")
    pairs = query_to_parquet(connection, PAIRS, OUT / "preference/reddit.parquet")
    prompts = query_to_parquet(connection, PROMPTS, OUT / "prompts/reddit.parquet")
    query_to_parquet(connection, LEAKS, OUT / "leaks/reddit.parquet")
    query_to_parquet(connection, REDDIT_VERDICTS, OUT / "verdicts/reddit.parquet")
    ((preferred,),) = connection.execute(f"SELECT count(*) FROM ({PREFERRED})").fetchall()
    answers = account(count_rows(REDDIT), sft + preferred, count_reasons(connection, "assigned"))
    counts = {"sft": sft, "preference": preferred, "pairs": pairs, "prompts": prompts}
    return {"reddit": answers | counts}


def write_wiki(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Write SFT rows and every page's verdict; returns the accounting of pages."""
    sft = query_to_parquet(connection, ARTICLES, OUT / "sft/wiki.parquet")
    query_to_parquet(connection, WIKI_VERDICTS, OUT / "verdicts/wiki.parquet")
    return {"wiki": account(count_rows(WIKI), sft, count_reasons(connection, "gated"))}


if __name__ == "__main__":
    run(main)
