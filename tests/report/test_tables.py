from rich.console import Console

from s2.report.tables import leaderboard, published, render


def test_published_figures_are_those_of_the_report() -> None:
    board = published()
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
    board = leaderboard({"base": {"wiki": {"n": 6, "ease": 70.123, "ease_se": 2.05, "ended": 0.5}}})
    console = Console(width=200, record=True, file=None)
    with console.capture() as capture:
        console.print(render(board, "wiki"))
    lines = capture.get().splitlines()
    ours = next(line for line in lines if "base" in line)
    assert "70.1 ±2.0" in ours and "0.500" in ours and " 6 " in ours
    assert lines.index(ours) < next(i for i, line in enumerate(lines) if "published" in line)
