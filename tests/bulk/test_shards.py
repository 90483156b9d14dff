import pytest

from spacy_absa.bulk.shards import cut, part_path, read_receipt
from spacy_absa.data.rows import Row
from spacy_absa.data.text import BadRow


def rows(n, size=1):
    return [Row(i, {"text": "a"}, "a", size) for i in range(n)]


def test_shards_have_a_fixed_number_of_rows():
    given = [*rows(3), BadRow(4, "bad"), *rows(1)]
    shards = list(cut(given, "a.csv", 2, 7))
    assert [shard.index for shard in shards] == [7, 8, 9]
    assert [len(shard.rows) for shard in shards] == [2, 2, 1]
    assert [row for shard in shards for row in shard.rows] == given
    assert list(cut([], "a.csv", 2, 7)) == []


def test_huge_rows_end_a_shard_early(monkeypatch):
    monkeypatch.setattr("spacy_absa.bulk.shards._MAX_BYTES", 100)
    assert [len(shard.rows) for shard in cut(rows(5, size=60), "a.csv", 10, 0)] == [2, 2, 1]


@pytest.mark.parametrize("receipt", ["", "{}", "[1]", '{"file": '])
def test_a_shard_without_a_sound_receipt_is_not_whole(tmp_path, receipt):
    path = part_path(tmp_path, 0, ".jsonl")
    assert path.name == "part-00000.jsonl"
    path.touch()
    assert read_receipt(tmp_path, 0, ".jsonl") is None
    (tmp_path / "_shards").mkdir()
    (tmp_path / "_shards/part-00000.json").write_text(receipt)
    assert read_receipt(tmp_path, 0, ".jsonl") is None
