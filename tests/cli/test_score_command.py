import json
import subprocess
import sys

import pytest


@pytest.fixture
def answers(tmp_path):
    header = "SentenceId,View,Opinion\n"
    gold = f"{header}1,本田,pos\n1,丰田,neg\n2,日产,neu\n"
    (tmp_path / "Label.csv").write_text(gold.replace(",", "\t"), encoding="utf-8")
    (tmp_path / "answer.csv").write_text(f"{header}1,本田,pos\n1,丰田,pos\n", encoding="utf-8")
    return "Label.csv", "answer.csv"


def test_the_tables(absa, answers):
    result = absa("score", *answers)
    assert result.code == 0
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert "Contest F1 50.00" in lines  # P = 1/2, R = 1/2
    assert "Micro F1 40.00" in lines  # P = 1/2, R = 1/3
    assert "missed (fn1) 1" in lines
    assert "pos 50.00 100.00 66.67" in lines


def test_json(absa, answers):
    scores = json.loads(absa("score", *answers, "--json").out)
    assert scores["micro_f1"] == pytest.approx(0.4)
    assert scores["per_opinion"]["pos"] == {"p": 0.5, "r": 1.0, "f1": pytest.approx(2 / 3)}


def test_bad_input(refused, answers, tmp_path):
    assert "gone.csv" in refused("score", "gone.csv", "answer.csv")
    (tmp_path / "answer.csv").write_text("SentenceId,View,Opinion\n1,本田,POS\n")
    assert "answer.csv, line 2: unknown opinion" in refused("score", *answers)
    (tmp_path / "answer.csv").write_text("SentenceId,View,Opinion\nT1,本田,pos\n")
    assert "no sentence is in both" in refused("score", *answers)


def test_the_real_command_line(answers, tmp_path):
    def spacy_absa(*arguments):
        command = [sys.executable, "-m", "spacy", "absa", "score", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    found = spacy_absa(*answers, "--json")
    assert found.returncode == 0
    assert json.loads(found.stdout)["tp"] == 1
    failed = spacy_absa("gone.csv", "answer.csv")
    assert failed.returncode == 1
    assert failed.stderr == "✘ gone.csv: cannot be read: No such file or directory.\n"
