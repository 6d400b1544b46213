"""The report: what it shows, that it escapes all of it, and that it works in a browser."""

import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from s2.report import page as module
from s2.report.charts import curves, densities, dropped, measured, tradeoff
from s2.report.densities import SPREAD
from s2.report.densities import densities as spread
from s2.report.opening import opened
from s2.report.page import OPENING, Built, Contents, mean, page, script_json, together
from tests.report.test_opening import GRAPH, opening

EVIL = '</script><script>document.title="owned"</script><b>&amp;'
SCORES: dict[str, Any] = {
    "rougeL": 0.2,
    "rougeL_se": 0.01,
    "ease": 80.0,
    "ease_se": 2.0,
    "n": 3,
    "published": {},
}


def row(name: str, **changes: Any) -> dict[str, Any]:
    told = {
        "id": name,
        "prompt": f"Why {name}?",
        "reference": "Because.",
        "answer": f"So {name}.",
        "set": "wiki",
    }
    scores = {
        "words": 2,
        "ease": 90.0,
        "grade": 2.0,
        "rougeL": 0.5,
        "rougeLsum": 0.5,
        "bertscore_f1": 0.6,
    }
    return told | scores | {"ended": True} | changes


def contents(**changes: Any) -> Contents:
    models = {"sft": 0.3, "base": 0.1, "dpo": 0.2}
    evaluated = {
        name: {"all": SCORES | {"rougeL": value}, "wiki": SCORES | {"rougeL": value}}
        for name, value in models.items()
    }
    ours = {name: {"wiki": sets["wiki"]} for name, sets in evaluated.items()}
    scored = {name: [row("sky"), row("sea", answer=f"{name} {EVIL}", ease=None)] for name in models}
    theirs = {
        "model": "Llama",
        "set": "wiki",
        "source": "report",
        "tokens": 512,
        "n": 100,
        "rougeL": 0.15,
    }
    log = {"sft": [{"step": 1.0, "loss": 3.0}, {"step": 2.0, "loss": 2.5}]}
    seen = [{"metric": "reward", "step": 0, "mean": 0.1, "low": 0.0, "high": 0.2}]
    made: dict[str, Any] = {
        "built": Built("sample", {"sft.lr": [0.002, EVIL]}, {"torch": "2.13.0"}),
        "board": {
            "ours": ours, "tokens": 96, "published": [theirs],
            "bertscore": {"layer": 5, "sha256": {"model.safetensors": "cd" * 32}},
        },
        "scored": scored,
        "funnel": {"wiki": {"rows_in": 1234, "rows_out": 1000, "dropped": {"too_short": 234}}},
        "datasets": {"wiki": [{"prompt": "What?", "completion": EVIL}]},
        "merges": {
            "sft-simple": {
                "kl": 4e-5, "kl_se": 1e-6, "agreement": 0.99, "agreement_se": 0.001,
                "loss_difference": 0.0, "loss_difference_se": 0.0, "rows": 8, "sha256": "ab" * 32,
            }
        },
        "benchmarks": {"sft": {"arc": {"shots": 25, "n": 100, "acc": 0.345, "acc_se": 0.048}}},
        "judged": {"sft": {"gpt": {"mts.first": 6.5, "mts.first_se": 0.4}}, "base": {}, "dpo": {}},
        "safety": {
            "base": {
                "likelihood": {
                    "old people": {
                        "harmful": 6, "neutral": 7, "score": 0.6, "score_se": 0.1, "p": 0.01
                    },
                    "groups": 1, "mean": 0.6,
                },
                "groups": {"all": {"n": 4, "toxic": 0.125, "toxic_se": 0.11}},
                "topics": {"all": {"n": 4, "toxic": 0.0, "sentiment": -0.25, "sentiment_se": 0.2}},
                "harmless": {"all": {"n": 8, "refused": 0.375, "refused_se": 0.18}},
            },
            "api": {"harmless": {"all": {"n": 8, "refused": 0.5, "refused_se": 0.18}}},
        },
        "charts": {
            "Quality": [tradeoff(evaluated)],
            "Answers": densities({metric: spread(scored, metric) for metric in SPREAD}),
            "Training": [curves("loss", "loss", log), *measured("ppo", seen)],
            "Data": [dropped([{"rows": 234, "reason": "wiki too_short"}])],
        },
    }  # fmt: skip
    return Contents(**made | changes)


def test_it_shows_what_is_there_and_needs_no_network() -> None:
    html = page(contents())
    for text in (
        "0.300 ± 0.010",
        "Llama",
        "too_short",
        "1,234",
        "ab" * 6,
        "Why sky?",
        "old people",
        "0.600 ± 0.100",
        "<td>13</td>",
        "0.125 ± 0.110",
        "-0.250 ± 0.200",
        "0.375 ± 0.180",
        "0.500 ± 0.180",
        "6.500 ± 0.400",
        "torch 2.13.0",
        OPENING,
        "0.345 ± 0.048",
    ):
        assert text in html
    outside = re.sub(r"<script>\(function.*?</script>", "", html, flags=re.DOTALL)
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"', outside) and "@import" not in outside
    assert len(html.encode()) < 3_000_000


def test_every_text_is_escaped() -> None:
    html = page(contents())
    assert EVIL not in html
    assert html.count("<script>") == 2
    assert html.count("&lt;/script&gt;&lt;script&gt;") == 5


