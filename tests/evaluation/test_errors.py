from spacy_absa.evaluation.errors import confusion


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
