import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin

SENTENCES = "SentenceId\tContent\r\n1\t本田比丰田好\r\n2\t\r\n3\t日产？😀\r\n"
LABELS = "SentenceId\tView\tOpinion\r\n1\t本田\tpos\r\n1\t丰田\tneg\r\n3\t奥迪\tneu\r\n"


@pytest.fixture
def contest(tmp_path):
    """The arguments for a contest pair."""
    (tmp_path / "Train.csv").write_bytes(SENTENCES.encode())
    (tmp_path / "Label.csv").write_bytes(LABELS.encode())
    return ["Train.csv", "train.spacy", "--labels", "Label.csv"]


def read(path, lang="zh"):
    return list(DocBin().from_disk(path).get_docs(spacy.blank(lang).vocab))


def test_a_contest_pair(absa, contest):
    result = absa("convert", *contest, "--report", "skipped.tsv")
    assert result.code == 0
    assert "2 texts, 2 entities (1 NEG, 1 POS)" in " ".join(result.out.split())
    docs = read("train.spacy")
    assert [doc.text for doc in docs] == ["本田比丰田好", "日产？😀"]
    assert [(e.text, e.label_) for e in docs[0].ents] == [("本田", "POS"), ("丰田", "NEG")]
    assert [doc.user_data["sentence_id"] for doc in docs] == ["1", "3"]
    assert Path("skipped.tsv").read_text(encoding="utf-8").splitlines() == [
        "SentenceId\tView\tReason",
        "2\t\tempty text",
        "3\t奥迪\tnot in the sentence",
    ]


def test_jsonl_with_a_word_tokenizer(absa, tmp_path):
    (tmp_path / "data.jsonl").write_text(
        '{"text": "fine keyboards", "spans": [[0, 4, "pos"], [5, 8, "neg"]], "id": "x"}\n'
    )
    result = absa("convert", "data.jsonl", "train.spacy", "--lang", "en", "--report", "r.tsv")
    assert result.code == 0
    (doc,) = read("train.spacy", "en")
    assert [(e.text, e.label_) for e in doc.ents] == [("fine", "POS")]
    assert doc[1].ent_iob_ == ""
    assert Path("r.tsv").read_text().splitlines()[1] == "x\tkey\tnot on token boundaries"


def test_a_folder_of_jsonl_files(absa, tmp_path):
    for name, text in (("a", "喜欢本田"), ("b", "讨厌丰田")):
        (tmp_path / "labelled").mkdir(exist_ok=True)
        line = f'{{"text": "{text}", "spans": [[2, 4, "pos"]]}}\n'
        (tmp_path / f"labelled/{name}.jsonl").write_text(line, encoding="utf-8")
    assert absa("convert", "labelled", "train.spacy").code == 0
    assert [doc.text for doc in read("train.spacy")] == ["喜欢本田", "讨厌丰田"]


def test_the_dev_split_depends_on_the_text_alone(absa, tmp_path):
    lines = [f"{i}\t第{i}辆车" for i in range(60)]
    for name, chosen in (("all.csv", lines), ("half.csv", lines[30:][::-1])):
        (tmp_path / name).write_text("\n".join(["SentenceId\tContent", *chosen]))
    (tmp_path / "Label.csv").write_text("SentenceId\tView\tOpinion\n")
    dev = {}
    for name in ("all", "half"):
        options = ("--labels", "Label.csv", "--dev", f"{name}-dev.spacy", "--dev-share", 0.3)
        assert absa("convert", f"{name}.csv", f"{name}.spacy", *options).code == 0
        dev[name] = {doc.text for doc in read(f"{name}-dev.spacy")}
        assert not dev[name] & {doc.text for doc in read(f"{name}.spacy")}
    assert 5 < len(dev["all"]) < 35
    assert dev["half"] == {text for text in dev["all"] if int(text[1:-2]) >= 30}


def test_a_spreadsheet_takes_nothing_in_the_report_for_a_formula(absa, contest, tmp_path):
    (tmp_path / "Label.csv").write_text("SentenceId\tView\tOpinion\n1\t=1+1\tpos\n")
    assert absa("convert", *contest, "--report", "skipped.tsv").code == 0
    assert "1\t'=1+1\tnot in the sentence\n" in Path("skipped.tsv").read_text()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("Train.csv", "", "Train.csv: the file is empty"),
        ("Train.csv", "SentenceId\tContent\r\n1\t\r\n3\t \r\n", "no texts"),
        ("Train.csv", SENTENCES + "1\t又是本田\r\n", "Train.csv, line 5: sentence 1 comes twice"),
        ("Train.csv", SENTENCES.replace("Content", "Text"), "the columns are SentenceId, Text"),
        ("Label.csv", LABELS + "4\t本田\tpos\r\n", "Label.csv, line 5: a label for sentence 4"),
        ("Label.csv", LABELS + "1\t本田\tneg\r\n", "Label.csv, line 5: '本田' in sentence 1"),
        ("Label.csv", LABELS + "1\t本田\tbad\r\n", "Label.csv, line 5: unknown opinion 'bad'"),
        ("Label.csv", LABELS + "1\t本田\r\n", "Label.csv, line 5: 2 columns"),
    ],
)
def test_bad_contest_files(refused, contest, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content.encode())
    assert message in refused("convert", *contest, "--report", "r.tsv")


