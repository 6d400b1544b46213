import pytest

from s2.params.data import Dataset
from s2.report.figures import alike, published

NAMES = {"ELI5": ["eli5"], "Wiki": ["wiki"], "full": ["eli5-wiki"]}


def find(model: str, set_name: str, tokens: int) -> dict[str, object]:
    wanted = {"model": model, "set": set_name, "tokens": tokens}
    (row,) = (row for row in published(NAMES) if wanted.items() <= row.items())
    return {name: value for name, value in row.items() if name not in wanted}


def test_the_later_tables_with_their_errors() -> None:
    row = find("Llama-2-7b-ELI5-Cleaned-Wiki", "wiki", 512)
    assert (row["edits"], row["source"], row["n"]) == ("without", "later report", 100)
    assert (row["rouge2"], row["rouge2_se"]) == (0.108, 0.0038)  # deviation 0.038 over 100 answers
    assert (row["ease"], row["grade"]) == (58.3621, 10.148) and "ease_se" not in row
    assert row["bertscore_f1"] == pytest.approx(0.84, abs=0.02) and "bertscore_f1_se" in row


def test_the_first_tables_without_what_was_scored_against_other_references() -> None:
    assert find("Llama-2-7b", "eli5", 256) == {
        "edits": "–",
        "source": "first tables",
        "n": 100,
        "rouge1": 0.3796,
        "rouge2": 0.2432,
        "rougeL": 0.3,
        "rougeLsum": 0.3222,
        "bertscore_precision": 0.8429,
        "bertscore_recall": 0.8754,
        "bertscore_f1": 0.8583,
        "ease": 58.2425,
        "grade": 10.075,
    }
    assert find("Llama-2-7b-ELI5", "eli5", 256)["edits"] == "with"
    wiki = find("Llama-2-7b", "wiki", 256)
    assert (wiki["ease"], wiki["grade"]) == (64.104, 8.172)
    assert not {"rouge1", "rougeLsum", "bertscore_f1"} & set(wiki)


def test_every_published_model_stands_once() -> None:
    keys = [(row["model"], row["set"], row["tokens"]) for row in published(NAMES)]
    assert len(keys) == len(set(keys)) == 3 * 4 + 3 * 12


def test_published_sets_stand_beside_declared_ones_that_take_the_same() -> None:
    both = ["askscience", "explainlikeimfive"]
    datasets = {
        "r": Dataset(reddit=both),
        "every": Dataset(reddit="all"),
        "part": Dataset(reddit=["askscience"]),
        "few": Dataset(reddit=both, rows=9),
        "w": Dataset(wiki="all"),
        "mixed": Dataset(reddit="all", wiki="all"),
    }
    assert alike(datasets, both) == {"ELI5": ["r", "every"], "Wiki": ["w"], "full": ["mixed"]}