def test_json_cannot_end_its_script() -> None:
    text = script_json({"a": "</script>\u2028<!--"})
    assert "<" not in text and "\u2028" not in text
    assert json.loads(text) == {"a": "</script>\u2028<!--"}


def test_means_stand_with_their_errors() -> None:
    assert mean(SCORES, "ease") == "80.0 ± 2.0"
    assert mean(SCORES, "rougeL") == "0.200 ± 0.010"
    assert mean(SCORES, "toxicity") == "–"


def test_answers_stand_together_as_far_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    scored = {name: [row("sky"), row("sea")] for name in ("base", "sft")}
    questions, left = together(scored)
    assert [list(question["answers"]) for question in questions] == [["base", "sft"]] * 2 and not left
    monkeypatch.setattr(module, "ANSWERS", 40)
    questions, left = together(scored)
    assert (len(questions), left) == (1, 1)


BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
LISTEN = """<script>
const failed = [], log = console.error;
onerror = message => failed.push(message);
console.error = (...told) => { failed.push(told.join()); log(...told); };
</script>"""
DRIVE = """
<script>
addEventListener("load", () => setTimeout(() => {
  const told = {errors: failed, charts: document.querySelectorAll("figure svg").length};
  const table = document.querySelector("#scores table");
  const rows = () => [...table.tBodies[0].rows].map(row => row.cells[0].textContent);
  const head = text => [...table.tHead.rows[0].cells]
    .find(cell => cell.textContent.trim() === text);
  const click = text => head(text).querySelector("button").click();
  click("ROUGE-L"); told.up = rows(); told.sort = head("ROUGE-L").getAttribute("aria-sort");
  click("ROUGE-L"); told.down = rows();
  click("model"); told.names = rows();
  const search = document.getElementById("search");
  search.value = "WHY SEA"; search.dispatchEvent(new Event("input"));
  told.found = [...document.querySelectorAll("#answers article")].filter(one => !one.hidden).length;
  told.said = document.getElementById("found").textContent;
  const ground = () => getComputedStyle(document.body).backgroundColor;
  told.grounds = [ground()]; document.getElementById("theme").click(); told.grounds.push(ground());
  told.wide = document.documentElement.scrollWidth <= innerWidth;
  document.querySelectorAll("details").forEach(one => { one.open = true; });
  told.clipped = [...document.querySelectorAll("caption")]
    .filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.textContent);
  told.title = document.title;
  document.body.innerHTML = ""; document.body.append(JSON.stringify(told));
}, 1500));
</script>
"""


AUDIT = """
<script>
addEventListener("load", () => setTimeout(async () => {
  if (DARK) document.getElementById("theme").click();
  document.querySelectorAll("details").forEach(one => { one.open = true; });
  const told = await axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]});
  const found = {passed: told.passes.length, violations: told.violations.map(one =>
    [one.id, one.help, one.nodes.slice(0, 3).map(node => node.target.join(" "))])};
  document.body.innerHTML = ""; document.body.append(JSON.stringify(found));
}, 1500));
</script>
"""


def in_browser(folder: Path, html: str, width: int) -> dict[str, Any]:
    """What a page's script left in its body as JSON, in a window of a width in pixels."""
    assert BROWSER
    (folder / "page.html").write_text(html, encoding="utf-8")
    done = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
            f"--user-data-dir={folder / 'profile'}", f"--window-size={width},900",
            "--virtual-time-budget=10000", "--dump-dom",
            (folder / "page.html").as_uri(),
        ],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    found = re.search(r"<body[^>]*>(\{.*\})</body>", done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(found[1].replace("&amp;", "&").replace("&gt;", ">"))
    return told


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")
@pytest.mark.parametrize("width", [1280, 500])
def test_it_works_in_a_browser(tmp_path: Path, width: int) -> None:
    before, _, _ = page(contents()).replace("<head>", f"<head>{LISTEN}", 1).rpartition("</body>")
    told = in_browser(tmp_path, f"{before}{DRIVE}</body></html>", width)
    assert told["errors"] == []
    assert told["charts"] == 10
    assert told["up"] == ["base", "dpo", "sft"] and told["sort"] == "ascending"
    assert told["down"] == ["sft", "dpo", "base"] and told["names"] == ["base", "dpo", "sft"]
    assert (told["found"], told["said"]) == (1, "1 of 2 questions")
    assert len(set(told["grounds"])) == 2
    assert told["wide"] and told["clipped"] == [] and told["title"] == "S2: report"


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")
@pytest.mark.parametrize(("width", "dark"), [(1280, "false"), (500, "true")])
def test_everybody_can_read_it(tmp_path: Path, width: int, dark: str) -> None:
    """WCAG 2.1 AA, as far as axe-core sees it (https://github.com/dequelabs/axe-core), with the part that
    is put in when it is opened."""
    axe = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    html = opened(page(contents()), opening(), GRAPH, ["wiki"])
    before, _, _ = html.rpartition("</body>")
    audit = AUDIT.replace("DARK", dark)
    told = in_browser(tmp_path, f"{before}<script>{axe}</script>{audit}</body></html>", width)
    assert told["violations"] == [] and told["passed"] > 30
