from rich.console import Console

from s2.params.data import Dataset
from s2.report.tables import alike, headline, leaderboard, published, render

NAMES = {"ELI5": ["eli5"], "wiki": ["wiki"], "full": ["eli5-wiki"]}


def test_published_figures_are_those_of_the_report() -> None:
    board = published(NAMES)
    assert board["Llama-2-7b"]["eli5"] == {
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
    assert board["Llama-2-7b"]["wiki"]["ease"] == 64.104
    assert set(board) == {"Llama-2-7b", *(f"Llama-2-7b-{x}" for x in ("ELI5", "wiki", "ELI5-wiki"))}
    assert all(set(sets) == {"eli5", "wiki", "eli5-wiki"} for sets in board.values())


def test_ours_stand_above_the_published() -> None:
    board = leaderboard(
        {"base": {"wiki": {"n": 6, "ease": 70.123, "ease_se": 2.05, "ended": 0.5}}}, NAMES
    )
    console = Console(width=200, record=True, file=None)
    with console.capture() as capture:
        console.print(render(board, "wiki"))
    lines = capture.get().splitlines()
    ours = next(line for line in lines if "base" in line)
    assert "70.1 ±2.0" in ours and "0.500" in ours and " 6 " in ours
    assert lines.index(ours) < next(i for i, line in enumerate(lines) if "published" in line)


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
    assert alike(datasets, both) == {"ELI5": ["r", "every"], "wiki": ["w"], "full": ["mixed"]}


def test_the_headline_has_few_numbers_each_with_its_error() -> None:
    scores = {"n": 9, "rougeL": 0.2, "rougeL_se": 0.01, "rouge1": 0.3, "ease": 70.0, "ease_se": 1.0}
    trained = {"m": {"eval_loss": 2.5, "eval_loss_se": 0.1, "steps": 9}}
    assert headline({"m": {"some": scores, "all": scores}}, trained) == {
        "m": {"rougeL": 0.2, "rougeL_se": 0.01, "ease": 70.0, "ease_se": 1.0},
        "m (training)": {"eval_loss": 2.5, "eval_loss_se": 0.1},
    }
    assert set(leaderboard({"m": {"some": scores, "all": scores}}, NAMES)["ours"]["m"]) == {"some"}
