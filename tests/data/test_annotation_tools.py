import json
from xml.etree import ElementTree

import pytest
import spacy

from spacy_absa.data.annotation_tools import Tool, detect_tool, read_annotations, write_tasks
from spacy_absa.data.corpora import to_doc
from spacy_absa.errors import InputError
from spacy_absa.types import CharSpan

# the emoji is one code point and two UTF-16 code units
TEXT = "😀本田  真好"
SPAN = CharSpan(1, 3, "POS")
COLOURS = {"POS": "#00ff00", "A&B": "#ff0000"}


@pytest.fixture
def written(tmp_path):
    """What `write_tasks` writes for one text, read as JSON."""

    def write(tool, lang="zh", text=TEXT, span=SPAN):
        path = tmp_path / f"tasks{tool.suffix}"
        doc, _ = to_doc(spacy.blank(lang).tokenizer, text, [span])
        write_tasks(path, tool, [doc], COLOURS)
        return json.loads(path.read_text(encoding="utf8"))

    return write


@pytest.fixture
def read(tmp_path):
    """Read objects as the export of a tool: the annotations and what was skipped."""

    def read(tool, *objects, name="export"):
        path = tmp_path / f"{name}{tool.suffix}"
        if tool is Tool.label_studio:
            path.write_text(json.dumps(objects), encoding="utf8")
        else:
            path.write_text("\n".join(map(json.dumps, objects)), encoding="utf8")
        skipped = []
        return [tuple(a)[1:] for a in read_annotations(path, tool, skipped)], skipped

    return read


def label_studio(start=1, end=3, surface="本田", **fields):
    value = {"start": start, "end": end, "text": surface, "labels": ["POS"]}
    result = [{"type": "labels", "value": value}, {"type": "choices", "value": {"choices": ["x"]}}]
    annotation = {"completed_by": 7, "was_cancelled": False, "result": result, **fields}
    return {"id": 3, "data": {"text": TEXT}, "annotations": [annotation], "predictions": []}


def test_label_studio_counts_code_points(written, tmp_path):
    (task,) = written(Tool.label_studio)
    assert task["data"] == {"text": TEXT}
    (region,) = task["predictions"][0]["result"]
    assert region["value"] == {"start": 1, "end": 3, "text": "本田", "labels": ["POS"]}
    view = ElementTree.parse(tmp_path / "tasks.xml").getroot()
    labels, text = view.find("Labels"), view.find("Text")
    assert region["from_name"] == labels.get("name")
    assert region["to_name"] == labels.get("toName") == text.get("name")
    assert text.get("value") == "$text"
    assert {label.get("value"): label.get("background") for label in labels} == COLOURS


def test_doccano_counts_utf16_code_units(written):
    assert written(Tool.doccano) == {"text": TEXT, "label": [[2, 4, "POS"]]}
    units = TEXT.encode("utf-16-le")
    assert units[2 * 2 : 2 * 4].decode("utf-16-le") == "本田"


def test_prodigy_gets_tokens_and_their_numbers(written):
    text = "My Q7 is fine"
    task = written(Tool.prodigy, "en", text, CharSpan(0, 5, "POS"))
    (span,) = task["spans"]
    assert span == {"start": 0, "end": 5, "token_start": 0, "token_end": 1, "label": "POS"}
    assert "".join(t["text"] + " " * t["ws"] for t in task["tokens"]) == text
    assert all(text[t["start"] : t["end"]] == t["text"] for t in task["tokens"])
    assert [t["id"] for t in task["tokens"]] == [0, 1, 2, 3]


def test_a_label_studio_export(read):
    expected = (TEXT, "7", [SPAN])
    assert read(Tool.label_studio, label_studio())[0] == [expected]
    by_mail = label_studio(completed_by={"id": 7, "email": "a@b.c"})
    assert read(Tool.label_studio, by_mail)[0] == [(TEXT, "a@b.c", [SPAN])]
    value = {"start": 1, "end": 3, "text": "本田", "labels": ["POS"]}
    small = {"id": 3, "text": TEXT, "annotator": 7, "label": [value]}
    empty = {"id": 4, "text": "没有", "annotator": 8}
    for nothing in (empty, {**empty, "label": None}):
        assert read(Tool.label_studio, small, nothing)[0] == [expected, ("没有", "8", [])]


@pytest.mark.parametrize(
    "task, message",
    [({"text": "a", "label": 5}, "task 1: no text"), ({"text": "\ud800"}, "task 1: an unpaired")],
)
def test_label_studio_tasks_that_are_none_are_refused(read, task, message):
    with pytest.raises(InputError, match=message):
        read(Tool.label_studio, {"annotator": 8, **task})


def test_label_studio_tasks_that_nobody_annotated_are_skipped(read):
    tasks = [label_studio(was_cancelled=True), {**label_studio(), "annotations": []}]
    found, skipped = read(Tool.label_studio, *tasks)
    assert found == []
    assert [s.Reason for s in skipped] == ["cancelled by the annotator", "not annotated"]


