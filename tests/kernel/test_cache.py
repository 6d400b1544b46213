import sqlite3
import threading
from pathlib import Path

import pytest

from s2.kernel.cache import ContentCache, content_key


def test_values_come_back_in_another_process_of_the_same_file(tmp_path: Path) -> None:
    with ContentCache(tmp_path / "c.sqlite") as cache:
        cache.put({"a": {"toxicity": 0.25}, "b": "text"})
    with ContentCache(tmp_path / "c.sqlite") as cache:
        assert cache.get(["a", "b", "c"]) == {"a": {"toxicity": 0.25}, "b": "text"}


def test_a_damaged_file_is_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.sqlite"
    path.write_bytes(b"this is no database, whatever it once was" * 100)
    with ContentCache(path) as cache:
        cache.put({"a": 1})
        assert cache.get(["a"]) == {"a": 1}
    assert (tmp_path / "c.damaged").read_bytes().startswith(b"this is no database")
    assert "is damaged" in capsys.readouterr().err


def test_a_batch_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    with ContentCache(tmp_path / "c.sqlite") as cache:
        with pytest.raises(sqlite3.IntegrityError), cache._db:
            cache._db.execute("INSERT INTO cache VALUES ('a', '1')")
            cache._db.execute("INSERT INTO cache VALUES ('a', '2')")
        assert cache.get(["a"]) == {}


def test_threads_share_a_cache(tmp_path: Path) -> None:
    with ContentCache(tmp_path / "c.sqlite") as cache:

        def work(start: int) -> None:
            for number in range(start, start + 50):
                cache.put({str(number): number})

        threads = [threading.Thread(target=work, args=(50 * i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(cache.get(map(str, range(200)))) == 200


def test_keys_depend_on_every_part() -> None:
    assert content_key("a", 1) == content_key("a", 1)
    assert len({content_key("a", 1), content_key("a", 2), content_key("b", 1)}) == 3
