"""Damaged Parquet files, spreadsheets, training data and pipelines: read, or one clear error."""

import io

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_absa.cli._util import load_pipeline
from spacy_absa.data.parquet import scan_parquet
from spacy_absa.data.rows import read_rows, text_column
from spacy_absa.data.tables import read_table
from spacy_absa.data.text import BadRow
from spacy_absa.errors import InputError
from spacy_absa.lexicon import Lexicon

from .. import strategies as s
from ..pipeline.conftest import TINY, examples_of

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
openpyxl = pytest.importorskip("openpyxl")


def to_parquet(table):
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()


PARQUET = to_parquet(
    pa.table(
        {
            "text": ["本田很好", "", None, "丰田\0"] * 5,
            "tags": [["a"], [], None, ["b", None]] * 5,
            "day": pa.array([0, 1, -(10**6), 10**5] * 5, pa.date32()),
            "time": pa.array([0, 1, None, 2**40] * 5, pa.timestamp("us", "UTC")),
        }
    )
)
TYPES = [
    *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")),
    *(pa.duration("us"), pa.date32(), pa.date64(), pa.time64("ns"), pa.uint64(), pa.float64()),
]


def rows_of(path):
    return read_rows(path, text_column(path), 50)


@given(s.damaged(PARQUET))
def test_parquet(read, data):
    for row in read("a.parquet", data, rows_of) or ():
        assert isinstance(row, BadRow) or row.text.strip()


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4), st.sampled_from(TYPES))
def test_parquet_values_of_any_size(read, values, kind):
    integers = pa.array(values, pa.int64())
    if kind == pa.date32():
        integers = integers.cast(pa.int32(), safe=False)
    try:
        data = to_parquet(pa.table({"text": ["a"] * len(values), "x": integers.view(kind)}))
    except pa.ArrowException:  # Parquet cannot hold it
        return
    assert len(read("a.parquet", data, scan_parquet)) == len(values)


@given(st.lists(s.texts, max_size=5))
def test_parquet_is_read_as_it_was_written(read, texts):
    column = pa.array([b"\xff", *(text.encode() for text in texts)]).view(pa.string())
    bad, *rows = read("a.parquet", to_parquet(pa.table({"text": column})), scan_parquet)
    assert isinstance(bad, BadRow)
    assert [fields["text"] for _, fields in rows] == texts


def spreadsheet():
    book = openpyxl.Workbook()
    for row in [("id", "text"), (1, "本田"), (2.5, "丰田"), (None, True)]:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@given(s.damaged(spreadsheet()), st.sampled_from(["a.xlsx", "a.xls"]))
def test_spreadsheets(read, data, name):
    read(name, data, read_table)


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """A small pipeline on disk, and its files."""
    nlp = spacy.blank("zh")
    nlp.add_pipe("absa_gru", config={"model": TINY})
    nlp.initialize(lambda: examples_of(nlp))
    nlp.get_pipe("absa_gru").set_lexicon(Lexicon([]))
    path = tmp_path_factory.mktemp("pipeline")
    nlp.to_disk(path)
    return path, sorted(file for file in path.rglob("*") if file.is_file())


@settings(max_examples=max(10, settings().max_examples // 10))
@given(st.data())
def test_pipelines(saved, data):
    folder, files = saved
    file = data.draw(st.sampled_from(files))
    whole = file.read_bytes()
    try:
        file.write_bytes(data.draw(s.damaged(whole)))
        load_pipeline(str(folder), None, -1)("我喜欢本田")
    except InputError as error:
        assert len(str(error).splitlines()) == 1
    finally:
        file.write_bytes(whole)