def test_label_studio_regions_may_lack_their_text_and_tasks_their_id(read):
    assert read(Tool.label_studio, label_studio(surface=None))[0] == [(TEXT, "7", [SPAN])]
    _, (skipped,) = read(Tool.label_studio, {"data": {"text": TEXT}, "annotations": []})
    assert skipped.SentenceId == "1"


def test_label_studio_offsets_that_do_not_fit_their_text_are_refused(read):
    with pytest.raises(InputError, match=r"task 1: the span of '本田' is '田 ' in the text"):
        read(Tool.label_studio, label_studio(2, 4))


def test_a_doccano_export_of_one_file_per_annotator(read):
    line = {"id": 1, "text": TEXT, "label": [[2, 4, "POS"]], "Comments": []}
    assert read(Tool.doccano, line, name="anna")[0] == [(TEXT, "anna", [SPAN])]
    older = {"id": 1, "text": TEXT, "labels": [[2, 4, "POS"]]}
    assert read(Tool.doccano, older)[0] == [(TEXT, "export", [SPAN])]
    entity = {"id": 9, "label": "POS", "start_offset": 2, "end_offset": 4}
    assert read(Tool.doccano, {"text": TEXT, "entities": [entity]})[0] == [(TEXT, "export", [SPAN])]


def test_doccano_offsets_within_an_emoji_are_refused(read):
    with pytest.raises(InputError, match=r"line 1: \[1, 4, 'POS'\] is not .* UTF-16"):
        read(Tool.doccano, {"text": TEXT, "label": [[1, 4, "POS"]]})


def test_a_prodigy_export(read):
    span = {"start": 1, "end": 3, "label": "POS", "token_start": 1, "token_end": 2}
    line = {"text": TEXT, "spans": [span], "answer": "accept", "_session_id": "db-anna"}
    found, skipped = read(
        Tool.prodigy,
        line,
        {**line, "_annotator_id": "anna"},
        {**line, "answer": "reject"},
        {"text": TEXT, "spans": [span]},
        {"text": "没有", "answer": "accept"},
    )
    assert found == [(TEXT, "db-anna", [SPAN]), (TEXT, "anna", [SPAN]), ("没有", "", [])]
    assert [(s.SentenceId, s.Reason) for s in skipped] == [
        ("3", "answer: reject"),
        ("4", "not annotated"),
    ]


@pytest.mark.parametrize(
    ("name", "first", "tool"),
    [
        ("a.json", "[]", Tool.label_studio),
        ("a.jsonl", '{"text": "a", "label": []}', Tool.doccano),
        ("a.jsonl", '{"text": "a", "entities": []}', Tool.doccano),
        ("a.jsonl", '{"text": "a", "answer": "accept"}', Tool.prodigy),
        ("a.jsonl", '{"text": "a", "spans": [{"start": 0}]}', None),
        ("a.jsonl", '{"text": "a", "spans": [[0, 1, "POS"]]}', None),
        ("a.jsonl", '{"text": "a", "spans": [], "label": "x"}', None),
        ("a.jsonl", "", None),
        ("a.csv", "text", None),
    ],
)
def test_the_tool_is_told_by_the_first_object(tmp_path, name, first, tool):
    (tmp_path / name).write_text(first)
    assert detect_tool(tmp_path / name) is tool


@pytest.mark.parametrize(
    ("tool", "objects", "message"),
    [
        (Tool.label_studio, [{"data": {"other": "a"}, "annotations": []}], "task 1: no text"),
        (Tool.label_studio, [5], "task 1: no text"),
        (Tool.label_studio, [label_studio(result=None)], 'without "result"'),
        (Tool.label_studio, [{**label_studio(), "annotations": [5]}], 'without "result"'),
        (Tool.doccano, [{"text": "a", "entities": ["POS"]}], "is not .start, end, label."),
        (Tool.prodigy, [{"text": "a", "answer": "accept", "spans": 5}], 'no "spans"'),
        (Tool.prodigy, [{"text": "a", "answer": "accept", "spans": ["POS"]}], "span POS is not"),
        (Tool.label_studio, [label_studio(1, None)], "is not a span with one label"),
        (Tool.label_studio, [label_studio(1, 99, TEXT[1:])], "is not in the text of 7"),
        (Tool.doccano, [{"text": "a"}], 'line 1: no "label"'),
        (Tool.doccano, [{"text": "a", "label": ["POS"]}], "is not .start, end, label."),
        (
            Tool.prodigy,
            [{"text": "ab", "answer": "accept", "spans": [{"start": 0, "label": "POS"}]}],
            "line 1: span .0, None, 'POS'. is not",
        ),
        (
            Tool.prodigy,
            [
                {
                    "text": "abc",
                    "answer": "accept",
                    "spans": [
                        {"start": 0, "end": 2, "label": "POS"},
                        {"start": 1, "end": 3, "label": "POS"},
                    ],
                }
            ],
            "overlap",
        ),
    ],
)
def test_bad_exports(read, tool, objects, message):
    with pytest.raises(InputError, match=message):
        read(tool, *objects)
