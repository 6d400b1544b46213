"""FRE and FKG of the sample's texts and of words drawn from them, against textstat 0.7.3, one core.

python -m benchmarks.readability [texts, 50,000 by default]
"""

import random
import sys

from benchmarks.corpus import vocabulary
from benchmarks.measure import measure, promise
from s2.quality.readability import scorer
from s2.sample.pack import load_texts, reddit_rows


def texts(count: int) -> list[str]:
    """The sample's own texts, then texts of as many words as real answers have, all different."""
    chance = random.Random(1)
    posts, comments = reddit_rows()
    own = [row["body"] for row in comments] + [row["selftext"] for row in posts]
    own += [entry["text"] for entries in load_texts("wiki").values() for entry in entries]
    words = vocabulary()
    while len(own) < count:
        own.append(" ".join(chance.choices(words, k=1 + round(chance.lognormvariate(4.36, 0.95)))))
    return own[:count]


def textstat(sample: list[str]) -> list[tuple[float, float]]:
    import textstat as baseline

    return [(baseline.flesch_reading_ease(t), baseline.flesch_kincaid_grade(t)) for t in sample]


def ours(sample: list[str], method: str) -> list[tuple[float, float]]:
    score = scorer(method)
    return [(found.ease, found.grade) for found in map(score, sample)]


def main() -> None:
    sample = texts(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
    baseline = measure(textstat, sample)
    print(f"{len(sample):,} texts, {sum(len(text.split()) for text in sample):,} words")
    print(f"  textstat 0.7.3  {baseline}")
    for method in ("report", "cmudict"):
        found = measure(ours, sample, method)
        print(f"  ours, {method:9} {found}")
        promise("  of textstat's speed", baseline.seconds / found.seconds, least=5)
        if method == "report":
            equal = sum(a == b for a, b in zip(found.result, baseline.result, strict=True))
            print(f"  equal to the last digit: {equal:,} of {len(sample):,}")


if __name__ == "__main__":
    main()
