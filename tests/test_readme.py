import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci/run").read_text(encoding="utf-8")


def command(name: str) -> str:
    (found,) = re.findall(rf"^<!-- {name} -->`(.*)`$", README, flags=re.MULTILINE)
    return found


def test_ci_takes_the_test_command_out_of_the_readme() -> None:
    """`.ci/run` holds no copy of the command, so that the two cannot drift apart."""
    (line,) = re.findall(r"^test_command=\$\((.*)\)$", CI, flags=re.MULTILINE)
    extracted = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=ROOT)
    assert extracted.stdout.strip() == command("test")
    assert "pip install" not in CI and "pytest" not in CI


def test_both_commands_do_their_own_set_up() -> None:
    for name, end in {"run": "dvc repro && s2 leaderboard", "test": "pytest"}.items():
        text = command(name)
        assert "python3.11 -m venv" in text and "requirements.lock" in text and text.endswith(end)


def test_paths_in_the_readme_exist() -> None:
    built = ("data/", "models/", "metrics/", "my-dumps/", ".s2/")
    for path in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", README):
        assert path.startswith(built) or (ROOT / path).exists(), path


def test_the_lock_pins_every_dependency_exactly() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    assert "torch==2.13.0" in pins
