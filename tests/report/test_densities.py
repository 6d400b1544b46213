import numpy as np
import pytest

from s2.report.densities import POINTS, densities


def rows(values: dict[str, float | None], name: str = "a") -> list[dict[str, object]]:
    return [{"set": name, "id": key, "ease": value} for key, value in values.items()]


def test_a_density_by_hand() -> None:
    """Of -1 and 1 the deviation is root 2, Scott's factor 2^(-1/5): h = 2^(1/2 - 1/5). At x the density
    is the mean of two normal ones of that deviation."""
    found = densities({"m": rows({"x": -1.0, "y": 1.0, "z": None})}, "ease")
    assert {row["set"] for row in found} == {"a", "all"} and len(found) == 2 * POINTS
    h = 2**0.3
    for row in found[:POINTS]:
        each = [np.exp(-(((row["x"] - at) / h) ** 2) / 2) / h / (2 * np.pi) ** 0.5 for at in (-1, 1)]
        assert row["density"] == pytest.approx(np.mean(each), abs=2e-6)
    assert (found[0]["x"], found[POINTS - 1]["x"]) == (-1.4, 1.4)


def test_an_answer_of_two_sets_counts_once_for_all() -> None:
    both = [*rows({"x": 0.0, "y": 1.0}), *rows({"x": 0.0, "z": 4.0}, "b")]
    once = [*rows({"x": 0.0, "y": 1.0, "z": 4.0}, "c")]
    found = [row["density"] for row in densities({"m": both}, "ease") if row["set"] == "all"]
    assert found == [row["density"] for row in densities({"m": once}, "ease") if row["set"] == "all"]


def test_what_does_not_vary_has_none() -> None:
    assert densities({"m": rows({"x": 2.0, "y": 2.0}), "n": rows({"x": 1.0})}, "ease") == []
