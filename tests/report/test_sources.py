import json
import re
from datetime import date

import pytest

from spacy_absa.errors import InputError
from spacy_absa.report.quotes import Run
from spacy_absa.report.sources import find_sources, read_annotated

HONDA = {
    "text": "本田",
    "start": 2,
    "end": 4,
    "label": "POS",
    "sentiment": "positive",
    "scores": {"POS": 1.0},
    "score": 0.9,
    "id": "honda",
}


@pytest.fixture
def rows(tmp_path):
    """Read rows through a file."""

    def read(*rows, name="rows.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return list(read_annotated(path))

    return read


def test_the_text_is_the_longest_column_that_the_entities_fit(rows):
    fields = {
        "title": "喜欢本田",
        "n": 1,
        "review": "喜欢本田，不喜欢丰田",
        "other": "本田本田本田本田本田",
    }
    (text,) = rows({**fields, "absa": [HONDA]})
    assert text.text == fields["review"]
    assert [tuple(found) for found in text.found] == [(2, 4, "POS", "positive", 0.9, "honda", [])]
    assert (text.line, text.fields["n"]) == (1, 1)


def test_of_two_columns_that_fit_the_annotated_one_is_the_text(tmp_path):
    fields = {"text": "喜欢本田", "raw": "喜欢本田 -- 发自手机", "absa": [HONDA]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(fields), encoding="utf-8")
    (text,) = read_annotated(tmp_path / "rows.jsonl", {"text"})
    assert text.text == "喜欢本田"


def test_runs_and_files_beside_them(tmp_path):
    manifest = {"whole": True, "counts": {"shards": 0}, "time": {"started": ""}}
    manifest["run"] = {"inputs": [], "settings": {"format": "jsonl"}}
    for name in ("in/run1", "in/run2"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "manifest.json").write_text(json.dumps(manifest))
        (tmp_path / name / "quarantine.jsonl").touch()
    (tmp_path / "in/more.jsonl").write_text('{"text": "", "entities": []}\n')
    (tmp_path / "in/raw.jsonl").write_text('{"text": ""}\n')
    (tmp_path / "in/report.html").touch()
    wanted = ["more.jsonl", "run1", "run2"]
    for named in (["in"], ["in/**/run*", "in/m*.jsonl"], ["in/run1", "in/run2", "in/more.jsonl"]):
        sources = find_sources(tmp_path / name for name in named)
        assert sorted(source.path.name for source in sources) == wanted
    with pytest.raises(InputError, match="no such file or folder"):
        find_sources([tmp_path / "gone*"])


def test_what_predict_writes_is_read_too_and_texts_without_entities(rows):
    first, second = rows({"text": "喜欢本田", "entities": [HONDA]}, {"text": "好", "entities": []})
    assert (first.text, len(first.found), second.found) == ("喜欢本田", 1, [])


def test_explanations_are_read(rows):
    entry = {**HONDA, "explanation": [{"start": 0, "end": 2, "text": "喜欢", "weight": 0.7}]}
    (text,) = rows({"text": "喜欢本田", "absa": [entry]})
    assert text.found[0].explanation == [Run(0, 2, 0.7)]


def test_an_entity_may_begin_the_text_and_be_sure(rows):
    (text,) = rows({"text": "本田", "absa": [{**HONDA, "start": 0, "end": 2, "score": 1}]})
    assert (text.found[0].start, text.found[0].score) == (0, 1)


def test_parquet_is_read(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    path = tmp_path / "part-00000.parquet"
    write_table(pyarrow.Table.from_pylist([{"text": "喜欢本田", "absa": [HONDA]}]), path)
    (text,) = read_annotated(path)
    assert (text.text, text.found[0].id) == ("喜欢本田", "honda")
    write_table(pyarrow.Table.from_pylist([{"text": "好", "absa": [date(2016, 5, 1)]}]), path)
    with pytest.raises(InputError, match='"2016-05-01" is no entity'):
        list(read_annotated(path))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "喜欢本田"}, 'no list of entities at "absa" or "entities"'),
        ({"text": "喜欢本田", "absa": None}, "no list of entities"),
        ({"text": "喜欢本田", "absa": ["本田"]}, "is no entity"),
        ({"text": "喜欢本田", "absa": [{**HONDA, "start": -2}]}, "is no entity"),
        ({"text": "喜欢本田", "absa": [{**HONDA, "score": float("nan")}]}, "is no entity"),
        ({"text": "喜欢本田", "absa": [{**HONDA, "id": "\ud800"}]}, "is no entity"),
        ({"text": "喜欢本田", "absa": [{**HONDA, "sentiment": "LIKE"}]}, "'LIKE' is none of"),
        ({"text": "我喜欢本田", "absa": [HONDA]}, "no column has .* at characters 2 to 4"),
        ({"text": "喜欢本田\ud800", "absa": [HONDA]}, "surrogate at character 4"),
        (
            {"text": "喜欢本田", "absa": [{**HONDA, "explanation": [{"weight": 1}]}]},
            "no part of an explanation",
        ),
        (
            {
                "text": "喜欢本田",
                "absa": [{**HONDA, "explanation": [{"start": 0, "end": 1, "weight": 1e999}]}],
            },
            "no part of an explanation",
        ),
        (["list"], "no JSON object"),
    ],
)
def test_other_rows_are_refused_with_their_line(rows, row, message):
    good = {"text": "喜欢本田", "absa": [HONDA]}
    with pytest.raises(InputError, match=rf"rows\.jsonl, line 2: .*{message}") as error:
        rows(good, row)
    assert not re.search(r"\n", str(error.value))
