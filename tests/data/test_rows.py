import pytest

from spacy_absa.data.rows import Row, read_rows, text_column
from spacy_absa.data.text import BadRow
from spacy_absa.errors import InputError


def rows(path, column="text", max_chars=100):
    return list(read_rows(path, column, max_chars))


@pytest.fixture
def write(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


def test_rows_keep_their_fields(write):
    path = write("a.jsonl", '{"id": [1, {"a": "b"}], "text": "好车"}\n')
    assert rows(path) == [Row(1, {"id": [1, {"a": "b"}], "text": "好车"}, "好车", 22)]
    path = write("a.csv", 'id,text\n1,"好,\n车"\n')
    assert rows(path) == [Row(2, {"id": "1", "text": "好,\n车"}, "好,\n车", 15)]


def test_bad_rows_stand_in_their_places(write):
    path = write("a.jsonl", '{"text": "a"}\n{"text": 1}\n\n{"text": "好好"}\n{"text": "b"}')
    first, number, long, last = rows(path, max_chars=1)
    assert (first.text, last.text) == ("a", "b")
    assert number == BadRow(2, "the text at 'text' is no string")
    assert long == BadRow(4, "the text has 2 characters, more than 1")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_an_invalid_byte_costs_one_row(write, encoding):
    good = "一辆好车，开了十年都没有修过\n".encode(encoding)
    for name in ("a.csv", "a.tsv"):
        path = write(name, b"text\n" + good * 3 + b"a\xff\n" + good)
        found = rows(path)
        assert [row.line for row in found] == [2, 3, 4, 5, 6]
        assert found[3] == BadRow(5, "invalid bytes, or an unpaired surrogate")
        assert found[4].text == good.decode(encoding).strip()


def test_deep_nesting_costs_one_row(write):
    path = write("a.jsonl", '{"text": "a", "b": ' + "[" * 101 + "]" * 101 + '}\n{"text": "b"}')
    bad, good = rows(path)
    assert (bad.line, good.text) == (1, "b")
    assert bad.reason == "nested too deeply"


def test_the_text_column(write):
    assert text_column(write("a.jsonl", ""), None) == "text"
    assert text_column(write("a.jsonl", ""), "body") == "body"
    assert text_column(write("a.csv", "id,Review\n1,\n")) == "Review"
    assert text_column(write("b.csv", "short,long\na,bbbb\nx\nc,\n")) == "long"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", "好", "rows are read from"),
        ("a.doc", "好", "cannot tell the format"),
        ("a.csv", "", "the file is empty"),
        ("a.csv", "a,a\n1,2\n", "the same name"),
        ("a.csv", "a,absa\n1,2\n", "column 'absa' already"),
        ("a.parquet", "好", "cannot be read as Parquet"),
    ],
)
def test_unusable_files(write, name, data, message):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    with pytest.raises(InputError, match=message):
        text_column(write(name, data))
