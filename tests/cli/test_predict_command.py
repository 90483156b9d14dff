import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import spacy

CARS = Path(__file__).parents[2] / "assets" / "zh_absa_cars"
CONTEST = "SentenceId\tContent\r\nS1\t本田比丰田好\r\nS2\t\r\nS3\t😀日产\r\n"


@pytest.fixture
def inputs(tmp_path):
    (tmp_path / "Test.csv").write_bytes(CONTEST.encode())
    (tmp_path / "texts.txt").write_text("本田\n\n没有车\n", encoding="utf-8")
    (tmp_path / "texts.jsonl").write_text('{"text": "本田", "id": 0}\n{"text": ""}\n')


def lines(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def test_contest_answer(absa, pipeline, inputs, tmp_path):
    result = absa("predict", pipeline, "Test.csv", "answer.csv")
    assert result.code == 0
    assert "3 views (1 pos, 1 neg, 1 neu)" in " ".join(result.out.split())
    assert (tmp_path / "answer.csv").read_text(encoding="utf-8").splitlines() == [
        "SentenceId,View,Opinion",
        "S1,本田,pos",
        "S1,丰田,neg",
        "S3,日产,neu",
    ]


def test_texts_without_ids_are_numbered(absa, pipeline, inputs, tmp_path):
    assert absa("predict", pipeline, "texts.txt", "answer.csv").code == 0
    assert "\n1,本田,pos" in (tmp_path / "answer.csv").read_text(encoding="utf-8")
    assert absa("predict", pipeline, "texts.jsonl", "answer.csv").code == 0
    assert "\n0,本田,pos" in (tmp_path / "answer.csv").read_text(encoding="utf-8")


def test_jsonl_has_as_many_lines_as_there_are_texts(absa, pipeline, inputs):
    assert absa("predict", pipeline, "Test.csv", "out.jsonl", "--batch-size", 2).code == 0
    out = lines("out.jsonl")
    assert [(line["id"], line["text"]) for line in out] == [
        ("S1", "本田比丰田好"),
        ("S2", ""),
        ("S3", "😀日产"),
    ]
    assert [len(line["entities"]) for line in out] == [2, 0, 1]
    assert {"text": "丰田", "start": 3, "end": 5, "label": "NEG"}.items() <= out[0]["entities"][
        1
    ].items()
    assert absa("predict", pipeline, "texts.jsonl", "out.jsonl").code == 0
    assert [line.get("id") for line in lines("out.jsonl")] == [0, None]


def test_the_terminal(absa, pipeline, inputs):
    result = absa("predict", pipeline, "texts.txt")
    assert result.code == 0
    assert result.out.splitlines() == [
        "本田",
        "  positive  0.95  本田 (honda)",
        "",
        "  no entity",
        "没有车",
        "  no entity",
    ]


def test_the_terminal_gets_no_control_characters(absa, pipeline, tmp_path):
    (tmp_path / "texts.txt").write_text("\x1b[2J本田\x9b\n")
    assert absa("predict", pipeline, "texts.txt").out.startswith("\ufffd[2J本田\ufffd\n")
    assert "\ufffd[2J" in absa("predict", pipeline, "\x1b[2J.txt").err


def test_another_lexicon(absa, pipeline, inputs, tmp_path):
    (tmp_path / "names.txt").write_text("没有车\n", encoding="utf-8")
    result = absa("predict", pipeline, "texts.txt", "out.jsonl", "--lexicon", "names.txt")
    assert result.code == 0
    assert [len(line["entities"]) for line in lines("out.jsonl")] == [0, 0, 1]


def test_a_text_beyond_the_usual_limit(absa, pipeline, tmp_path):
    spacy.load(pipeline).max_length = 1000
    (tmp_path / "long.txt").write_text("长" * 30_000 + "本田\n", encoding="utf-8")
    assert absa("predict", pipeline, "long.txt", "out.jsonl").code == 0
    (line,) = lines("out.jsonl")
    assert line["entities"][0]["start"] == 30_000


def test_bad_input(refused, pipeline, inputs, tmp_path):
    assert "gone.csv" in refused("predict", pipeline, "gone.csv", "answer.csv")
    assert "must end in .csv or .jsonl" in refused("predict", pipeline, "Test.csv", "answer.txt")
    assert "cannot tell the format" in refused("predict", pipeline, "Test.doc", "answer.csv")
    assert "gone.txt" in refused("predict", pipeline, "Test.csv", "a.csv", "--lexicon", "gone.txt")
    (tmp_path / "bad.jsonl").write_text('{"text": "本田"}\n{"text": "\\udc00"}\n')
    assert "bad.jsonl, line 2: an unpaired" in refused("predict", pipeline, "bad.jsonl", "a.csv")


def test_bad_pipelines(refused, inputs, tmp_path):
    assert "gone: cannot be loaded" in refused("predict", "gone", "Test.csv", "answer.csv")
    spacy.blank("zh").to_disk(tmp_path / "blank")
    assert "blank: no component absa_gru" in refused("predict", "blank", "Test.csv", "a.csv")
    config = tmp_path / "blank" / "config.cfg"
    config.write_text(config.read_text().replace('lang = "zh"', 'lang = "klingon"'))
    assert "blank: cannot be loaded" in refused("predict", "blank", "Test.csv", "a.csv")


def test_explanations_are_opt_in(absa, tmp_path):
    (tmp_path / "text.txt").write_text("别买宝骏560，烧机油\n", encoding="utf-8")
    assert absa("predict", CARS, "text.txt", "plain.jsonl").code == 0
    assert absa("predict", CARS, "text.txt", "explained.jsonl", "--explain").code == 0
    (plain,), (explained,) = (
        lines(name)[0]["entities"] for name in ("plain.jsonl", "explained.jsonl")
    )
    *_, run = explained.pop("explanation")
    assert plain == explained
    assert run["weight"] == 1.0 and "烧机" in run["text"]
    printed = absa("predict", CARS, "text.txt", "--explain").out.splitlines()
    assert printed[-1] == f"    +1.00  {run['text']}"


def test_explanations_have_no_place_in_a_contest_answer(refused, pipeline, inputs):
    assert "must end in .jsonl" in refused("predict", pipeline, "Test.csv", "a.csv", "--explain")


def test_any_table_with_the_name_of_its_text_column(absa, refused, pipeline, tmp_path):
    (tmp_path / "rated.csv").write_text("stars,review\n5,本田\n1,丰田\n", encoding="utf-8")
    assert "are stars, review: name that of the text" in refused("predict", pipeline, "rated.csv")
    assert absa("predict", pipeline, "rated.csv", "out.jsonl", "--column", "review").code == 0
    assert [line["text"] for line in lines("out.jsonl")] == ["本田", "丰田"]


def test_ids_stay_where_the_column_is_named(absa, refused, pipeline, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"content": "本田", "id": "A17"}\n', encoding="utf-8")
    (tmp_path / "a.csv").write_text("SentenceId\tContent\nD7\t本田\n", encoding="utf-8")
    for name, column, given in (("a.jsonl", "content", "A17"), ("a.csv", "Content", "D7")):
        assert absa("predict", pipeline, name, "out.jsonl", "--column", column).code == 0
        assert [line["id"] for line in lines("out.jsonl")] == [given]
    (tmp_path / "b.jsonl").write_text('{"text": "本田", "id": 2}\n{"text": "丰田"}\n')
    assert "Text 2 has no id" in refused("predict", pipeline, "b.jsonl", "answer.csv")


def test_a_gpu_that_is_not_there(refused, pipeline, inputs, monkeypatch):
    def fail(gpu_id, silent):
        raise ValueError("No GPU")

    monkeypatch.setattr("spacy_absa.cli._util.setup_gpu", fail)
    assert "--gpu-id 7: No GPU: use -1" in refused(
        "predict", pipeline, "Test.csv", "a.csv", "--gpu-id", 7
    )


def test_the_contest_as_a_spreadsheet(absa, pipeline, tmp_path):
    book = pytest.importorskip("openpyxl").Workbook()
    for row in (("SentenceId", "Content"), ("S1", "本田"), ("S2", "丰田")):
        book.active.append(row)
    book.save(tmp_path / "Test.xlsx")
    assert absa("predict", pipeline, "Test.xlsx", "answer.csv").code == 0
    rows = (tmp_path / "answer.csv").read_text(encoding="utf-8").splitlines()
    assert rows[1:] == ["S1,本田,pos", "S2,丰田,neg"]


def test_the_input_is_not_written_over(refused, pipeline, inputs, tmp_path):
    before = (tmp_path / "texts.jsonl").read_bytes()
    assert "is the input as well" in refused("predict", pipeline, "texts.jsonl", "./texts.jsonl")
    assert (tmp_path / "texts.jsonl").read_bytes() == before


def test_a_terminal_that_knows_gbk_alone(tmp_path):
    (tmp_path / "a.txt").write_text("👍哈弗H6省油", encoding="utf-8")
    command = [sys.executable, "-m", "spacy", "absa", "predict", CARS, tmp_path / "a.txt"]
    environment = {**os.environ, "PYTHONIOENCODING": "gbk"}
    output = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    assert "?哈弗H6省油" in output.decode("gbk")
