import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from spacy_absa.data.contest import Row, read_labels, write_answer
from spacy_absa.scoring import contest_scores

REFERENCE = Path(__file__).parents[2] / "shared" / "tools" / "score.py"


def test_hand_computed():
    gold = {("1", "a"): "pos", ("1", "b"): "neg", ("2", "a"): "neu", ("3", "c"): "pos"}
    predicted = {("1", "a"): "pos", ("1", "b"): "pos", ("2", "b"): "neu"}
    scores = contest_scores(gold, predicted)
    assert [scores[key] for key in ("tp", "fp", "fn1", "fn2")] == [1, 1, 2, 1]
    # P = 1/3, R = 1/(1+2)
    assert scores["contest_f1"] == pytest.approx(1 / 3)
    assert scores["micro_f1"] == pytest.approx(2 / 7)  # P = 1/3, R = 1/4
    assert scores["view_f1"] == pytest.approx(4 / 7)  # P = 2/3, R = 2/4
    assert scores["opinion_accuracy"] == 0.5
    assert scores["per_opinion"]["pos"] == {"p": 0.5, "r": 0.5, "f1": 0.5}
    assert scores["per_opinion"]["neu"] == {"p": 0.0, "r": 0.0, "f1": 0.0}
    assert scores["macro_f1"] == pytest.approx(0.5 / 3)


def test_nothing_to_compare():
    scores = contest_scores({}, {})
    assert {scores["contest_f1"], scores["macro_f1"], scores["opinion_accuracy"]} == {0.0}


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference scorer is not beside the project")
@pytest.mark.parametrize("seed", range(4))
def test_equals_the_reference_scorer(tmp_path, seed):
    rng = random.Random(seed)
    rows = [
        [
            Row(str(i), view, rng.choice(("pos", "neu", "neg")))
            for i in range(20)
            for view in ('q"7', "本田", "a,b", "RAV4 荣放")
            if rng.random() < 0.2 * (seed + 1)
        ]
        for _ in range(2)
    ]
    gold, predicted = tmp_path / "Label.csv", tmp_path / "answer.csv"
    lines = ["\t".join(row) for row in [("SentenceId", "View", "Opinion"), *rows[0]]]
    gold.write_bytes("\r\n".join(lines).encode())
    write_answer(predicted, rows[1])
    output = subprocess.check_output([sys.executable, REFERENCE, gold, predicted])
    scores = contest_scores(read_labels(gold), read_labels(predicted))
    expected = json.loads(output)
    assert {key: scores[key] for key in expected} == expected
