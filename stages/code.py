"""Write what each stage's code means, the one code dependency that the stage has."""

from pathlib import Path

from s2.graph.code import Code
from s2.kernel.files import new_folder, write_json
from stages.runner import run

OUT = Path("data/code")


def main() -> None:
    with new_folder(OUT) as folder:
        for module, fingerprint in Code(Path()).stages().items():
            write_json(folder / f"{module}.json", fingerprint)


if __name__ == "__main__":
    run(main)
