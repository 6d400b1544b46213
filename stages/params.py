"""Check every key of params.yaml, so that a wrong one is told before anything is built on it."""

from s2.params import load_params
from stages.runner import run


def main() -> None:
    load_params()


if __name__ == "__main__":
    run(main)
