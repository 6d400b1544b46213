"""Apply the gates; give each row its purpose and its split."""

from pathlib import Path
from typing import Any

import duckdb

from s2.kernel.accounting import account, count_reasons
from s2.kernel.files import write_json
from s2.kernel.tables import connect, count_rows, query_to_parquet
from s2.params.base import Above0, Positive, Share
from s2.params.data import PairChoice
from s2.params.loading import load
from s2.quality.gates import gate, gate_table
from s2.quality.thresholds import load_thresholds
from s2.splits.assign import Shares, assign_answers, moves, split, usable_questions
from stages.runner import run

REDDIT = Path("data/candidates/reddit.parquet")
WIKI = Path("data/candidates/wiki.parquet")
REDDIT_TOXICITY = Path("data/toxicity/reddit.parquet")
OWN = Path("data/candidates/own.parquet")
WIKI_TOXICITY = Path("data/toxicity/wiki.parquet")
OWN_TOXICITY = Path("data/toxicity/own.parquet")
OUT = Path("data/splits")
METRICS = Path("metrics/data/splits.json")

SFT = """FROM assigned SELECT id, question_id, subreddit, split, question, answer, score
    WHERE dropped_by IS NULL AND purpose = 'sft' ORDER BY id"""
KEPT = """SELECT subreddit AS part, question_id AS id, split FROM assigned
    WHERE dropped_by IS NULL AND purpose = 'sft'"""
KEPT_ARTICLES = "SELECT 'wiki' AS part, id, split FROM gated WHERE dropped_by IS NULL"
KEPT_OWN = "SELECT subreddit AS part, question_id AS id, split FROM gated WHERE dropped_by IS NULL"
PAIRS = "FROM pairs ORDER BY question_id, chosen_id, rejected_id"
QUESTIONS = """FROM questions SELECT *, question_id IN (SELECT question_id FROM prompts) AS prompt
    ORDER BY question_id"""
ARTICLES = "FROM gated SELECT id, split, title, answer WHERE dropped_by IS NULL ORDER BY id"
OWN_ROWS = """FROM gated SELECT id, question_id, subreddit, split, question, answer
    WHERE dropped_by IS NULL ORDER BY id"""
OWN_VERDICTS = "FROM gated SELECT id, question_id, split, dropped_by, toxicity ORDER BY id"
REDDIT_VERDICTS = """FROM assigned SELECT id, question_id, split, purpose, dropped_by, toxicity
    ORDER BY id"""
WIKI_VERDICTS = "FROM gated SELECT id, split, dropped_by, toxicity ORDER BY id"
PREFERRED = "SELECT chosen_id FROM pairs UNION SELECT rejected_id FROM pairs"


def main() -> None:
    shares = Shares(load("splits.validation", Share), load("splits.test", Share))
    reddit, wiki, own = assigned(shares, {}), articles(shares, {}), own_rows(shares, {})
    # Only where chance left a split of a small part empty: then once more, with what is moved.
    if moved := moves(reddit, KEPT, shares):
        reddit = assigned(shares, moved)
    if moved := moves(wiki, KEPT_ARTICLES, shares):
        wiki = articles(shares, moved)
    if moved := moves(own, KEPT_OWN, shares):
        own = own_rows(shares, moved)
    write_json(METRICS, write_reddit(reddit) | write_wiki(wiki) | write_own(own))


def assigned(shares: Shares, moved: dict[str, str]) -> duckdb.DuckDBPyConnection:
    """Reddit's rows, gated and assigned."""
    rules = load_thresholds()
    connection = connect(load("machine.memory", Above0))
    by_question = split("question_id", shares, moved)
    connection.execute(gate_table(REDDIT, REDDIT_TOXICITY, gate(rules.reddit), by_question))
    connection.execute(usable_questions(REDDIT, by_question))
    choice = load("splits.pairs.choice", PairChoice)
    assign_answers(connection, rules.good, choice, load("splits.pairs.max_per_question", Positive))
    return connection


def articles(shares: Shares, moved: dict[str, str]) -> duckdb.DuckDBPyConnection:
    """Wikipedia's rows, gated."""
    connection = connect(load("machine.memory", Above0))
    gated = gate_table(WIKI, WIKI_TOXICITY, gate(load_thresholds().wiki), split("id", shares, moved))
    connection.execute(gated)
    return connection


def own_rows(shares: Shares, moved: dict[str, str]) -> duckdb.DuckDBPyConnection:
    """A user's own rows, gated."""
    connection = connect(load("machine.memory", Above0))
    by_question = split("question_id", shares, moved)
    connection.execute(gate_table(OWN, OWN_TOXICITY, gate(load_thresholds().own), by_question))
    return connection


def write_reddit(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Write SFT rows, pairs, questions and every row's verdict; returns the accounting of answers and
    the numbers of pairs and questions."""
    sft = query_to_parquet(connection, SFT, OUT / "sft/reddit.parquet")
    pairs = query_to_parquet(connection, PAIRS, OUT / "pairs/reddit.parquet")
    questions = query_to_parquet(connection, QUESTIONS, OUT / "questions/reddit.parquet")
    query_to_parquet(connection, REDDIT_VERDICTS, OUT / "verdicts/reddit.parquet")
    ((preferred,),) = connection.execute(f"SELECT count(*) FROM ({PREFERRED})").fetchall()
    answers = account(count_rows(REDDIT), sft + preferred, count_reasons(connection, "assigned"))
    counts = {"sft": sft, "preference": preferred, "pairs": pairs, "questions": questions}
    return {"reddit": answers | counts}


def write_wiki(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Write SFT rows and every page's verdict; returns the accounting of pages."""
    sft = query_to_parquet(connection, ARTICLES, OUT / "sft/wiki.parquet")
    query_to_parquet(connection, WIKI_VERDICTS, OUT / "verdicts/wiki.parquet")
    return {"wiki": account(count_rows(WIKI), sft, count_reasons(connection, "gated"))}


def write_own(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Write SFT rows and every row's verdict; returns the accounting of rows."""
    sft = query_to_parquet(connection, OWN_ROWS, OUT / "sft/own.parquet")
    query_to_parquet(connection, OWN_VERDICTS, OUT / "verdicts/own.parquet")
    return {"own": account(count_rows(OWN), sft, count_reasons(connection, "gated"))}


if __name__ == "__main__":
    run(main)
