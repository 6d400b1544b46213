"""`s2 sheet` and `s2 ratings`: answers to people, and what they say of them."""

import csv
import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from s2.evaluate.sheets import COLUMNS, RATINGS, VIOLATIONS, Item, draw, read_sheet, summarise
from s2.kernel.errors import S2Error
from s2.kernel.files import new_folder, write_json
from s2.kernel.tables import read_rows
from s2.params.base import Name
from s2.params.loading import load
from s2.report.page import fill

SCORED = Path("data/evaluate")
KEY = "key.json"


def sheet(out: Path, models: str | None, questions: int, seed: int) -> None:
    """Write sheet.csv, sheet.html and key.json into a new folder; raises `S2Error` if it is there, or a
    model is not."""
    if out.exists():
        raise S2Error(f"{out} exists: its key would be lost; name another folder")
    known = list(load("evaluate.models", dict[Name, str]))
    names = models.split(",") if models else known
    for name in names:
        if name not in known:
            raise S2Error(f"--models: no {name!r}; evaluate.models has: {', '.join(known)}")
        if not (SCORED / f"{name}.parquet").is_file():
            raise S2Error(
                f"{SCORED}/{name}.parquet is missing: build it with `dvc repro evaluate@{name}`"
            )
    items = draw({name: read_rows(SCORED / f"{name}.parquet") for name in names}, questions, seed)
    with new_folder(out) as folder:
        with (folder / "sheet.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(asdict(item) | {"rating": "", "violation": ""} for item in items)
        form = fill("sheet.html.jinja", items=items, ratings=RATINGS, violations=VIOLATIONS)
        (folder / "sheet.html").write_text(form, encoding="utf-8")
        write_json(folder / KEY, {"items": [asdict(item) for item in items]})
    print(
        f"{len(items)} answers: send {out}/sheet.html or {out}/sheet.csv to raters, and keep {out}/{KEY}"
    )


def ratings(out: Path, sheets: list[Path], as_json: bool) -> None:
    """Print what raters said; raises `S2Error` for a sheet that cannot be read."""
    key = out / KEY
    if not key.is_file():
        raise S2Error(f"{key} is missing: `s2 sheet` writes it beside the sheets")
    items = [Item(**item) for item in json.loads(key.read_text(encoding="utf-8"))["items"]]
    known = [item.item for item in items]
    found = summarise(items, [read_sheet(path, known) for path in sheets])
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table("model", "violations", "rating", "n", title=f"{found['raters']} raters")
    for model, one in found["models"].items():
        cells = [
            f"{one[name]:.2f} ± {one[f'{name}_se']:.2f}" if name in one else "–"
            for name in ("violations", "rating")
        ]
        table.add_row(model, *cells, str(one.get("rating_n", one.get("violations_n", 0))))
    console = Console()
    console.print(table)
    for pair in found["pairs"]:
        shares = ", ".join(f"{name} {pair[name]:.0%}" for name in ("wins", "ties", "losses"))
        console.print(
            f"{pair['a']} against {pair['b']}: {shares} of {pair['n']} questions", highlight=False
        )
    for name, title in (("violation_ac1", "AC1 on violations"), ("rating_ac2", "AC2 on ratings")):
        one = found[name]
        told = (
            f"{one['value']:.2f} ({one['low']:.2f} … {one['high']:.2f})"
            if one
            else "needs two ratings an item"
        )
        console.print(f"{title}: {told}", highlight=False)
