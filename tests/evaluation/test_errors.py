from math import inf

from spacy_absa.evaluation.errors import confusion, worst_errors


def test_confusion_by_hand(reading):
    readings = [
        reading("甲乙丙", [(0, 1, "POS"), (1, 2, "NEG")], [(0, 1, "POS"), (1, 2, "POS")]),
        # Found too long: one missed, one too many.
        reading("丁戊己", [(0, 1, "NEU")], [(0, 2, "NEU")]),
    ]
    assert confusion(readings, ["NEG", "NEU", "POS"]) == {
        "labels": ["NEG", "NEU", "POS", "none"],
        "counts": [[0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]],
    }


def test_the_worst_texts_come_first_by_the_mean_over_their_entities(reading):
    class Judge:
        def surprise(self, examples):
            return [nats[example.predicted.text] for example in examples]

    nats = {"甲": 2.0, "乙丙": 3.0, "丁": inf}
    readings = [
        reading("甲", [(0, 1, "POS")], [(0, 1, "NEG")]),
        reading("戊", [(0, 1, "POS")], [(0, 1, "POS")]),
        reading("乙丙", [(0, 1, "POS")], [(1, 2, "POS")]),
        reading("丁", [(0, 1, "POS")]),
    ]
    errors = [(e["text"], e["log_probability"]) for e in worst_errors(Judge(), readings, 9)]
    assert errors == [("丁", None), ("甲", -2), ("乙丙", -3)]
    assert [e["text"] for e in worst_errors(Judge(), readings, 1)] == ["丁"]
