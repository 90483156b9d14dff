import json

import pytest

from spacy_absa.data.jsonl import read_annotated, read_records, write_annotated
from spacy_absa.errors import InputError
from spacy_absa.types import CharSpan, LabelledText


def write(tmp_path, *lines):
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def annotated(tmp_path, text, spans):
    path = write(tmp_path, json.dumps({"text": text, "spans": spans}))
    return next(read_annotated(path))[1]


def test_records_keep_their_fields_and_lines(tmp_path):
    path = write(tmp_path, '{"text": "好\\u2028车", "id": 7}', "", '{"text": ""}')
    first, second = read_records(path)
    assert (first.text, first.fields["id"]) == ("好\u2028车", 7)
    assert (second.text, second.where) == ("", f"{path}, line 3")


def test_another_key(tmp_path):
    path = write(tmp_path, '{"内容": "好车"}')
    assert next(read_records(path, "内容")).text == "好车"


def test_spans_are_sorted_and_opinions_become_labels(tmp_path):
    spans = [[4, 6, "neg"], [0, 2, "POS"], [2, 4, "FOOD"]]
    expected = [CharSpan(0, 2, "POS"), CharSpan(2, 4, "FOOD"), CharSpan(4, 6, "NEG")]
    assert annotated(tmp_path, "本田丰田日产", spans) == expected
    assert annotated(tmp_path, "", []) == []


def test_spans_may_be_objects_and_opinions_in_any_case(tmp_path):
    spans = [{"start": 0, "end": 2, "label": "Neg"}, [2, 4, "NEU"]]
    expected = [CharSpan(0, 2, "NEG"), CharSpan(2, 4, "NEU")]
    assert annotated(tmp_path, "本田丰田", spans) == expected


def test_offsets_count_code_points(tmp_path):
    assert annotated(tmp_path, "😀本田", [[1, 3, "neu"]]) == [CharSpan(1, 3, "NEU")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "no JSON object"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("1" * 5000, "cannot be read as JSON"),
        ('{"text": 1}', "no text"),
        ('{"text": "a\\ud800"}', "unpaired surrogate at character 1"),
        ('{"text": "a", "id": ["\\ud800"]}', "unpaired surrogate beside the text"),
        ('{"text": "a"}', 'no "spans"'),
        ('{"text": "ab", "spans": [[0, 3, "pos"]]}', "not in the text of 2"),
        ('{"text": "ab", "spans": [[-1, 1, "pos"]]}', "not in the text"),
        ('{"text": "ab", "spans": [[1, 1, "pos"]]}', "not in the text"),
        ('{"text": "ab", "spans": [[0, 1]]}', "is not \\[start, end, label\\]"),
        ('{"text": "ab", "spans": [["0", 1, "pos"]]}', "is not \\[start"),
        ('{"text": "ab", "spans": [[0, 1, ""]]}', "is not \\[start"),
        ('{"text": "abc", "spans": [[0, 2, "pos"], [1, 3, "neg"]]}', "overlap"),
    ],
)
def test_malformed_lines_are_named(tmp_path, line, message):
    path = write(tmp_path, '{"text": "好", "spans": []}', line)
    with pytest.raises(InputError, match=rf"data\.jsonl, line 2: .*{message}"):
        list(read_annotated(path))


def test_an_empty_file(tmp_path):
    with pytest.raises(InputError, match="empty"):
        list(read_annotated(write(tmp_path)))


def test_annotated_texts_are_written_for_people_to_read(tmp_path):
    path = tmp_path / "a.jsonl"
    write_annotated(path, [LabelledText("本田好", [CharSpan(0, 2, "POS")])])
    assert path.read_text(encoding="utf8") == '{"text": "本田好", "spans": [[0, 2, "POS"]]}\n'
