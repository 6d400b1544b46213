"""`s2 why`: the story of one row."""

from s2.params.base import Name
from s2.params.data import Dataset
from s2.params.loading import load
from s2.report.why import story


def why(row_id: str) -> None:
    """Print a row's place in a dump, each gate's verdict, its purpose and its datasets."""
    for line in story(row_id, load("datasets", dict[Name, Dataset])):
        print(line)
