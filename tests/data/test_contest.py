import pytest

from spacy_absa.data.contest import (
    NotFound,
    Row,
    locate,
    mentions_to_rows,
    read_labels,
    read_sentences,
    settle,
    write_answer,
)
from spacy_absa.errors import InputError
from spacy_absa.types import CharSpan


def write(tmp_path, content):
    path = tmp_path / "file.csv"
    path.write_bytes(content.encode())
    return path


def mention(text, label, **scores):
    return {"text": text, "label": label, "scores": scores}


def test_sentences_as_the_contest_writes_them(tmp_path):
    content = 'SentenceId\tContent\r\n07\t他说"本田\u2028好\r\nS2\t\r\n'
    assert read_sentences(write(tmp_path, content)) == {"07": '他说"本田\u2028好', "S2": ""}


@pytest.mark.parametrize("separator", ["\t", ","])
def test_labels(tmp_path, separator):
    lines = ["SentenceId,View,Opinion", "1,本田,pos", "1,丰田,neg", "2,本田,neu", "1,本田,pos"]
    path = write(tmp_path, "\r\n".join(lines).replace(",", separator))
    labels = read_labels(path, {"1", "2"})
    assert labels == {("1", "本田"): "pos", ("1", "丰田"): "neg", ("2", "本田"): "neu"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("SentenceId\tContent\r\n", "no sentences"),
        ("SentenceId\tText\r\n1\tx\r\n", "line 1: the columns are SentenceId, Text"),
        ("SentenceId\tContent\r\n1\tx\r\n1\tx\r\n", "line 3: sentence 1 comes twice"),
        ("SentenceId\tContent\r\n1\tx\ty\r\n", "line 2: 3 columns"),
    ],
)
def test_bad_sentences(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read_sentences(write(tmp_path, content))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1\t本田\tgood", "line 2: unknown opinion 'good'"),
        ("1\t本田\tPOS", "line 2: unknown opinion 'POS'"),
        ("1\t \tpos", "line 2: the view is empty"),
        ("1\t本田\tpos\n3\t本田\tpos", "line 3: a label for sentence 3"),
        ("1\t本田\tpos\n1\t本田\tneg", "line 3: '本田' in sentence 1 is neg here and pos above"),
        ("1\t本田", "line 2: 2 columns"),
    ],
)
def test_bad_labels(tmp_path, rows, message):
    path = write(tmp_path, f"SentenceId\tView\tOpinion\n{rows}\n")
    with pytest.raises(InputError, match=message):
        read_labels(path, {"1": ""})


def test_locate_all_places_longest_first():
    text = "哈弗h6比哈弗好，哈弗H6"
    spans, not_found = locate(text, {"哈弗": "NEG", "哈弗h6": "POS"})
    assert spans == [CharSpan(0, 4, "POS"), CharSpan(5, 7, "NEG"), CharSpan(9, 11, "NEG")]
    assert not_found == []


def test_locate_folds_case_and_width_where_the_exact_view_is_absent():
    spans, not_found = locate("买Ｑ７还是DS\u00a04S", {"q7": "POS", "ds 4S": "NEU"})
    assert spans == [CharSpan(1, 3, "POS"), CharSpan(5, 10, "NEU")]
    assert not_found == []


def test_locate_names_what_has_no_place():
    views = {"朗逸plus": "POS", "朗逸": "NEG", "本田": "NEU", "PLUS": "NEU"}
    spans, not_found = locate("朗逸plus", views)
    assert spans == [CharSpan(0, 6, "POS")]
    assert not_found == [
        NotFound("PLUS", "only within longer views"),
        NotFound("朗逸", "only within longer views"),
        NotFound("本田", "not in the sentence"),
    ]


def test_locate_finds_places_beside_partly_taken_ones():
    # The places of a view do not overlap; xa fits before aab, aa only across them.
    assert locate("车车车", {"车车": "POS"})[0] == [CharSpan(0, 2, "POS")]
    spans, _ = locate("xaaab", {"aab": "POS", "aa": "NEG", "xa": "NEU"})
    assert spans == [CharSpan(0, 2, "NEU"), CharSpan(2, 5, "POS")]


def test_locate_keeps_what_is_behind_a_place():
    views = {"宝马X5": "POS", "本田车": "NEG", "宝马": "NEU"}
    spans, (missing,) = locate("本田车，宝马X5", views)
    assert spans == [CharSpan(0, 3, "NEG"), CharSpan(4, 8, "POS")]
    assert missing == NotFound("宝马", "only within longer views")


def test_locate_looks_at_every_character():
    spans, _ = locate("好好车车车", {"好好车": "POS", "车车": "NEG"})
    assert spans == [CharSpan(0, 3, "POS"), CharSpan(3, 5, "NEG")]


def test_conflicting_mentions_are_settled_by_summed_probability():
    mentions = [
        mention("本田", "POS", POS=0.5, NEU=0.1, NEG=0.4),
        mention("丰田", "NEU", POS=0.1, NEU=0.8, NEG=0.1),
        mention("本田", "POS", POS=0.5, NEU=0.1, NEG=0.4),
        mention("本田", "NEG", POS=0.0, NEU=0.0, NEG=1.0),
    ]
    assert settle(mentions) == {"本田": "NEG", "丰田": "NEU"}  # 本田: POS 1.0, NEG 1.8
    assert settle([mention("本田", "NEG", NEG=1.0), mention("本田", "POS", POS=1.0)]) == {
        "本田": "NEG"
    }
    assert mentions_to_rows("S1", mentions) == [Row("S1", "本田", "neg"), Row("S1", "丰田", "neu")]
    assert mentions_to_rows("S1", []) == []


def test_the_answer_knows_three_labels():
    with pytest.raises(InputError, match="FOOD is no opinion"):
        mentions_to_rows("1", [mention("本田", "FOOD", FOOD=1.0)])


def test_the_answer_is_read_back(tmp_path):
    rows = [Row("1", 'a,"b"', "pos"), Row("1", "本田", "neu"), Row("2", "本田", "pos")]
    path = tmp_path / "answer.csv"
    assert write_answer(path, rows) == {"pos": 2, "neu": 1}
    assert path.read_bytes().decode().splitlines()[:2] == [
        "SentenceId,View,Opinion",
        '1,"a,""b""",pos',
    ]
    assert read_labels(path) == {row[:2]: row.opinion for row in rows}