def test_bad_encoding(refused, contest, tmp_path):
    (tmp_path / "Train.csv").write_bytes(SENTENCES.encode() + b"4\t\xff\xff\r\n")
    assert "Train.csv, line 5 (byte" in refused("convert", *contest)


def test_bad_arguments(refused, contest, tmp_path):
    assert "gone.csv: cannot be read" in refused("convert", "gone.csv", *contest[1:])
    assert "need --labels" in refused("convert", *contest[:2])
    assert "must end in .spacy" in refused("convert", "Train.csv", "train.json", *contest[2:])
    assert "--lang klingon" in refused("convert", *contest, "--lang", "klingon")
    same = ("--dev", "./train.spacy")
    assert "is another output as well" in refused("convert", *contest, *same)
    report = ("--report", "Label.csv")
    assert "Label.csv: is the input as well" in refused("convert", *contest, *report)
    assert "dev.spacy: no texts" in refused(
        "convert", *contest, "--dev", "dev.spacy", "--dev-share", 0
    )
    (tmp_path / "data.jsonl").write_text('{"text": "\\ud800", "spans": []}')
    assert "line 1: an unpaired surrogate" in refused("convert", "data.jsonl", "a.spacy")


def test_exports_of_several_annotators(absa, tmp_path):
    readings = {
        "anna": {"本田好": [[0, 2, "POS"]], "丰田坏": [[0, 2, "NEG"]], "日产": [[0, 2, "NEU"]]},
        "bo": {"本田好": [[0, 2, "POS"]], "丰田坏": [[0, 2, "POS"]], "日产": [[0, 2, "NEU"]]},
        "cy": {"本田好": [[0, 3, "POS"]]},
    }
    (tmp_path / "export").mkdir()
    for annotator, texts in readings.items():
        lines = [json.dumps({"id": t, "text": t, "label": label}) for t, label in texts.items()]
        (tmp_path / f"export/{annotator}.jsonl").write_text("\n".join(lines), encoding="utf8")
    result = absa("convert", "export", "t.spacy", "--conflicts", "c.tsv", "--report", "r.tsv")
    assert result.code == 0
    rows = [line.split() for line in result.out.splitlines()]
    assert ["anna", "bo", "3", "0.667"] in rows
    assert ["anna", "cy", "1", "0.000"] in rows
    assert "2 texts are read differently: 1 taken" in " ".join(result.out.split())
    found = {doc.text: [(e.text, e.label_) for e in doc.ents] for doc in read("t.spacy")}
    assert found == {"本田好": [("本田", "POS")], "日产": [("日产", "NEU")]}
    assert Path("c.tsv").read_text(encoding="utf8").splitlines() == [
        "SentenceId\tContent\tAnnotator\tEntities\tOutcome",
        "本田好\t本田好\tanna\t本田 POS (0-2)\tmajority",
        "本田好\t本田好\tbo\t本田 POS (0-2)\tmajority",
        "本田好\t本田好\tcy\t本田好 POS (0-3)\tmajority",
        "丰田坏\t丰田坏\tanna\t丰田 NEG (0-2)\tleft out",
        "丰田坏\t丰田坏\tbo\t丰田 POS (0-2)\tleft out",
    ]
    assert "丰田坏\t\tannotators disagree" in Path("r.tsv").read_text(encoding="utf8")


def test_the_format_of_an_export_can_be_given(refused, absa, tmp_path):
    line = {"text": "本田", "spans": [], "label": [[0, 2, "POS"]]}
    (tmp_path / "data.jsonl").write_text(json.dumps(line), encoding="utf8")
    assert absa("convert", "data.jsonl", "t.spacy", "--format", "doccano").code == 0
    assert [e.text for e in read("t.spacy")[0].ents] == ["本田"]
    (tmp_path / "bad.json").write_text("[{", encoding="utf8")
    assert "bad.json: not JSON" in refused("convert", "bad.json", "t.spacy")
